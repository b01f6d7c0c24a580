"""Every call of these tests travels: a kept answer asks no limit."""

import pytest


@pytest.fixture(autouse=True)
def no_cache(environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch the cache off for clients that do not say."""
    monkeypatch.setenv("CODEGEN_ENABLE_CACHING", "false")
