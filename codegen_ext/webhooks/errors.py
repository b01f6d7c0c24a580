"""The reasons for which a webhook call is refused, and the HTTP status of each."""

from ..errors import WebhookError

STATUSES = {
    "oversized": 413,
    "headers": 400,
    "body": 400,
    "signature": 401,
    "expired": 401,
    "future": 401,
    "in_progress": 409,
    "unavailable": 503,
}


def refused(reason: str, message: str) -> WebhookError:
    """Return the error for a refused call; `reason` is a key of `STATUSES`."""
    return WebhookError(message, STATUSES[reason], reason=reason)


def oversized(limit: int) -> WebhookError:
    """Return the error for a body of more than `limit` bytes."""
    return refused("oversized", f"the body is longer than {limit} bytes")
