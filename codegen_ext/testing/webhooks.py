"""Webhook calls as the service makes them, for tests of handlers."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from codegen_ext.clock import SYSTEM_CLOCK, Clock
from codegen_ext.errors import ConfigurationError


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


def signed_headers(secret: str | bytes, body: bytes, message_id: str, timestamp: int) -> dict[str, str]:
    """Return the headers of Standard Webhooks for a call that is sent at `timestamp`, in seconds since the epoch."""
    key = secret.encode() if isinstance(secret, str) else secret
    if key.startswith(b"whsec_"):
        encoded = key.removeprefix(b"whsec_")
        try:
            key = base64.b64decode(encoded + b"=" * (-len(encoded) % 4), validate=True)
        except ValueError:
            raise ConfigurationError("what follows whsec_ must be base64", config_key="secret") from None
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }
