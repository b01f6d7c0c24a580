"""Webhooks of the service: signatures, typed events, handlers, applications to mount."""

from .events import EVENTS as EVENTS
from .events import AnyRun as AnyRun
from .events import RunCancelled as RunCancelled
from .events import RunCompleted as RunCompleted
from .events import RunCreated as RunCreated
from .events import RunEvent as RunEvent
from .events import RunFailed as RunFailed
from .events import RunPaused as RunPaused
from .events import RunRunning as RunRunning
from .events import WebhookEvent as WebhookEvent
from .handler import WebhookHandler as WebhookHandler
from .handler import unwrap as unwrap
from .results import HandlerOutcome as HandlerOutcome
from .results import WebhookResult as WebhookResult
