"""Exact sliding windows in memory, and the queue in which requests wait for them.

Nothing is reserved: a window holds the times at which requests went. All times are whole microseconds of one clock,
which its owner reads; everything here is arithmetic on them and safe for threads.
"""

from __future__ import annotations

import itertools
import sys
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from .. import _fork

SECOND = 1_000_000
"""Microseconds."""
_NEVER = -sys.maxsize


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

    def __init__(self, limit: Limit, times: Iterable[int] = ()) -> None:
        self.limit = limit
        self.times = deque(times)
        self.closed = _NEVER

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

    def move(self, before: int, time: int | None) -> None:
        """Change the time of a request, or forget it for None."""
        if before in self.times:
            self.times.remove(before)
            if time is not None:
                self.times.append(time)
                self.times = deque(sorted(self.times))

    def usage(self, now: int, wait: int, closed: int) -> Usage:
        """Describe it to users, when the next request waits so long and a closure ends at a time."""
        limit, used = self.limit.requests, len(self.times)
        if wait > 0:
            return Usage(0, limit, wait / SECOND, max(0, closed - now) / SECOND)
        reset = self.times[0] + self.limit.window - now if used else 0
        return Usage(limit - used, limit, reset / SECOND, 0.0)


class Signal(Protocol):
    """What wakes the thread or task that waits; `io.Waiter` of either kind."""

    def wake(self) -> bool:
        """Give the signal, from any thread; return whether it can still be heard."""
        ...


class Slot(NamedTuple):
    """A request's entry in its windows, and the time of it."""

    windows: tuple[Window, ...]
    time: int


def record(windows: tuple[Window, ...], now: int) -> Slot:
    """Record a request in all windows, at the time of the last one if that is later."""
    for window in windows:
        if window.times and window.times[-1] > now:
            now = window.times[-1]
    for window in windows:
        window.times.append(now)
    return Slot(windows, now)


class QueuedRequest:
    """A request that waits, and the signal by which its thread or task polls again."""

    __slots__ = ("deadline", "number", "signal", "slot", "windows")

    def __init__(self, windows: tuple[Window, ...], deadline: int | None, number: int) -> None:
        self.windows = windows
        self.deadline = deadline
        self.number = number
        self.signal: Signal | None = None
        self.slot: Slot | None = None

    def wait(self, now: int, position: int = 0) -> int:
        """Return the microseconds until it may go after `position` others, 0 for now, otherwise the least."""
        return max(window.wait(now, position) for window in self.windows)

    def misses_deadline(self, now: int, wait: int) -> bool:
        """Return whether a wait ends after its deadline."""
        return self.deadline is not None and now + wait > self.deadline

    def wake(self) -> bool:
        """Let it poll again; return whether it still can."""
        return self.signal is None or self.signal.wake()


class Windows:
    """The windows of one credential in this process, with a queue for each group.

    Only the first of each queue goes, when all its windows have room at once: of several that could, the one that came
    first. So a group keeps the order of arrival, and holds up no other. Only the first sleeps until a time; it admits
    all that may go, and the next that becomes the first is woken.
    """

    def __init__(self) -> None:
        self._mutex = threading.RLock()  # a task that is collected as garbage leaves its queue wherever that happens
        self._windows: dict[Limit, Window] = {}
        self._queues: dict[Limit, deque[QueuedRequest]] = {}
        self._arrivals = itertools.count()
        _fork.register(self)

    def windows(self, limits: Sequence[Limit]) -> tuple[Window, ...]:
        """Return the windows of limits, of which equal ones have the same window."""
        with self._mutex:
            return tuple(self._windows.setdefault(limit, Window(limit)) for limit in limits)

    def take(self, windows: tuple[Window, ...], now: int) -> Slot | None:
        """Return the slot of a request that may go at once, None for one that has to wait."""
        with self._mutex:
            if self._queues:
                return None
            for window in windows:
                if window.wait(now):
                    return None
            return record(windows, now)

    def join(self, windows: tuple[Window, ...], deadline: int | None) -> QueuedRequest:
        """Put a request at the end of its queue."""
        with self._mutex:
            request = QueuedRequest(windows, deadline, next(self._arrivals))
            self._queues.setdefault(windows[0].limit, deque()).append(request)
            return request

    def poll(self, request: QueuedRequest, signal: Signal, now: int) -> tuple[int, bool]:
        """Admit all that may go; return how long this one still has to wait, at least, and whether it is the first.

        `signal` is given when it should poll again. The wait is 0 when it has its slot.
        """
        with self._mutex:
            request.signal = signal
            self._admit(now)
            if request.slot is not None:
                return 0, True
            position = self._queues[request.windows[0].limit].index(request)
            return request.wait(now, position), position == 0

    def leave(self, request: QueuedRequest) -> None:
        """Take a request that does not go out of its queue, or give its slot back."""
        with self._mutex:
            if request.slot is not None:
                self.give_back(request.slot)
                for queue in self._queues.values():
                    queue[0].wake()
            elif request in self._queues.get(request.windows[0].limit, ()):
                self._remove(request)

    def _admit(self, now: int) -> None:
        while ready := [queue[0] for queue in self._queues.values() if not queue[0].wait(now)]:
            first = min(ready, key=lambda request: request.number)
            self._remove(first)
            if first.wake():
                first.slot = record(first.windows, now)

    def _remove(self, request: QueuedRequest) -> None:
        limit = request.windows[0].limit
        queue = self._queues[limit]
        was_first = queue[0] is request
        queue.remove(request)
        if not queue:
            del self._queues[limit]
        elif was_first:
            queue[0].wake()

    def give_back(self, slot: Slot) -> None:
        """Forget a request that did not go."""
        with self._mutex:
            for window in slot.windows:
                window.move(slot.time, None)

    def move(self, slot: Slot, time: int) -> None:
        """Change the time of a request that went later than it was admitted."""
        with self._mutex:
            for window in slot.windows:
                window.move(slot.time, time)

    def close(self, window: Window, until: int, now: int) -> None:
        """Let nothing go before a time; the longest closure counts. Those that cannot wait so long are woken."""
        with self._mutex:
            window.closed = max(window.closed, until)
            for queue in self._queues.values():
                for position, request in enumerate(queue):
                    if request.misses_deadline(now, request.wait(now, position)):
                        request.wake()

    def count(self, window: Window, now: int) -> int:
        """Return how many requests a window holds."""
        with self._mutex:
            window.wait(now)  # which forgets what is over
            return len(window.times)

    def usage(self, windows: Iterable[Window], now: int) -> list[Usage]:
        """Describe each window to users."""
        with self._mutex:
            return [
                window.usage(now, window.wait(now, len(self._queues.get(window.limit, ()))), window.closed)
                for window in windows
            ]

    def spare(self, windows: Iterable[Window], now: int) -> float:
        """Return which part of the windows is left, of that which has least."""
        with self._mutex:
            return min(0.0 if window.wait(now) else 1 - len(window.times) / window.limit.requests for window in windows)

    def is_idle(self, now: int) -> bool:
        """Return whether nothing that it holds matters any more."""
        with self._mutex:
            return not self._queues and not any(window.wait(now) or window.times for window in self._windows.values())

    def after_fork(self) -> None:
        """Forget those that wait in the parent; what went still counts."""
        self._mutex = threading.RLock()
        self._queues = {}
