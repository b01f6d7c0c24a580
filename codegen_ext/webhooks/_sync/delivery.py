# Generated from codegen_ext/webhooks/_async/delivery.py by make generate; edit there.
"""The delivery of one verified event: claim its id, run the handlers, confirm or release the id."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any
from uuid import uuid4

from ..._io import synchronous as io
from ...claims import Claims
from ...storage import StoreUnavailable
from ..errors import refused
from ..events import WebhookEvent
from ..registration import RegisteredHandler
from ..results import HandlerOutcome, WebhookResult
from ..signing import TOLERANCE

KEEP = 2 * TOLERANCE + 60
"""Seconds for which a handled id is kept: calls may be dated ahead by the tolerance, and clocks differ."""
_HANDLED = "handled"
_logger = logging.getLogger("codegen_ext.webhooks")


def deliver(
    event: WebhookEvent,
    claims: Claims,
    lease: float,
    handle: Callable[[WebhookEvent], tuple[HandlerOutcome, ...]],
) -> WebhookResult:
    """Handle an event once, and return the result of `handle`, or that the event is a duplicate.

    What is interrupted or dies meanwhile leaves its claim, so that a later delivery is handled when `lease` seconds
    are over.

    Raises:
        WebhookError: with reason "in_progress" or "unavailable".

    """
    if event.id is None:  # a legacy signature
        return WebhookResult(event, handle(event))
    name, owner = f"webhook:{event.id}", uuid4().hex
    try:
        holder = _ask(claims, claims.claim, name, owner, lease)
    except StoreUnavailable as error:
        raise refused("unavailable", f"the shared state does not answer: {error.reason}") from error
    if holder == _HANDLED:
        return WebhookResult(event, duplicate=True)
    if holder != owner:
        raise refused("in_progress", "a call with this webhook-id is being handled")
    result = WebhookResult(event, handle(event))
    try:
        if result.ok:
            _ask(claims, claims.keep, name, _HANDLED, KEEP)
        else:
            _ask(claims, claims.release, name, owner)
    except StoreUnavailable as error:
        problem = f"the shared state does not answer: {error.reason}"
        _logger.warning("the webhook call %s may be handled again, or only in %g s: %s", event.id, lease, problem)
    return result


def run_handlers(
    handlers: Iterable[RegisteredHandler],
    event: WebhookEvent,
    run: Callable[[RegisteredHandler, WebhookEvent], None],
    log_failure: Callable[[WebhookEvent, str, Exception], object],
) -> tuple[HandlerOutcome, ...]:
    """Run the handlers of an event one after the other; the failure of one does not stop the others."""
    outcomes = []
    for handler in handlers:
        error = None
        try:
            run(handler, event)
        except Exception as failure:  # noqa: BLE001 - it is the handler's outcome
            log_failure(event, handler.name, failure)
            error = failure
        outcomes.append(HandlerOutcome(handler.name, error))
    return tuple(outcomes)


def _ask(claims: Claims, question: Callable[..., Any], *args: Any) -> Any:
    """Call a method of the store, outside of the event loop when it waits for I/O."""
    return io.run_blocking(question, *args) if claims.blocks else question(*args)
