"""The delivery of one verified event: claim its id, run the handlers, confirm or release the id."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from uuid import uuid4

from ..._io import asynchronous as io
from ...errors import WebhookError
from ..errors import refused
from ..events import WebhookEvent
from ..registration import RegisteredHandler
from ..replay_store import Claim, ReplayStore
from ..results import HandlerOutcome, WebhookResult

_logger = logging.getLogger("codegen_ext.webhooks")


async def deliver(
    event: WebhookEvent,
    store: ReplayStore,
    lease: float,
    handle: Callable[[WebhookEvent], Awaitable[tuple[HandlerOutcome, ...]]],
) -> WebhookResult:
    """Handle an event once, and return the result of `handle`, or that the event is a duplicate.

    What is interrupted or dies meanwhile leaves its claim, so that a later delivery is handled when `lease` seconds
    are over.

    Raises:
        WebhookError: with reason "in_progress" or "unavailable".

    """
    message_id = event.id
    if message_id is None:  # a legacy signature
        return WebhookResult(event, await handle(event))
    owner = uuid4().hex
    claim = await _ask(store, store.claim, message_id, owner, lease)
    if claim is Claim.HANDLED:
        return WebhookResult(event, duplicate=True)
    if claim is Claim.IN_PROGRESS:
        raise refused("in_progress", "a call with this webhook-id is being handled")
    result = WebhookResult(event, await handle(event))
    try:
        if result.ok:
            await _ask(store, store.confirm, message_id)
        else:
            await _ask(store, store.release, message_id, owner)
    except WebhookError as error:
        _logger.warning("the webhook call %s may be handled again, or only in %g s: %s", message_id, lease, error)
    return result


async def run_handlers(
    handlers: Iterable[RegisteredHandler],
    event: WebhookEvent,
    run: Callable[[RegisteredHandler, WebhookEvent], Awaitable[None]],
    log_failure: Callable[[WebhookEvent, str, Exception], object],
) -> tuple[HandlerOutcome, ...]:
    """Run the handlers of an event one after the other; the failure of one does not stop the others."""
    outcomes = []
    for handler in handlers:
        error = None
        try:
            await run(handler, event)
        except Exception as failure:  # noqa: BLE001 - it is the handler's outcome
            log_failure(event, handler.name, failure)
            error = failure
        outcomes.append(HandlerOutcome(handler.name, error))
    return tuple(outcomes)


async def _ask(store: ReplayStore, question: Callable[..., Any], *args: Any) -> Any:
    """Call a method of the store, outside of the event loop when it waits for I/O."""
    return await io.run_blocking(question, *args) if store.blocks else question(*args)
