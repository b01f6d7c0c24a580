"""Webhook calls as the service makes them, for tests of handlers."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from codegen_ext.clock import SYSTEM_CLOCK, Clock


def webhook_call(
    secret: str | bytes,
    event: str,
    data: Mapping[str, Any],
    *,
    message_id: str | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> tuple[bytes, dict[str, str]]:
    """Return body and headers of a signed call: `handler.handle_request(*webhook_call(secret, event, data))`.

    Without `message_id` each call has another id; it is dated by `clock`. Raises ConfigurationError for a secret that
    begins with `whsec_` and is not base64.
    """
    now = clock.time()
    stamp = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
    body = json.dumps({"type": event, "timestamp": stamp, "data": dict(data)}).encode()
    return body, signed_headers(secret, body, message_id or f"msg_{uuid4().hex}", int(now))


def signed_headers(secret: str | bytes, body: bytes, message_id: str, moment: int) -> dict[str, str]:
    """Return the headers of a call that is sent at `moment`, in seconds since the epoch."""
    from codegen_ext.webhooks.signing import decode_secret, sign

    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(moment),
        "webhook-signature": sign(decode_secret(secret), message_id, moment, body),
    }
