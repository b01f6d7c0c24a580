"""Watching by threads: one of those that wait does the asking, and hands over when its own wait is over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..flow import Perform
from .budget import Budget
from .plan import Rest, request_of
from .state import Watch
from .tickets import News, Order, Waiter

if TYPE_CHECKING:
    from ..clock import Clock

_LEAST_LEAD = 60.0
"""Seconds before its deadline at which a leader lets somebody lead who has more time."""


class _Thread(Waiter):
    """A waiting thread; it is woken under the lock."""

    def __init__(self, lock: threading.RLock) -> None:
        self.condition = threading.Condition(lock)
        self.waits = False
        super().__init__(self.condition.notify)


class ThreadWatcher:
    """The waits of one client; needs no thread of its own and leaves nothing behind.

    A leader's request ends at the leader's deadline, so the lead goes to the thread with the latest.
    """

    def __init__(self, clock: Clock, budgets: Mapping[str, Budget]) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._watch = Watch(budgets)
        self._waiters: list[_Thread] = []
        self._leader: _Thread | None = None

    def follow(self, orders: Sequence[Order], perform: Callable[[Perform[Any]], Any]) -> Generator[News]:
        """Yield what becomes known of the runs until the last of them is over, in this thread."""
        waiter = _Thread(self._lock)
        try:
            with self._lock:
                self._waiters.append(waiter)
                self._watch.join(waiter, orders, self._clock.monotonic())
                if self._leader is not None:
                    self._leader.wake()
            while True:
                with self._lock:
                    if not waiter.mail and waiter.tickets:
                        self._wait(waiter, perform)
                    if not waiter.mail:
                        return
                    news = waiter.mail.popleft()
                yield news
        finally:
            with self._lock:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
                self._watch.leave(waiter)
                self._hand_over(waiter)

    def notice(self, run: Mapping[str, Any]) -> None:
        """Tell those who wait for a run what became known of it by another way; from any thread."""
        with self._lock:
            self._watch.notice(run, self._clock.monotonic())
            if self._leader is not None:
                self._leader.wake()

    def _wait(self, waiter: _Thread, perform: Callable[[Perform[Any]], Any]) -> None:
        waiter.waits = True
        try:
            while not waiter.mail:
                if self._leader in (None, waiter):
                    self._leader = waiter
                    self._lead(waiter, perform)
                else:
                    left = waiter.deadline - self._clock.monotonic()
                    # On a clock that is not the machine's this is only a look in between.
                    waiter.condition.wait(min(max(left, 0.001), threading.TIMEOUT_MAX))
                    self._watch.expire(self._clock.monotonic())
        finally:
            waiter.waits = False
            self._hand_over(waiter)

    def _lead(self, waiter: _Thread, perform: Callable[[Perform[Any]], Any]) -> None:
        now = self._clock.monotonic()
        self._watch.expire(now)
        if waiter.mail:
            return
        if waiter.deadline - now < _LEAST_LEAD:
            other = self._longest()
            if other is not None and other.deadline > waiter.deadline:
                self._leader = other
                other.wake()
                return
        action = self._watch.next(now)
        if isinstance(action, Rest):
            if waiter.mail:
                return
            self._clock.wait(waiter.condition, min(action.seconds, threading.TIMEOUT_MAX))
            return
        outcome: Any = None
        error: Exception | None = None
        self._lock.release()
        try:
            outcome = perform(request_of(action, waiter.deadline, now))
        except Exception as failure:  # noqa: BLE001 - the state decides whom it concerns
            error = failure
        finally:
            self._lock.acquire()
        now = self._clock.monotonic()
        if error is None:
            self._watch.answered(action, outcome, now)
        else:
            self._watch.failed(action, error, now)

    def _hand_over(self, waiter: _Thread) -> None:
        if self._leader is waiter:
            self._leader = self._longest(waiter)
            if self._leader is not None:
                self._leader.wake()

    def _longest(self, besides: _Thread | None = None) -> _Thread | None:
        """Return the waiter that has most time and nothing else to do, such as calling back."""
        free = [other for other in self._waiters if other is not besides and other.waits and not other.mail]
        return max(free, key=lambda other: other.deadline, default=None)
