"""Time as a dependency, so that tests and the sandbox can bring their own."""

from __future__ import annotations

import threading
import time
from typing import Protocol, runtime_checkable


@runtime_checkable
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
    """The machine's clock; a call asks it a dozen times, and so its readings are plain functions."""

    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)

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
