"""When a run needs no more waiting, and following its log, as a flow; `watching` waits.

Polling is not retrying: a poll that fails in passing is followed by the next one.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from codegen_api import operations
from codegen_api.enums import AgentRunStatus

from .errors import CodegenAPIError, NetworkError, RateLimitError, ServerError, TimeoutError
from .exchange import retry_after_of
from .flow import Emit, Flow, Perform, Sleep
from .paging import PAGE_SIZE

if TYPE_CHECKING:
    from codegen_api.models import AgentRunLogResponse

    from .clock import Clock

T = TypeVar("T")

FIRST_PAUSE = 1.0
"""Upper bound of the first pause between two polls, in seconds; it doubles up to the caller's interval."""
PATIENCE = 3600.0
"""Seconds after which a wait without deadline gives up on a run whose state is unknown and does not change."""
PASSING = (NetworkError, RateLimitError, ServerError, TimeoutError)


def is_settled(status: str | None) -> bool:
    """Whether a run needs no more waiting: it has ended, or it is paused and needs input."""
    return isinstance(status, AgentRunStatus) and (status.is_terminal or status is AgentRunStatus.PAUSED)


class _Pauses:
    """Pauses with full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/)."""

    def __init__(self, longest: float, draw: Callable[[], float]) -> None:
        self._longest = longest
        self._draw = draw
        self._bound = min(FIRST_PAUSE, longest)

    def next(self, at_least: float | None) -> float:
        """Return the next pause; a server's wish is the least, and it is drawn anew each time."""
        pause = self._draw() * self._bound
        self._bound = min(self._longest, self._bound * 2)
        return max(pause, at_least or 0.0)

    def restart(self) -> None:
        """Be quick again."""
        self._bound = min(FIRST_PAUSE, self._longest)


def patiently(effect: Perform[T], clock: Clock, longest: float) -> Flow[Any, T]:
    """Perform an operation, again after failures in passing; after an hour of them the failure is raised.

    Pauses grow to `longest` seconds.
    """
    start, pauses = clock.monotonic(), _Pauses(longest, random.random)
    while True:
        try:
            model: T = (yield effect).parsed
        except PASSING as error:
            if clock.monotonic() - start >= PATIENCE:
                raise
            yield Sleep(pauses.next(error.retry_after if isinstance(error, RateLimitError) else None))
        else:
            return model


def cancellation(org_id: int | str, run_id: int | str, error: Exception) -> Flow[Any, None]:
    """Stop a run for which nobody waits any longer, and raise the error that ended the wait."""
    try:
        yield Perform(operations.BAN_AGENT_RUN, {"org_id": org_id, "agent_run_id": run_id})
    except CodegenAPIError as failure:
        raise error from failure
    raise error


def logs(
    org_id: int | str,
    run_id: int | str,
    *,
    clock: Clock,
    follow: bool,
    poll_interval: float,
    draw: Callable[[], float] = random.random,
) -> Flow[AgentRunLogResponse, None]:
    """Emit each log entry of a run once, oldest first; with `follow` until the run ends or pauses.

    The last look at the log comes after the end was seen, so that nothing that was written before it is missed.

    Raises:
        CodegenAPIError: when a request fails in a way that the next one would not mend; without `follow`, in any way.

    """
    pauses = _Pauses(poll_interval, draw)
    ids = {"org_id": org_id, "agent_run_id": run_id}
    emitted, ended, last_answer = 0, False, clock.monotonic()
    while True:
        wish: float | None = None
        try:
            response = yield Perform(operations.GET_AGENT_RUN_LOGS, {**ids, "skip": emitted, "limit": PAGE_SIZE})
        except PASSING as error:
            if not follow or clock.monotonic() - last_answer >= PATIENCE:
                raise
            wish = error.retry_after if isinstance(error, RateLimitError) else None
        else:
            last_answer = clock.monotonic()
            page = response.parsed
            wish = retry_after_of(response)
            for entry in page.logs:
                yield Emit(entry)
            emitted += len(page.logs)
            if page.logs and (page.total_logs is None or emitted < page.total_logs):
                pauses.restart()
                continue
            if not follow or ended:
                return
            if page.logs:
                pauses.restart()
            if is_settled(page.status):
                ended = True
                continue
        yield Sleep(pauses.next(wish))
