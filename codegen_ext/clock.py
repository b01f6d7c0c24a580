"""Time as a dependency, so that tests and the sandbox can bring their own."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import asyncio


class Clock(Protocol):
    """Where time comes from and how it passes; all values are seconds."""

    def time(self) -> float:
        """Return seconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some fixed moment; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let time pass in this thread."""
        ...

    async def sleep_async(self, seconds: float) -> None:
        """Let time pass in this task."""
        ...

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        """Let time pass in this thread until the condition, whose lock it holds, is notified."""
        ...


class SystemClock:
    """The machine's clock."""

    def time(self) -> float:
        """Return seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block the thread."""
        time.sleep(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Let other tasks run."""
        import asyncio

        await asyncio.sleep(seconds)

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        """Block the thread, or less."""
        condition.wait(seconds)


SYSTEM_CLOCK: Clock = SystemClock()


class Cancelled(Exception):  # noqa: N818 - like StopIteration it is no failure
    """Raised out of a wait whose cancel event is set; a request that was sent is never cut."""


class Stopped(Exception):  # noqa: N818 - like StopIteration it is no failure
    """A sleep was ended, because nobody wants what comes after it."""


class StoppableClock:
    """Another clock, whose sleeps raise `Stopped` from the moment on when `stop` was called."""

    def __init__(self, clock: Clock) -> None:
        self.time, self.monotonic, self.wait = clock.time, clock.monotonic, clock.wait
        self._clock = clock
        self._condition = threading.Condition()
        self._asleep: set[asyncio.Future[Any]] = set()
        self.is_stopped = False

    def stop(self) -> None:
        """End all sleeps; where tasks sleep, it is called in their loop."""
        with self._condition:
            self.is_stopped = True
            self._condition.notify_all()
        for sleep in list(self._asleep):
            sleep.cancel()

    def sleep(self, seconds: float) -> None:
        """Block the thread until the time is over or the clock is stopped."""
        with self._condition:
            if not self.is_stopped:
                self._clock.wait(self._condition, seconds)
            if self.is_stopped:
                raise Stopped

    async def sleep_async(self, seconds: float) -> None:
        """Let other tasks run until the time is over or the clock is stopped."""
        import asyncio

        if not self.is_stopped:
            sleep = asyncio.ensure_future(self._clock.sleep_async(seconds))
            self._asleep.add(sleep)
            try:
                await asyncio.wait([sleep])
            finally:
                self._asleep.discard(sleep)
                sleep.cancel()
        if self.is_stopped:
            raise Stopped
