"""Webhook calls as a sender makes them, with the library and nothing of this package."""

import json
from datetime import UTC, datetime
from typing import Any

from standardwebhooks.webhooks import Webhook

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
