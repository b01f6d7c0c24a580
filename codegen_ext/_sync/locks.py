# Generated from codegen_ext/_async/locks.py by make generate; edit there.
"""Events, semaphores and queues that serve several threads and event loops at once, in order of arrival."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

from .._io import synchronous as io
from ..clock import Cancelled, Clock

T = TypeVar("T")


class Event:
    """Flag that is set once and that many may wait for."""

    def __init__(self) -> None:
        self._mutex = io.Mutex()
        self._waiters: set[io.Waiter] = set()
        self._is_set = False

    def set(self) -> None:
        """Set the flag, from any thread."""
        with self._mutex:
            self._is_set = True
            waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            waiter.wake()

    def is_set(self) -> bool:
        """Return whether the flag is set."""
        return self._is_set

    def add(self, waiter: io.Waiter) -> None:
        """Have a waiter woken when the flag is set, or now if it is."""
        with self._mutex:
            if not self._is_set:
                self._waiters.add(waiter)
                return
        waiter.wake()

    def discard(self, waiter: io.Waiter) -> None:
        """Have a waiter no longer woken."""
        with self._mutex:
            self._waiters.discard(waiter)

    def wait(self, clock: Clock | None, seconds: float | None = None) -> bool:
        """Wait for the flag, for `seconds` at the longest, real ones without a clock; return whether it is set."""
        if not self._is_set:
            waiter = io.Waiter()
            self.add(waiter)
            try:
                waiter.wait(clock, seconds)
            finally:
                self.discard(waiter)
        return self._is_set


def wait_for(waiter: io.Waiter, clock: Clock, seconds: float | None, cancel: Event | None = None) -> bool:
    """Wait for a signal, for `seconds` at the longest; return whether it was given.

    Raises:
        Cancelled: as soon as `cancel` is set.

    """
    if cancel is None:
        return waiter.wait(clock, seconds)
    cancel.add(waiter)
    try:
        is_given = waiter.wait(clock, seconds)
    finally:
        cancel.discard(waiter)
    if cancel.is_set():
        raise Cancelled
    return is_given


def sleep(clock: Clock, seconds: float, cancel: Event | None = None) -> None:
    """Let `seconds` pass.

    Raises:
        Cancelled: as soon as `cancel` is set.

    """
    if cancel is None:
        io.sleep(clock, seconds)
    elif cancel.wait(clock, seconds):
        raise Cancelled


class Semaphore:
    """Count of permits; a permit that is given back goes to the first that waits."""

    def __init__(self, permits: int) -> None:
        self._mutex = io.Mutex()
        self._waiters: deque[io.Waiter] = deque()
        self._free = permits

    def try_acquire(self) -> bool:
        """Take a permit that is free now; return whether there was one."""
        with self._mutex:
            if not self._free or self._waiters:
                return False
            self._free -= 1
            return True

    def acquire(self, seconds: float | None = None) -> bool:
        """Take a permit, waiting for `seconds` at the longest, real ones; return whether there was one."""
        with self._mutex:
            if self._free and not self._waiters:
                self._free -= 1
                return True
            waiter = io.Waiter()
            self._waiters.append(waiter)
        try:
            waiter.wait(None, seconds)
        except BaseException:
            if self._leave(waiter):
                self.release()
            raise
        return self._leave(waiter)

    def _leave(self, waiter: io.Waiter) -> bool:
        """Take a waiter out of the line; return whether it was given a permit."""
        with self._mutex:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            return waiter.woken

    def release(self) -> None:
        """Give a permit back, from any thread."""
        with self._mutex:
            while self._waiters:
                if self._waiters.popleft().wake():
                    return
            self._free += 1


class QueueClosed(Exception):  # noqa: N818 - the end of a queue is no failure
    """The queue takes nothing more, or has nothing more to give."""


class Queue(Generic[T]):
    """Queue that takes any number of items, from any thread; ends for both sides when it is closed."""

    def __init__(self) -> None:
        self._mutex = io.Mutex()
        self._items: deque[T] = deque()
        self._is_closed = False
        self._waiters: list[io.Waiter] = []

    def put_nowait(self, item: T) -> None:
        """Append an item; raises QueueClosed."""
        with self._mutex:
            if self._is_closed:
                raise QueueClosed
            self._items.append(item)
        self._wake()

    def get(self) -> T:
        """Take the oldest item, waiting for one; raises QueueClosed when there will be none."""
        while True:
            with self._mutex:
                if self._items:
                    return self._items.popleft()
                if self._is_closed:
                    raise QueueClosed
                waiter = io.Waiter()
                self._waiters.append(waiter)
            waiter.wait(None, None)

    def get_all(self) -> list[T]:
        """Take all items, waiting for one; raises QueueClosed when there will be none."""
        found = [self.get()]
        with self._mutex:
            found.extend(self._items)
            self._items.clear()
        return found

    def __len__(self) -> int:
        return len(self._items)

    def close(self) -> None:
        """End the queue; what it holds can still be taken."""
        with self._mutex:
            self._is_closed = True
        self._wake()

    def _wake(self) -> None:
        with self._mutex:
            waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.wake()
