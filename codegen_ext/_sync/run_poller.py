# Generated from codegen_ext/_async/run_poller.py by make generate; edit there.
"""The poller of a client: one worker that polls runs for all that wait for them."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakValueDictionary

from codegen_api import operations

from .. import _fork
from .._io import synchronous as io
from .._request import Deadline, check_flag, whole_number
from .._response import retry_after_of
from ..clock import SYSTEM_CLOCK
from ..errors import CodegenAPIError, WaitTimeoutError, invalid_argument, kind_of
from ..run_watch import Interest, Poll, RunUpdate, RunWatch, WatchedRun, WatchRequest
from .callbacks import call_back, check_callback

if TYPE_CHECKING:
    from codegen_api.models import AgentRunResponse, AgentRunWithLogsResponse
    from codegen_api.operations import Operation
    from codegen_api.types import Response

    from .base_client import BaseClient

_LOOK = 1.0
"""Real seconds after which a subscriber looks at its deadline, and a thread hears of Ctrl-C on every system."""
_LEAST = 0.001
"""Seconds that a request gets even when the deadline is nearer."""


class Subscription:
    """Updates of the runs that one caller waits for; a context manager and an iterator."""

    def __init__(self, poller: RunPoller, requests: tuple[WatchRequest, ...]) -> None:
        self.interests: set[Interest] = set()
        self._poller = poller
        self._requests = requests
        self._updates: deque[RunUpdate] = deque()
        self._waiter: io.Waiter | None = None
        self._handover: io.Waiter | None = None
        self._lags = False

    def __enter__(self) -> Self:
        self._watch = self._poller.watch()
        self._waiter = io.Waiter()  # nothing is to be caught up with yet
        self._poller.join(self._watch, self, self._requests)
        return self

    def __exit__(self, *exception: object) -> None:
        self._watch.leave(self)
        self._hand_over()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> RunUpdate:
        while True:
            self._waiter = None
            is_over = not self.interests
            if self._updates:
                return self._updates.popleft()
            if is_over:
                raise StopIteration
            waiter = self._waiter = io.Waiter()
            if not self._updates:
                self._lags = False
                self._hand_over()
                waiter.wait(None, _LOOK)
            self._poller.look(self._watch, self)

    def deliver(self, update: RunUpdate) -> None:
        """Take an update, from any thread, without waiting."""
        self._updates.append(update)
        if (waiter := self._waiter) is not None:
            waiter.wake()

    def _hand_over(self) -> None:
        if (handover := self._handover) is not None:
            handover.wake()

    def caught_up(self) -> None:
        """Wait until the caller has dealt with all updates, for a second at most.

        Only for clocks that do not wait for threads: time would pass before a callback could see it.
        """
        handover = self._handover = io.Waiter()
        if not self._lags and (self._updates or self._waiter is None) and self.interests:
            self._lags = not handover.wait(None, _LOOK)
        self._handover = None


class RunPoller:
    """Polls the runs that callers of one client wait for.

    A worker lives as long as there are waits: a task in each event loop that waits. Those of several clients, loops and
    processes leave room for other calls, because each poller stands back while the rate limit is used.
    """

    def __init__(self, client: BaseClient) -> None:
        self._client = client
        self._last_sent: dict[str, float] = {}
        self.read_page: Callable[[dict[str, Any]], Response[Any]] | None = None
        """Reads a list page instead of the client, such as from what another process has just read."""
        self.after_fork()
        _fork.register(self)

    def after_fork(self) -> None:
        """Begin without subscribers."""
        self._mutex = io.Mutex()
        self._watches: WeakValueDictionary[Hashable, RunWatch] = WeakValueDictionary()

    def subscribe(self, *requests: WatchRequest) -> Subscription:
        """Return the updates of these runs, each until it has ended or is paused; polls begin when it is entered."""
        return Subscription(self, requests)

    def wait(
        self,
        request: WatchRequest,
        progress_callback: Callable[[dict[str, Any]], object] | None = None,
        *,
        on_update: Callable[[RunUpdate], object] | None = None,
        cancel_on_timeout: bool = False,
    ) -> AgentRunResponse:
        """Return a run when it has ended or is paused.

        Args:
            request: The run, and how long to wait.
            progress_callback: Called after each poll with a dict; what it raises is logged.
            on_update: Called with each update before that.
            cancel_on_timeout: Whether to stop the run when the time is over.

        Raises:
            WaitTimeoutError: with the last failure as its cause when the service did not answer.
            CodegenAPIError: when the run cannot be read.

        """
        check_flag("cancel_on_timeout", cancel_on_timeout)
        if progress_callback is not None:
            check_callback("progress_callback", progress_callback, 1)
            request = request._replace(progress=True)
        with self.subscribe(request) as updates:
            for update in updates:
                if update.error is not None:
                    if cancel_on_timeout and isinstance(update.error, WaitTimeoutError):
                        self._ban(request, update.error)
                    raise update.error
                if on_update is not None:
                    on_update(update)
                if progress_callback is not None and update.progress is not None:
                    call_back(progress_callback, update.progress)
        assert update.run is not None  # noqa: S101 - a final update without error has one
        return update.run

    def _ban(self, request: WatchRequest, error: Exception) -> None:
        arguments = {"org_id": request.org_id, "agent_run_id": request.run_id}
        try:
            self._client.perform(operations.BAN_AGENT_RUN, arguments)
        except CodegenAPIError as failure:
            raise error from failure

    def completed(self, requests: Sequence[WatchRequest]) -> Generator[AgentRunResponse, None, None]:
        """Yield each of these runs once, as soon as it has ended or is paused.

        Raises:
            CodegenAPIError: the first error of a wait, after all that ended without one.

        """
        error: Exception | None = None
        once = {request[:2]: request for request in requests}
        with self.subscribe(*once.values()) as updates:
            for update in updates:
                error = error or update.error
                if update.final and update.error is None and update.run is not None:
                    yield update.run
        if error is not None:
            raise error

    def notify(self, run: Mapping[str, Any]) -> None:
        """Take in the state of a run that came another way, from any thread and without waiting.

        Raises:
            ValidationError: when `run` is not a mapping with the id of a run.

        """
        if not isinstance(run, Mapping):
            raise invalid_argument("run", f"expected a mapping with id and status, got {kind_of(run)}")
        whole_number("run.id", run.get("id"))
        for watch in self._all():
            watch.notify(run, self._client.clock.monotonic())

    def end(self, error: Exception) -> None:
        """End all waits with an error, from any thread."""
        for watch in self._all():
            watch.end(error)

    def _all(self) -> list[RunWatch]:
        with self._mutex:
            return list(self._watches.values())

    def watch(self) -> RunWatch:
        """Return the runs that are watched in this scope: the running loop."""
        scope = io.scope()
        with self._mutex:
            watch = self._watches.get(scope)
            if watch is None:
                watch = self._watches[scope] = RunWatch(aligned=self.read_page is not None)
            return watch

    def join(self, watch: RunWatch, subscriber: Subscription, requests: tuple[WatchRequest, ...]) -> None:
        """Add the requests of a subscriber, and start the worker when there is none."""
        if watch.join(subscriber, requests, self._client.clock.monotonic()):
            io.start(self._work, watch)

    def look(self, watch: RunWatch, subscriber: Subscription) -> None:
        """End what is over, and start a worker again that has died, or did not cross a fork."""
        watch.expire(subscriber, self._client.clock.monotonic())
        self.join(watch, subscriber, ())

    def pause_before(self, operation: Operation[Any]) -> float:
        """Return the seconds for which a poll stands back from other calls of its limit group, 0.0 when it may go.

        While a sixth of the group is used polls are spaced, to a third of the limit for pages and half of it for the
        others; while two thirds are used none goes.
        """
        limit, spare = operation.rate_limit, self._client.rate_limiter.spare(operation)
        if spare > 5 / 6:
            return 0.0
        spacing = (2 if operation.paging is None else 3) * limit.seconds / limit.requests
        if spare < 1 / 3:
            return spacing
        return max(0.0, self._last_sent.get(limit.group, -math.inf) + spacing - self._client.clock.monotonic())

    def stand_back(self, operation: Operation[Any]) -> None:
        """Wait until a poll may go, and count it."""
        while pause := self.pause_before(operation):
            io.sleep(self._client.clock, pause)
        self._last_sent[operation.rate_limit.group] = self._client.clock.monotonic()

    def _work(self, watch: RunWatch) -> None:
        clock = self._client.clock
        try:
            while True:
                rest = io.Waiter()
                watch.interrupt = rest.wake
                for watched in watch.observed():
                    watch.log_read(watched, self._read_log(watch, watched), clock.monotonic())
                step = watch.next(clock.monotonic(), self.pause_before)
                if step is None:
                    return
                if clock is not SYSTEM_CLOCK:
                    for subscriber in watch.subscribers():
                        if isinstance(subscriber, Subscription):
                            subscriber.caught_up()
                if isinstance(step, Poll):
                    self._poll(watch, step)
                else:
                    rest.wait(clock, max(0.0, step))
        except Exception as error:  # noqa: BLE001 - raised where each subscriber waits
            watch.poller_ended(error)
        except BaseException:
            watch.poller_ended()
            raise

    def _poll(self, watch: RunWatch, poll: Poll) -> None:
        client, clock = self._client, self._client.clock
        self._last_sent[poll.operation.rate_limit.group] = clock.monotonic()
        try:
            if self.read_page is not None and poll.operation is operations.LIST_AGENT_RUNS:
                response = self.read_page(poll.arguments)
            else:
                response = client.perform(poll.operation, poll.arguments, deadline=self._deadline(watch))
        except CodegenAPIError as error:
            watch.failed(poll, error, clock.monotonic())
        else:
            watch.answered(poll, response.parsed, retry_after_of(response), clock.monotonic())

    def _read_log(self, watch: RunWatch, watched: WatchedRun) -> AgentRunWithLogsResponse | None:
        """Read the newest entry of a log, where that costs other calls nothing."""
        operation = operations.GET_AGENT_RUN_LOGS
        if self.pause_before(operation):
            return None
        self._last_sent[operation.rate_limit.group] = self._client.clock.monotonic()
        arguments = {"org_id": watched.org_id, "agent_run_id": watched.run_id, "limit": 1, "reverse": True}
        try:
            return (self._client.perform(operation, arguments, deadline=self._deadline(watch))).parsed
        except CodegenAPIError:  # what it says of the run the next poll says too
            return None

    def _deadline(self, watch: RunWatch) -> Deadline:
        """Return when the last wait is over; a request gets a moment even then."""
        return self._client.deadline(max(watch.left(self._client.clock.monotonic()), _LEAST))
