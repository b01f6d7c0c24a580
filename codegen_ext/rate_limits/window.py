"""Exact sliding windows in memory, and the queues in which requests wait for them.

Nothing is reserved: a window holds the times at which requests went. All times are whole microseconds of one clock.
"""

from __future__ import annotations

import itertools
import sys
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from .. import _fork
from ..clock import Clock

SECOND = 1_000_000
"""Microseconds."""
NEVER = -sys.maxsize


def micro(seconds: float) -> int:
    """Return seconds as whole microseconds."""
    return round(seconds * SECOND)


class Limit(NamedTuple):
    """At most `requests` in any `window` (microseconds); requests with the same `name` count together."""

    name: str
    requests: int
    window: int

    @classmethod
    def of(cls, group: str, requests: int, seconds: float) -> Limit:
        """Return the limit of a group; other windows have other names, because they forget at another time."""
        window = micro(seconds)
        return cls(f"{group}:{window}", requests, window)


class Usage(NamedTuple):
    """How a limit is used: requests left now, seconds until there are more, and until a closure ends."""

    remaining: int
    limit: int
    reset_time: float
    closed_for: float


class Window:
    """Times at which requests of one limit went, and until when the service has closed it."""

    __slots__ = ("closed", "limit", "times")

    def __init__(self, limit: Limit, times: Iterable[int] = (), closed: int = NEVER) -> None:
        self.limit = limit
        self.times = deque(times)
        self.closed = closed

    def wait(self, now: int, position: int = 0) -> int:
        """Return the microseconds until one more may go after `position` others: 0 for now, otherwise the least."""
        times = self.times
        _, requests, window = self.limit
        while times and times[0] <= now - window:
            times.popleft()
        index = len(times) - requests
        if index < 0 and position == 0 and self.closed <= now:
            return 0
        rounds, rest = divmod(position, requests)
        free = times[index + rest] + window if index + rest >= 0 else now
        return max(free, self.closed, now) - now + rounds * window

    def usage(self, now: int, wait: int) -> Usage:
        """Describe it to users, when the next request waits so long."""
        limit, used = self.limit.requests, len(self.times)
        if wait > 0:
            return Usage(0, limit, wait / SECOND, max(0, self.closed - now) / SECOND)
        reset = self.times[0] + self.limit.window - now if used else 0
        return Usage(limit - used, limit, reset / SECOND, 0.0)


class Signal(Protocol):
    """What wakes the thread or task that waits; `io.Waiter` of either kind."""

    def wake(self) -> bool:
        """Give the signal, from any thread; return whether it can still be heard."""
        ...


class Slot(NamedTuple):
    """A request's entry in its windows: the time of it, and in a shared store its name, which no other has."""

    windows: tuple[Window, ...]
    time: int
    member: str = ""


class QueuedRequest:
    """A request that waits, and the signal by which its thread or task polls again."""

    __slots__ = ("deadline", "number", "signal", "slot", "windows")

    def __init__(self, windows: tuple[Window, ...], deadline: int | None, number: int) -> None:
        self.windows = windows
        self.deadline = deadline
        self.number = number
        self.signal: Signal | None = None
        self.slot: Slot | None = None

    def wake(self) -> bool:
        """Let it poll again; return whether it still can."""
        return self.signal is None or self.signal.wake()


class Windows:
    """The windows of one credential, with a queue for each group; safe for threads.

    Only the first of each queue goes, when all its windows have room at once: of several that could, the one that came
    first. So a group keeps the order of arrival, and holds up no other. Only the first sleeps until a time; it admits
    all that may go, and the next that becomes the first is woken.
    """

    is_shared = False
    """Whether there is a store, for which methods may block."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._windows: dict[Limit, Window] = {}
        self._arrivals = itertools.count()
        self.after_fork()
        _fork.register(self)

    def after_fork(self) -> None:
        """Forget those that wait in the parent; what went still counts."""
        self._mutex = threading.RLock()  # a task that is collected as garbage leaves its queue wherever that happens
        self._queues: dict[Window, deque[QueuedRequest]] = {}

    @property
    def longest_sleep(self) -> int:
        """Microseconds after which the first of a queue tries again, however long its wait."""
        return sys.maxsize

    def now(self) -> int:
        """Return the time."""
        return round(self._clock.monotonic() * SECOND)

    def windows(self, limits: Iterable[Limit]) -> tuple[Window, ...]:
        """Return the windows of limits, of which equal ones have the same window."""
        with self._mutex:
            return tuple(self._windows.setdefault(limit, Window(limit)) for limit in limits)

    def take(self, windows: tuple[Window, ...]) -> Slot | None:
        """Return the slot of a request that may go at once, None for one that has to wait."""
        with self._mutex:
            if self._queues:
                return None
            now = self.now()
            for window in windows:
                if window.wait(now):
                    return None
            return _record(windows, now)

    def join(self, windows: tuple[Window, ...], deadline: int | None) -> QueuedRequest:
        """Put a request at the end of its queue."""
        with self._mutex:
            request = QueuedRequest(windows, deadline, next(self._arrivals))
            self._queues.setdefault(windows[0], deque()).append(request)
            return request

    def poll(self, request: QueuedRequest, signal: Signal) -> tuple[int, bool]:
        """Return how long a request without a slot still has to wait, at least, and whether it is the first.

        `signal` is given when it should poll again. The first has to `attempt`, which tells how long it has to wait.
        """
        with self._mutex:
            request.signal = signal
            if request.slot is not None:
                return 0, False
            position = self._queues[request.windows[0]].index(request)
            return (self._wait(request, position, self.now()), False) if position else (0, True)

    def attempt(self, request: QueuedRequest) -> int:
        """Give the first of a queue its slot, and others that may go theirs; return how long it has to wait."""
        with self._mutex:
            now = self.now()
            while ready := [queue[0] for queue in self._queues.values() if not self._wait(queue[0], 0, now)]:
                first = min(ready, key=lambda request: request.number)
                self._remove(first)
                if first.wake():
                    first.slot = _record(first.windows, now)
            return 0 if request.slot is not None else self._wait(request, 0, now)

    def leave(self, request: QueuedRequest) -> None:
        """Take a request that does not go out of its queue, or give its slot back."""
        with self._mutex:
            if request.slot is not None:
                self._change(request.slot, None)
                for queue in self._queues.values():
                    queue[0].wake()
            elif request in self._queues.get(request.windows[0], ()):
                self._remove(request)

    def _wait(self, request: QueuedRequest, position: int, now: int) -> int:
        return max(window.wait(now, position) for window in request.windows)

    def _remove(self, request: QueuedRequest) -> None:
        queue = self._queues[request.windows[0]]
        was_first = queue[0] is request
        queue.remove(request)
        while was_first and queue and not queue[0].wake():
            queue.popleft()
        if not queue:
            del self._queues[request.windows[0]]

    def _wake_late(self, now: int) -> None:
        """Wake those whose wait would end after their deadline."""
        for queue in self._queues.values():
            for position, request in enumerate(queue):
                if request.deadline is not None and now + self._wait(request, position, now) > request.deadline:
                    request.wake()

    def move(self, slot: Slot, time: int) -> None:
        """Change the time of a request that went later than it was admitted."""
        with self._mutex:
            self._change(slot, time)

    def _change(self, slot: Slot, time: int | None) -> None:
        """Change the time of a request, or forget it for None."""
        for window in slot.windows:
            if slot.time in window.times:
                window.times.remove(slot.time)
                if time is not None:
                    window.times = deque(sorted((*window.times, time)))

    def close(self, window: Window, period: int) -> None:
        """Let nothing go for a while; the longest closure counts."""
        with self._mutex:
            now = self.now()
            window.closed = max(window.closed, now + period)
            self._wake_late(now)

    def usage(self, windows: Sequence[Window]) -> list[Usage]:
        """Describe each window to users."""
        with self._mutex:
            now = self.now()
            waiting = [len(self._queues.get(window, ())) for window in windows]
            return [one.usage(now, one.wait(now, ahead)) for one, ahead in zip(windows, waiting, strict=True)]

    def spare(self, windows: Iterable[Window]) -> float:
        """Return which part of the windows is left, of that which has least, as far as this process knows."""
        with self._mutex:
            now = self.now()
            return min(0.0 if window.wait(now) else 1 - len(window.times) / window.limit.requests for window in windows)

    def is_idle(self) -> bool:
        """Return whether nothing that it holds matters any more."""
        with self._mutex:
            now = self.now()
            return not self._queues and not any(window.wait(now) or window.times for window in self._windows.values())

    def disconnect(self) -> None:
        """Close the connections to a store; the next call opens new ones."""


def _record(windows: tuple[Window, ...], now: int) -> Slot:
    for window in windows:
        window.times.append(now)
    return Slot(windows, now)
