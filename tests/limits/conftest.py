"""Calls that travel, since a kept answer asks no limit, and limiters without a client around them."""

import httpx
import pytest

from codegen_ext import ClientConfig
from codegen_ext._request import Call, Deadline
from codegen_ext.redact import Redactor

from ..conftest import TOKEN


@pytest.fixture(autouse=True)
def no_cache(environment, monkeypatch):
    """Switch the cache off for clients that do not say."""
    monkeypatch.setenv("CODEGEN_ENABLE_CACHING", "false")


def settings(cap, **others):
    """Return settings with a cap for all requests, which an empty object answers."""
    requests, seconds = cap
    return ClientConfig(
        api_token=TOKEN,
        transport=httpx.MockTransport(lambda request: httpx.Response(200, json={})),
        rate_limit_requests_per_period=requests,
        rate_limit_period_seconds=seconds,
        **others,
    )


def call(clock, seconds=None, cancel=None):
    """Return a call of no operation that may take so many seconds."""
    return Call(None, "GET /anything", Deadline.after(clock, seconds), 0, Redactor(TOKEN), cancel)
