"""Why a webhook call is refused, and the HTTP status that tells the sender."""

from ..errors import WebhookError

STATUSES = {
    "oversized": 413,
    "headers": 400,
    "body": 400,
    "signature": 401,
    "expired": 401,
    "future": 401,
    "replayed": 409,
    "unavailable": 503,
}
"""The status to answer with, by reason."""


def refused(reason: str, message: str) -> WebhookError:
    """Return the error for a refused call; `reason` is a key of `STATUSES`."""
    return WebhookError(message, STATUSES[reason], reason=reason)


def not_utf8() -> WebhookError:
    """Return the error for a body that is not text."""
    return refused("body", "the body is not UTF-8")
