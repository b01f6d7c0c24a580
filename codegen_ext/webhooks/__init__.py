"""Webhooks of the service: signatures, typed events, handlers, applications to mount."""

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
from .handler import WebhookHandler, unwrap
from .results import HandlerOutcome, WebhookResult

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
    "unwrap",
]
