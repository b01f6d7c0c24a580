"""Runs that are waited for: when to poll which, and which subscriber learns what. Performs no request."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from codegen_api import operations
from codegen_api.enums import AgentRunStatus

from . import _fork
from ._request import check_seconds, whole_number
from .config import LONGEST
from .errors import (
    AuthenticationError,
    ClientClosedError,
    CodegenAPIError,
    ConfigurationError,
    InvalidResponseError,
    NetworkError,
    RateLimitError,
    ServerError,
    TimeoutError,
    WaitTimeoutError,
    invalid_argument,
    kind_of,
)
from .list_index import PAGE_SIZE, ListIndex

if TYPE_CHECKING:
    from codegen_api.models import AgentRunResponse, AgentRunsResponse, AgentRunWithLogsResponse
    from codegen_api.operations import Operation

FIRST_PAUSE = 2.0
"""Seconds between the first two polls of a run; the pauses double up to the caller's interval."""
PATIENCE = 3600.0
"""Seconds after which a wait without deadline gives up on a run whose state is unknown and does not change.

Also the longest pause between two polls that the service may ask for.
"""
TRANSIENT = (NetworkError, RateLimitError, ServerError, TimeoutError)
"""Failures that the next request may not meet."""
_MOST_MISSES = 2
"""Pages that did not show a run, after which it is read alone."""


def is_settled(status: str | None) -> bool:
    """Return whether a run needs no more waiting: it has ended, or it is paused and needs input."""
    return isinstance(status, AgentRunStatus) and (status.is_terminal or status is AgentRunStatus.PAUSED)


class WatchRequest(NamedTuple):
    """What a subscriber wants to know: how a run ends, and with `progress` what each poll and the log show.

    `timeout` None waits as long as it takes, 0 ends with the first poll. `known` is the run as it was read just now,
    going on, so that an immediate poll would show nothing.
    """

    org_id: int
    run_id: int
    poll_interval: float = 5.0
    timeout: float | None = None
    progress: bool = False
    known: AgentRunResponse | None = None


def watch_request(
    org_id: int | str,
    run_id: int | str,
    poll_interval: float = 5.0,
    timeout: float | None = None,
    *,
    known: AgentRunResponse | None = None,
) -> WatchRequest:
    """Return a request whose values were checked.

    Raises:
        ValidationError: for an id that is not a number.
        ConfigurationError: for an interval or a time-out that makes no sense.

    """
    check_seconds("poll_interval", poll_interval)
    is_number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if timeout is not None and not (is_number and 0 <= timeout <= LONGEST):
        problem = "timeout must be a number of seconds from 0, which polls once, to a year, or None for no limit"
        raise ConfigurationError(problem, config_key="timeout")
    run_id = whole_number("agent_run_id", run_id)
    return WatchRequest(whole_number("org_id", org_id), run_id, poll_interval, timeout, known=known)


def watch_requests(
    org_id: int | str, run_ids: Iterable[int | str], poll_interval: float = 5.0, timeout: float | None = None
) -> list[WatchRequest]:
    """Return the checked requests for several runs; raises as `watch_request`."""
    if isinstance(run_ids, str | bytes) or not isinstance(run_ids, Iterable):
        raise invalid_argument("agent_run_ids", f"expected a list of ids, got {kind_of(run_ids)}")
    return [watch_request(org_id, run_id, poll_interval, timeout) for run_id in run_ids]


class RunUpdate(NamedTuple):
    """State of a run, or the error that ends the wait for it; nothing follows when `final`."""

    request: WatchRequest
    run: AgentRunResponse | None
    progress: dict[str, Any] | None = None
    error: Exception | None = None
    final: bool = False


class Poll(NamedTuple):
    """Request to perform next, the run for which it was chosen, and its number, which orders it among the waits."""

    operation: Operation[Any]
    arguments: dict[str, Any]
    run: WatchedRun
    number: int


class Subscriber(Protocol):
    """Receiver of updates; `interests` are its requests that are not over."""

    interests: set[Interest]

    def deliver(self, update: RunUpdate) -> None:
        """Take an update, from any thread, without waiting."""
        ...


class Interest:
    """Request of a subscriber that is not over."""

    __slots__ = ("number", "request", "shown", "started", "subscriber")

    def __init__(self, subscriber: Subscriber, request: WatchRequest, now: float) -> None:
        self.subscriber = subscriber
        self.request = request
        self.started = now
        self.number = 0
        self.shown: tuple[str | None] | None = None

    def deliver(self, run: AgentRunResponse | None, **update: Any) -> None:
        """Give the subscriber an update of this request."""
        self.subscriber.deliver(RunUpdate(self.request, run, **update))


class WatchedRun:
    """State of a run that at least one subscriber waits for."""

    def __init__(self, request: WatchRequest, now: float, number: int) -> None:
        self.org_id, self.run_id = self.key = request.org_id, request.run_id
        self.number = number
        """Number of what is known, a state or a failure; what was sent before is out of date."""
        self.newest = number
        """Number of the wait that began last."""
        self.interests: list[Interest] = []
        self.run = request.known
        self.due = now
        self.polled_at = -math.inf
        self.known_at = now
        self.pause = FIRST_PAUSE
        self.misses = 0
        self.log_count: int | None = None
        self.thought: str | None = None
        self.failure: Exception | None = None
        self.failing_since = now

    @property
    def interval(self) -> float:
        """The longest pause between two polls, in seconds."""
        return min((interest.request.poll_interval for interest in self.interests), default=FIRST_PAUSE)

    @property
    def is_asked(self) -> bool:
        """Whether no wait began after the request that brought what is known."""
        return self.newest < self.number

    def fail(self, failure: Exception, now: float, number: int) -> None:
        """Note that a poll failed and the next may not."""
        if self.failure is None:
            self.failing_since = now
        self.failure, self.number = failure, max(self.number, number)

    def schedule(self, now: float, retry_after: float | None = None) -> None:
        """Set the time of the next poll, unless a wait that began meanwhile is owed one; the pauses grow."""
        if self.is_asked:
            self.due = now + max(min(self.pause, self.interval), min(retry_after or 0.0, PATIENCE))
        self.pause = min(self.pause * 2, max(self.interval, FIRST_PAUSE))

    def end_of(self, interest: Interest) -> float:
        """Return the time at which a wait is over: its deadline, or an hour without a known state."""
        timeout = interest.request.timeout
        if timeout is not None:
            return interest.started + timeout if timeout else math.inf
        if self.failure is None and self.run is not None and isinstance(self.run.status, AgentRunStatus):
            return math.inf
        return max(interest.started, self.known_at) + PATIENCE

    def timeout_error(self, interest: Interest, now: float, refusal: Exception | None) -> WaitTimeoutError:
        """Return the error of a wait that is over, caused by the last failure, or by the refusal of every request."""
        timeout, run = interest.request.timeout, self.run
        why = f"no known state for {PATIENCE:g} s" if timeout is None else f"not finished after {timeout:g} s"
        state = "state unknown" if run is None else f"last state {run.status}"
        cause, silence = self.failure or refusal, now - max(self.failing_since, interest.started)
        if self.failure is None and refusal is not None:
            state += "; no request was allowed"
        elif self.failure is not None and silence >= 1:
            state += f"; no answer for {silence:.0f} s"
        if cause is not None:
            state += f": {cause}"
        error = WaitTimeoutError(f"agent run {self.run_id}: {why}, {state}", timeout, run_id=self.run_id, run=run)
        error.__cause__ = cause
        return error


class RunWatch:
    """Runs that one poller polls; thread-safe. Times are monotonic seconds of the client's clock.

    With `aligned` pages begin at multiples of their size, and one run is read from its page too, so that several
    processes ask for the same pages.
    """

    def __init__(self, *, aligned: bool = False) -> None:
        self._aligned = aligned
        self.after_fork()
        _fork.register(self)

    def after_fork(self) -> None:
        """Begin empty: subscribers in other threads are gone, and so is the poller."""
        self._lock = threading.RLock()  # the garbage collector may close an iterator, which leaves, at any moment
        self._runs: dict[tuple[int, int], WatchedRun] = {}
        self._indexes: dict[int, ListIndex] = {}
        self._unlisted: dict[int, type[Exception]] = {}
        self._observed: list[WatchedRun] = []
        self._numbers = itertools.count()
        self._last_sent = -1
        self._refusal: Exception | None = None
        self._not_before = self._held_until = -math.inf
        self._failures = 0
        self._is_polled = False
        self.interrupt: Callable[[], object] = lambda: None
        """Ends the rest of the poller."""

    def join(self, subscriber: Subscriber, requests: Sequence[WatchRequest], now: float) -> bool:
        """Add the requests of a subscriber; return whether a poller has to be started."""
        with self._lock:
            for request in requests:
                self._add(Interest(subscriber, request, now), now)
            must_start = bool(self._runs) and not self._is_polled
            self._is_polled = self._is_polled or must_start
            if requests:
                self.interrupt()
        return must_start

    def _add(self, interest: Interest, now: float) -> WatchedRun:
        request = interest.request
        number = interest.number = next(self._numbers)
        interest.subscriber.interests.add(interest)
        watched = self._runs.get(request[:2])
        first, interval = min(FIRST_PAUSE, request.poll_interval), max(request.poll_interval, FIRST_PAUSE)
        if watched is None:
            watched = self._runs[request[:2]] = WatchedRun(request, now, number)
            if request.known is not None and (request.timeout is None or request.timeout > FIRST_PAUSE):
                watched.due, watched.pause = now + first, min(2 * FIRST_PAUSE, interval)
        else:
            watched.newest = number
            is_short = request.timeout is not None and request.timeout <= FIRST_PAUSE
            watched.due = min(watched.due, now if is_short else max(now, watched.polled_at + first))
        watched.interests.append(interest)
        return watched

    def leave(self, subscriber: Subscriber) -> None:
        """Drop the requests of a subscriber; the others are not touched."""
        with self._lock:
            for interest in list(subscriber.interests):
                self._close(interest)
            self.interrupt()

    def subscribers(self) -> set[Subscriber]:
        """Return those that wait for a run."""
        with self._lock:
            return {interest.subscriber for _, interest in self._waits()}

    def next(self, now: float, pause_before: Callable[[Operation[Any]], float]) -> Poll | float | None:
        """Return the request to perform now, the seconds until there may be one, or None when no run is watched."""
        with self._lock:
            for watched, interest in self._waits():
                # A single poll does not wait until it is allowed.
                if watched.end_of(interest) <= now or (interest.request.timeout == 0 and now < self._not_before):
                    self._give_up(watched, interest, now)
            if not self._runs:
                self._is_polled, self._failures = False, 0
                return None
            ends = [watched.end_of(interest) - now for watched, interest in self._waits()]
            watched = min(self._runs.values(), key=lambda watched: (self._due(watched), watched.due, -watched.run_id))
            pause = max(self._due(watched), self._not_before) - now
            if pause <= 0:
                poll = self._choose(watched, now)
                pause = pause_before(poll.operation)
                if pause <= 0:
                    self._last_sent, self._refusal = poll.number, None
                    return poll
                text = "other calls use the rate limit"
                self._refusal = RateLimitError(text, operation=poll.operation.id, retry_after=pause)
            return min(pause, *ends)

    def left(self, now: float) -> float:
        """Return the seconds until the last of the waits is over."""
        with self._lock:
            return max([watched.end_of(interest) - now for watched, interest in self._waits()], default=math.inf)

    def observed(self) -> list[WatchedRun]:
        """Return the runs that were observed since, of which subscribers learn when their logs were read."""
        with self._lock:
            observed, self._observed = self._observed, []
        return observed

    def log_read(self, watched: WatchedRun, page: AgentRunWithLogsResponse | None, now: float) -> None:
        """Tell those that want progress of a run, with what its log showed; None when the log was not read."""
        with self._lock:
            if page is not None and self._is_watched(watched):
                if watched.log_count is not None and page.total_logs != watched.log_count:
                    watched.pause = FIRST_PAUSE
                    watched.schedule(now)
                watched.log_count = page.total_logs
                watched.thought = page.logs[0].thought if page.logs else None
            self._tell(watched, now, progress=True)

    def answered(self, poll: Poll, model: Any, retry_after: float | None, now: float) -> None:
        """Take in the response of a poll."""
        with self._lock:
            self._failures = 0
            if poll.operation is operations.LIST_AGENT_RUNS:
                self._listed(poll, model, retry_after, now)
            elif self._is_watched(poll.run):
                self._observe(poll.run, model, poll.number, now, retry_after)

    def failed(self, poll: Poll, error: CodegenAPIError, now: float) -> None:
        """Take in the failure of a poll: a transient one delays, any other ends the waits that it concerns."""
        with self._lock:
            watched, org_id = poll.run, poll.run.org_id
            if isinstance(error, AuthenticationError | ClientClosedError):
                self._fail_all(error)
            elif isinstance(error, TRANSIENT):
                self._transient(poll, error, now)
            elif poll.operation is operations.GET_AGENT_RUN:
                # What refuses the list and the run alike refuses all runs.
                refuses_all = self._unlisted.get(org_id) is type(error)
                for other in list(self._runs.values()):
                    if other is watched or (refuses_all and other.org_id == org_id):
                        self._fail(other, error, poll.number)
            elif isinstance(error, InvalidResponseError):
                watched.misses = _MOST_MISSES
            else:
                self._unlisted[org_id] = type(error)

    def poller_ended(self, error: Exception | None = None) -> None:
        """Note that the poller ended before the waits did, which end with its error; else the next look restarts it."""
        with self._lock:
            self._is_polled = False
            if error is not None:
                self._fail_all(error)

    def end(self, error: Exception) -> None:
        """End all waits with an error, from any thread."""
        with self._lock:
            self._fail_all(error)
            self.interrupt()

    def expire(self, subscriber: Subscriber, now: float) -> None:
        """End the waits of a subscriber whose time is over; those that were lost in a fork are taken up again."""
        with self._lock:
            for interest in list(subscriber.interests):
                watched = self._runs.get(interest.request[:2])
                if watched is None or interest not in watched.interests:
                    watched = self._add(interest, now)
                if watched.end_of(interest) <= now:
                    self._give_up(watched, interest, now)

    def notify(self, run: Mapping[str, Any], now: float) -> None:
        """Take in a state that came another way, such as a webhook; fields that it lacks stay as they were."""
        with self._lock:
            for watched in list(self._runs.values()):
                organization = run.get("organization_id") or watched.org_id
                if (str(run.get("id")), str(organization)) == (str(watched.run_id), str(watched.org_id)):
                    seen = _merged(watched, run)
                    if seen is None:
                        watched.due = now
                    else:
                        self._observe(watched, seen, next(self._numbers), now, None)
            self.interrupt()

    def _waits(self) -> list[tuple[WatchedRun, Interest]]:
        return [(watched, interest) for watched in list(self._runs.values()) for interest in list(watched.interests)]

    def _due(self, watched: WatchedRun) -> float:
        """Return the time of a run's next poll; while polls fail one is held back, unless a wait has just begun."""
        return max(watched.due, self._held_until) if watched.is_asked else watched.due

    def _is_watched(self, watched: WatchedRun) -> bool:
        return self._runs.get(watched.key) is watched

    def _choose(self, watched: WatchedRun, now: float) -> Poll:
        """Return the cheapest request that shows a run: a page that shows more, or the run alone."""
        org_id, run_id = watched.key
        number = next(self._numbers)
        alone = Poll(operations.GET_AGENT_RUN, {"org_id": org_id, "agent_run_id": run_id}, watched, number)
        staleness = {
            other.run_id: min(now - other.polled_at, PATIENCE)
            for other in self._runs.values()
            if other.org_id == org_id and other.misses < _MOST_MISSES
        }
        if org_id in self._unlisted or run_id not in staleness or (len(staleness) < 2 and not self._aligned):
            return alone
        index = self._indexes.setdefault(org_id, ListIndex())
        skip, shown = (0, 2) if index.total is None else index.best_page(run_id, staleness)
        if self._aligned:
            skip = index.position(run_id) // PAGE_SIZE * PAGE_SIZE
        elif shown < 2:
            return alone
        return Poll(operations.LIST_AGENT_RUNS, {"org_id": org_id, "skip": skip, "limit": PAGE_SIZE}, watched, number)

    def _listed(self, poll: Poll, page: AgentRunsResponse, retry_after: float | None, now: float) -> None:
        asked, org_id, skip = poll.run, poll.run.org_id, poll.arguments["skip"]
        index = self._indexes.setdefault(org_id, ListIndex())
        is_first = index.total is None
        run_ids = [run.id for run in page.items]
        watched = {run_id for run_id in run_ids if (org_id, run_id) in self._runs}
        index.learn(skip, run_ids, page.total, {run_id for org, run_id in self._runs if org == org_id})
        for run in page.items:
            if run.id in watched:
                self._observe(self._runs[org_id, run.id], run, poll.number, now, retry_after)
        if asked.run_id not in watched and self._is_watched(asked):
            index.forget(asked.run_id)
            asked.due = now  # behind the others that are due
            is_missing = bool(run_ids) and run_ids[0] > asked.run_id > run_ids[-1]
            asked.misses += _MOST_MISSES if is_missing else 0 if is_first else 1

    def _observe(
        self, watched: WatchedRun, run: AgentRunResponse, number: int, now: float, retry_after: float | None
    ) -> None:
        if number < watched.number:
            return
        before, watched.run, watched.number = watched.run, run, number
        watched.polled_at, watched.misses, watched.failure = now, 0, None
        if isinstance(run.status, AgentRunStatus) or before is None or before.status != run.status:
            watched.known_at = now
        if before is not None and run.summary != before.summary:
            watched.pause = FIRST_PAUSE
        watched.schedule(now, retry_after)
        if any(interest.request.progress for interest in watched.interests):
            self._observed.append(watched)
        self._tell(watched, now, progress=False)

    def _tell(self, watched: WatchedRun, now: float, *, progress: bool) -> None:
        """Give subscribers the present state: those that want progress each time, the others when it changed.

        A wait that began after the state was asked for learns nothing from it.
        """
        if (run := watched.run) is None or not self._is_watched(watched):
            return
        settled = is_settled(run.status)
        asked = [interest for interest in watched.interests if interest.number < watched.number]
        for interest in [one for one in asked if one.request.progress is progress]:
            seen = {
                "status": run.status,
                "elapsed": now - interest.started,
                "log_count": watched.log_count,
                "last_thought": watched.thought,
            }
            if settled or progress or interest.shown != (run.status,):
                interest.deliver(run, progress=seen if progress else None, final=settled)
            interest.shown = (run.status,)
            if settled:
                self._close(interest)
            elif interest.request.timeout == 0:
                self._give_up(watched, interest, now)

    def _transient(self, poll: Poll, error: CodegenAPIError, now: float) -> None:
        """Hold back the polls that would meet a failure too: those of one run, or all."""
        self._failures += 1
        is_alone = poll.operation is operations.GET_AGENT_RUN
        concerns_one = is_alone and isinstance(error, ServerError)
        concerned = [poll.run] if concerns_one else list(self._runs.values())
        for watched in concerned:
            watched.fail(error, now, poll.number)
        poll.run.due = now  # behind the others that are due
        least = min(error.retry_after or 0.0, PATIENCE)
        if isinstance(error, RateLimitError):
            least = least or poll.operation.rate_limit.seconds
        elif is_alone:
            poll.run.schedule(now, error.retry_after)
        if not (concerns_one or isinstance(error, RateLimitError)):
            shortest = min((watched.interval for watched in self._runs.values()), default=0.0)
            pause = min(shortest, FIRST_PAUSE * 2.0 ** min(self._failures - 1, 16))
            self._held_until = now + pause
        if not concerns_one:
            self._not_before, self._refusal = now + least, error
        for watched in concerned:
            for interest in list(watched.interests):
                if interest.request.timeout == 0 and interest.number < poll.number:
                    self._give_up(watched, interest, now)

    def _give_up(self, watched: WatchedRun, interest: Interest, now: float) -> None:
        refusal = self._refusal if self._last_sent < interest.number else None
        interest.deliver(watched.run, error=watched.timeout_error(interest, now, refusal), final=True)
        self._close(interest)

    def _fail_all(self, error: Exception) -> None:
        for watched in list(self._runs.values()):
            self._fail(watched, error)

    def _fail(self, watched: WatchedRun, error: Exception, number: float = math.inf) -> None:
        """End the waits for a run that had begun when the request with this number was sent."""
        for interest in [one for one in watched.interests if one.number < number]:
            # Each subscriber raises an error of its own, because raising writes into it.
            own = copy(error) if isinstance(error, CodegenAPIError) else error
            own.__cause__ = error.__cause__
            interest.deliver(watched.run, error=own, final=True)
            self._close(interest)

    def _close(self, interest: Interest) -> None:
        # After the last delivery, so that a subscriber without interests has all its updates.
        interest.subscriber.interests.discard(interest)
        watched = self._runs.get(interest.request[:2])
        if watched is not None and interest in watched.interests:
            watched.interests.remove(interest)
            if not watched.interests:
                del self._runs[watched.key]
                if watched.org_id in self._indexes:
                    self._indexes[watched.org_id].forget(watched.run_id)


def _merged(watched: WatchedRun, run: Mapping[str, Any]) -> AgentRunResponse | None:
    """Return the last known run with the fields that are given, None when they do not make one."""
    from codegen_api.errors import InvalidModel
    from codegen_api.models import AgentRunResponse

    before = watched.run.to_dict() if watched.run else {"organization_id": watched.org_id}
    given = {name: value for name, value in run.items() if value is not None}
    try:
        return AgentRunResponse.from_dict({**before, **given, "id": watched.run_id})
    except InvalidModel:
        return None
