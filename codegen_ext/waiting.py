"""Waiting for a run to end, and following its log, as flows.

Polling is not retrying: a poll that fails in passing is followed by the next one, until the deadline.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from codegen_api import operations
from codegen_api.enums import AgentRunStatus

from .errors import CodegenAPIError, NetworkError, RateLimitError, ServerError, TimeoutError, WaitTimeoutError
from .exchange import retry_after_of
from .flow import Emit, Flow, Perform, Sleep
from .paging import PAGE_SIZE

if TYPE_CHECKING:
    from codegen_api.models import AgentRunLogResponse, AgentRunResponse
    from codegen_api.types import Response

    from .clock import Clock

FIRST_PAUSE = 1.0
"""Upper bound of the first pause between two polls, in seconds; it doubles up to the caller's interval."""
PATIENCE = 3600.0
"""Seconds after which a wait without deadline gives up on a run whose state is unknown and does not change."""
_LEAST = 0.001
"""Seconds that an attempt gets even when the deadline is nearer."""
_PASSING = (NetworkError, RateLimitError, ServerError, TimeoutError)


class Observation(NamedTuple):
    """What one poll saw; `progress` is None unless it was asked for."""

    run: AgentRunResponse
    progress: dict[str, Any] | None


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


def completion(
    org_id: int | str,
    run_id: int | str,
    *,
    clock: Clock,
    poll_interval: float,
    timeout: float | None,
    with_progress: bool,
    cancel_on_timeout: bool,
    draw: Callable[[], float] = random.random,
) -> Flow[Observation, AgentRunResponse]:
    """Poll a run until it ends or pauses; emit an `Observation` after each poll and return the last state.

    `draw` returns random numbers from 0 to 1.

    Raises:
        WaitTimeoutError: when `timeout` seconds have passed, or when the state has been unknown for an hour.
        CodegenAPIError: when a poll fails in a way that the next one would not mend.

    """
    start = clock.monotonic()
    deadline = math.inf if timeout is None else start + timeout

    def patience() -> float | None:
        return max(deadline - clock.monotonic(), _LEAST) if timeout else None

    pauses = _Pauses(poll_interval, draw)
    ids = {"org_id": org_id, "agent_run_id": run_id}
    run: AgentRunResponse | None = None
    last_news, unknown_word = start, object()
    while True:
        wish: float | None
        try:
            response: Response[AgentRunResponse] = yield Perform(operations.GET_AGENT_RUN, ids, patience())
        except _PASSING as error:
            wish = error.retry_after if isinstance(error, RateLimitError) else None
        else:
            run = response.parsed
            wish = retry_after_of(response)
            progress = None
            if with_progress:
                progress = yield from _progress(ids, run, clock.monotonic() - start, patience())
            yield Emit(Observation(run, progress))
            if is_settled(run.status):
                return run
            if isinstance(run.status, AgentRunStatus) or run.status != unknown_word:
                last_news, unknown_word = clock.monotonic(), run.status
        now = clock.monotonic()
        if timeout is None and now - last_news >= PATIENCE:
            raise _gave_up(run_id, run, f"no known state for {PATIENCE:g} s", None)
        pause = pauses.next(wish)
        yield Sleep(max(0.0, min(pause, deadline - now)))
        # Both, as a sum may be a hair less than its parts, and a machine's sleep longer than it was told.
        if now + pause >= deadline or clock.monotonic() >= deadline:
            gave_up = _gave_up(run_id, run, f"not finished after {timeout:g} s", timeout)
            if cancel_on_timeout:
                try:
                    yield Perform(operations.BAN_AGENT_RUN, ids)
                except CodegenAPIError as error:
                    raise gave_up from error
            raise gave_up


def _gave_up(run_id: int | str, run: AgentRunResponse | None, why: str, timeout: float | None) -> WaitTimeoutError:
    state = "state unknown" if run is None else f"last state {run.status}"
    return WaitTimeoutError(f"agent run {run_id}: {why}, {state}", timeout, run_id=int(run_id), run=run)


def _progress(
    ids: dict[str, Any], run: AgentRunResponse, elapsed: float, patience: float | None
) -> Flow[Any, dict[str, Any]]:
    count: int | None = None
    thought: str | None = None
    try:
        response = yield Perform(operations.GET_AGENT_RUN_LOGS, {**ids, "limit": 1, "reverse": True}, patience)
    except CodegenAPIError:
        pass
    else:
        count = response.parsed.total_logs
        thought = response.parsed.logs[0].thought if response.parsed.logs else None
    return {"status": run.status, "elapsed": elapsed, "log_count": count, "last_thought": thought}


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
        except _PASSING as error:
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
