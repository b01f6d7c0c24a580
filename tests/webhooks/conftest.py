"""Webhook calls as a sender signs them, with the library and nothing of this package; handlers called in both ways."""

import asyncio
import json
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from codegen_ext import WebhookError, WebhookHandler

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


def envelope(event="agent_run.completed", **data):
    """Return a body; `data` are fields of the run that differ."""
    document = {"type": event, "timestamp": "2023-11-14T22:13:20.000+00:00", "data": {**RUN, **data}}
    return json.dumps(document).encode()


def signed(body, message_id="msg_1", at=START, secret=None):
    """Return the headers of a call; the secret is bytes, or base64 after `whsec_`."""
    signature = Webhook(secret or SECRET.encode()).sign(message_id, datetime.fromtimestamp(at, UTC), body.decode())
    return {"webhook-id": message_id, "webhook-timestamp": str(at), "webhook-signature": signature}


BODY = envelope()
HEADERS = signed(BODY)


def deliver(handler, message_id="msg_1", body=BODY, **options):
    """Hand a signed call to `handle_request`."""
    return handler.handle_request(body, signed(body, message_id, **options))


def answer(use, *arguments):
    """Return how a call is answered: accepted, duplicate, or the reason and the status of a refusal."""
    try:
        result = use(*arguments)
    except WebhookError as error:
        assert SECRET not in str(error)  # noqa: PT017 - an accepted call is right too
        return f"{error.reason} {error.status_code}"
    return "duplicate" if getattr(result, "duplicate", False) else "accepted"


@pytest.fixture(params=["sync", "async"])
def call(request):
    """Hand a call to `handle_request` or to `handle_request_async`; without headers it is signed."""

    def send(handler, message_id="msg_1", body=BODY, headers=None):
        headers = headers or signed(body, message_id)
        if request.param == "sync":
            return handler.handle_request(body, headers)
        return asyncio.run(handler.handle_request_async(body, headers))

    return send


@pytest.fixture
def make(clock):
    """Build handlers on the fake clock; they are closed after the test."""
    with ExitStack() as stack:
        yield lambda secret=SECRET, **options: stack.enter_context(
            WebhookHandler(secret, **{"clock": clock, **options})
        )


@pytest.fixture
def handler(make):
    return make()
