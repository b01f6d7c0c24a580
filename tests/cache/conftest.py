"""Clients that keep answers."""

from collections.abc import Callable
from typing import Any

import pytest

Caching = Callable[..., Any]


def user(name: str = "octocat") -> dict[str, Any]:
    """Return a body that `get_current_user` takes."""
    return {"id": 1, "github_user_id": "1", "github_username": name}


@pytest.fixture
def caching(connect: Callable[..., Any]) -> Callable[..., Any]:
    """Build clients that keep answers."""
    return lambda base_url=None, **settings: connect(base_url, **{"enable_caching": True, **settings})
