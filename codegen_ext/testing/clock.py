"""A clock for tests, on which waiting takes no time."""

import asyncio
import threading

from .arguments import check


class FakeClock:
    """A clock that moves only when it is told to or by its sleeps; may be shared by threads."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        """Begin at `start`, in seconds since the epoch; the monotonic reading begins at 0."""
        check(int | float, start=start)
        self._start = start
        self._elapsed = 0.0
        self._slept: list[float] = []
        self._lock = threading.Lock()

    @property
    def slept(self) -> list[float]:
        """Every sleep so far, in seconds, in the order in which they were asked for."""
        with self._lock:
            return list(self._slept)

    def time(self) -> float:
        """Return the seconds since the epoch."""
        return self._start + self.monotonic()

    def monotonic(self) -> float:
        """Return the seconds since this clock was made."""
        with self._lock:
            return self._elapsed

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`; raise ConfigurationError when that is negative."""
        check(int | float, least=0, seconds=seconds)
        with self._lock:
            self._elapsed += seconds

    def sleep(self, seconds: float) -> None:
        """Move forward by `seconds` at once."""
        self.advance(seconds)
        with self._lock:
            self._slept.append(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Move forward by `seconds` at once and let other tasks run."""
        self.sleep(seconds)
        await asyncio.sleep(0)

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        """Move forward by `seconds` at once, and let other threads have the lock for a moment."""
        self.sleep(seconds)
        condition.wait(0)
