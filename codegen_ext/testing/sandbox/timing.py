"""The sandbox's own time, which may run faster than its clock."""

import math
from datetime import UTC, datetime

from codegen_ext.clock import Clock


class Timeline:
    """Seconds since the sandbox was made, `speed` of them to each second of the clock."""

    def __init__(self, clock: Clock, speed: float) -> None:
        """Begin now; raise ValueError for a speed that is not above zero."""
        if not 0 < speed < math.inf:
            raise ValueError(f"speed must be a positive number: {speed}")
        self._clock = clock
        self._speed = speed
        self._epoch = clock.time()
        self._origin = clock.monotonic()

    def now(self) -> float:
        """Return the present in the sandbox's seconds."""
        return (self._clock.monotonic() - self._origin) * self._speed

    def real(self, seconds: float) -> float:
        """Return how many of the clock's seconds these seconds of the sandbox are."""
        return seconds / self._speed

    def epoch(self, at: float) -> float:
        """Return a moment as seconds since the epoch."""
        return self._epoch + self.real(at)

    def stamp(self, at: float) -> str:
        """Return a moment in ISO 8601."""
        return datetime.fromtimestamp(self.epoch(at), UTC).isoformat(timespec="milliseconds")
