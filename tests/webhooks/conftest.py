"""Webhook calls as a sender signs them, with the library and nothing of this package; handlers called in both ways."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from codegen_ext import WebhookError, WebhookHandler, WebhookResult
from codegen_ext.testing import FakeClock

Handle = Callable[[WebhookHandler, Any, Any], WebhookResult]
Make = Callable[..., WebhookHandler]

SECRET = "your-webhook-secret"
START = 1_700_000_000
"""Where the fake clock begins."""
RUN = {
    "id": 7,
    "organization_id": 323,
    "status": "COMPLETE",
    "created_at": "2023-11-14T22:13:20.000+00:00",
    "web_url": "https://example.com/7",
    "result": "All done",
    "summary": "Completed in 3 steps.",
    "source_type": "API",
    "github_pull_requests": [],
    "metadata": {"ticket": 7},
}


def envelope(event: str = "agent_run.completed", **data: Any) -> bytes:
    """Return a body; `data` are fields of the run that differ."""
    document = {"type": event, "timestamp": "2023-11-14T22:13:20.000+00:00", "data": {**RUN, **data}}
    return json.dumps(document).encode()


def signed(
    body: bytes, message_id: str = "msg_1", at: int = START, secret: str | bytes = SECRET.encode()
) -> dict[str, str]:
    """Return the headers of a call; the secret is bytes, or base64 after `whsec_`."""
    signature = Webhook(secret).sign(message_id, datetime.fromtimestamp(at, UTC), body.decode())
    return {"webhook-id": message_id, "webhook-timestamp": str(at), "webhook-signature": signature}


BODY = envelope()


def refusal(handle: Callable[..., Any], *call: Any) -> tuple[str | None, int | None]:
    """Return the reason and the status with which a call is refused."""
    with pytest.raises(WebhookError) as caught:
        handle(*call)
    assert SECRET not in str(caught.value)
    return caught.value.reason, caught.value.status_code


@pytest.fixture(params=["sync", "async"])
def handle(request: pytest.FixtureRequest) -> Handle:
    """Hand a call to `handle_request` or to `handle_request_async`."""
    if request.param == "sync":
        return lambda handler, body, headers: handler.handle_request(body, headers)
    return lambda handler, body, headers: asyncio.run(handler.handle_request_async(body, headers))


@pytest.fixture
def make(clock: FakeClock) -> Iterator[Make]:
    """Build handlers on the fake clock; they are closed after the test."""
    with ExitStack() as stack:
        yield lambda secret=SECRET, **options: stack.enter_context(
            WebhookHandler(secret, **{"clock": clock, **options})
        )


@pytest.fixture
def handler(make: Make) -> WebhookHandler:
    return make()
