"""Clients that keep answers."""

import pytest


def user(name="octocat"):
    """Return a body that `get_current_user` takes."""
    return {"id": 1, "github_user_id": "1", "github_username": name}


@pytest.fixture
def caching(connect):
    """Build clients that keep answers."""
    return lambda base_url=None, **settings: connect(base_url, **{"enable_caching": True, **settings})
