"""Signed calls, and handlers called in both ways."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from codegen_ext import WebhookHandler, WebhookResult
from codegen_ext.testing import FakeClock

from .calls import SECRET

Handle = Callable[[WebhookHandler, Any, Any], WebhookResult]


@pytest.fixture(params=["sync", "async"])
def handle(request: pytest.FixtureRequest) -> Handle:
    """Hand a call to `handle_request` or to its async twin."""
    if request.param == "sync":
        return lambda handler, body, headers: handler.handle_request(body, headers)
    return lambda handler, body, headers: asyncio.run(handler.handle_request_async(body, headers))


@pytest.fixture
def make(clock: FakeClock) -> Iterator[Callable[..., WebhookHandler]]:
    """Build handlers on the fake clock; they are closed after the test."""
    with ExitStack() as stack:
        yield lambda secret=SECRET, **options: stack.enter_context(
            WebhookHandler(secret, **{"clock": clock, **options})
        )


@pytest.fixture
def handler(make: Callable[..., WebhookHandler]) -> WebhookHandler:
    return make()


@pytest.fixture
def pretty() -> Callable[[bytes], bytes]:
    """Write a JSON document in another way."""
    return lambda body: json.dumps(json.loads(body), indent=1).encode()
