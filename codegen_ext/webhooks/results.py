"""Results of accepted webhook calls."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import WebhookError
from .events import WebhookEvent


@dataclass(frozen=True, slots=True)
class HandlerOutcome:
    """The name of a handler that ran, and the exception that it raised."""

    name: str
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class WebhookResult:
    """The result of an accepted call; `outcomes` are in the order in which the handlers were registered.

    `duplicate` says that the event was handled before, so that no handler ran.
    """

    event: WebhookEvent
    outcomes: tuple[HandlerOutcome, ...] = ()
    duplicate: bool = False

    @property
    def ok(self) -> bool:
        """Whether no handler failed; also true for an event without handlers and for a duplicate."""
        return not self.errors

    @property
    def errors(self) -> list[HandlerOutcome]:
        """The outcomes that failed."""
        return [outcome for outcome in self.outcomes if outcome.error is not None]

    @property
    def status_code(self) -> int:
        """The HTTP status to answer with: 200, or after a failure 500, so that the sender tries again.

        A handler chooses another status by raising WebhookError with a `status_code`.
        """
        if self.ok:
            return 200
        error = self.errors[0].error
        status = error.status_code if isinstance(error, WebhookError) else None
        return status if type(status) is int and 200 <= status <= 599 else 500
