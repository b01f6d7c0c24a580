"""How fast a client's watchers may ask, so that other calls of the same limit find room."""

from __future__ import annotations

import threading

from codegen_api.operations import RateLimit


class Budget:
    """What watching takes of a documented limit; thread-safe.

    A bucket that fills with half of the limit, and holds a sixth, so that no window of the limit sees more than two
    thirds of it used. Pages, which are large, have a third of the limit.
    """

    def __init__(self, limit: RateLimit) -> None:
        per_second = limit.requests / limit.seconds
        most = max(1.0, limit.requests / 6)
        self._all = _Bucket(per_second / 2, most)
        self._pages = _Bucket(per_second / 3, most)
        self._lock = threading.Lock()

    def take(self, now: float, *, page: bool = False) -> float:
        """Take a place and return 0.0, or return the seconds until there is one."""
        buckets = (self._all, self._pages) if page else (self._all,)
        with self._lock:
            wait = max(bucket.wait(now) for bucket in buckets)
            if not wait:
                for bucket in buckets:
                    bucket.tokens -= 1
            return wait

    def take_spare(self, now: float) -> bool:
        """Take a place if half of them are left then."""
        with self._lock:
            is_spare = not self._all.wait(now) and self._all.tokens - 1 >= self._all.most / 2
            self._all.tokens -= is_spare
            return is_spare


class _Bucket:
    def __init__(self, rate: float, most: float) -> None:
        self.most = self.tokens = most
        self._rate = rate
        self._at: float | None = None

    def wait(self, now: float) -> float:
        """Return the seconds until there is a token."""
        if self._at is not None:
            self.tokens = min(self.most, self.tokens + max(0.0, now - self._at) * self._rate)
        self._at = now
        # A hair below one, as a sum of parts may be.
        return 0.0 if self.tokens >= 1 - 1e-9 else (1 - self.tokens) / self._rate
