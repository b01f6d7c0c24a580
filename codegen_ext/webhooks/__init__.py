"""Receiving what the service reports about runs: signatures, typed events, handlers, applications to mount."""

from .events import (
    EVENTS,
    AnyRun,
    RunCancelled,
    RunCompleted,
    RunCreated,
    RunEvent,
    RunFailed,
    RunPaused,
    RunRunning,
    WebhookEvent,
)
from .handler import HandlerOutcome, WebhookHandler, WebhookResult

__all__ = [
    "EVENTS",
    "AnyRun",
    "HandlerOutcome",
    "RunCancelled",
    "RunCompleted",
    "RunCreated",
    "RunEvent",
    "RunFailed",
    "RunPaused",
    "RunRunning",
    "WebhookEvent",
    "WebhookHandler",
    "WebhookResult",
]
