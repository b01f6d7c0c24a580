"""How fast a client's watchers may ask, so that other calls of the same limit find room."""

from __future__ import annotations

import threading

from codegen_api.operations import RateLimit


class Budget:
    """A token bucket that fills with half of a documented limit; thread-safe.

    It holds a sixth of the limit, so that in no window of the limit more than two thirds are used.
    """

    def __init__(self, limit: RateLimit) -> None:
        self._rate = limit.requests / limit.seconds / 2
        self._most = max(1.0, limit.requests / 6)
        self._tokens = self._most
        self._at: float | None = None
        self._lock = threading.Lock()

    def take(self, now: float) -> float:
        """Take a token and return 0.0, or return the seconds until there is one."""
        with self._lock:
            self._fill(now)
            # A hair below one, as a sum of parts may be.
            if self._tokens >= 1 - 1e-9:
                self._tokens -= 1
                return 0.0
            return (1 - self._tokens) / self._rate

    def take_spare(self, now: float) -> bool:
        """Take a token if it leaves at least half of them."""
        with self._lock:
            self._fill(now)
            if self._tokens - 1 < self._most / 2:
                return False
            self._tokens -= 1
            return True

    def _fill(self, now: float) -> None:
        if self._at is not None:
            self._tokens = min(self._most, self._tokens + max(0.0, now - self._at) * self._rate)
        self._at = now
