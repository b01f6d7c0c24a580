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

Call = Callable[..., WebhookResult]
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
HEADERS = signed(BODY)


def deliver(handler: WebhookHandler, message_id: str = "msg_1", body: bytes = BODY, **options: Any) -> WebhookResult:
    """Hand a signed call to `handle_request`."""
    return handler.handle_request(body, signed(body, message_id, **options))


def answer(use: Callable[..., Any], *arguments: Any) -> str:
    """Return how a call is answered: accepted, duplicate, or the reason and the status of a refusal."""
    try:
        result = use(*arguments)
    except WebhookError as error:
        assert SECRET not in str(error)  # noqa: PT017 - an accepted call is right too
        return f"{error.reason} {error.status_code}"
    return "duplicate" if getattr(result, "duplicate", False) else "accepted"


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Call:
    """Hand a call to `handle_request` or to `handle_request_async`; without headers it is signed."""

    def send(handler: WebhookHandler, message_id: str = "msg_1", body: bytes = BODY, headers: Any = None) -> Any:
        headers = headers or signed(body, message_id)
        if request.param == "sync":
            return handler.handle_request(body, headers)
        return asyncio.run(handler.handle_request_async(body, headers))

    return send


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
