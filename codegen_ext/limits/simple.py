"""A limiter to use by hand, for code that talks to a service of its own."""

from __future__ import annotations

import os
from typing import Any

from ..clock import SYSTEM_CLOCK, Clock
from .memory import Book
from .plan import SECOND, Bucket, micro


class RateLimiter:
    """Lets `requests_per_period` through in any `period_seconds`, first come, first served; safe for threads.

    Raises ValueError for a limit that lets nothing through.
    """

    def __init__(self, requests_per_period: int, period_seconds: float, *, clock: Clock = SYSTEM_CLOCK) -> None:
        if requests_per_period < 1 or not 0 < period_seconds < float("inf"):
            raise ValueError("requests_per_period must be at least 1 and period_seconds greater than 0")
        self._period = period_seconds
        self._clock = clock
        self._bucket = Bucket.of("", "", requests_per_period, period_seconds)
        self._book = Book(lambda: micro(clock.monotonic()))

    def wait_if_needed(self) -> None:
        """Return when one more may go, at once or after a sleep."""
        ticket = os.urandom(9).hex()
        try:
            while wait := self._book.take(ticket, (self._bucket,), None).wait:
                self._clock.sleep(wait / SECOND)
        except BaseException:
            self._book.release(ticket, (self._bucket,))
            raise

    def get_current_usage(self) -> dict[str, Any]:
        """Return current_requests, max_requests, period_seconds and usage_percentage; who still waits is not in it."""
        used, most = len(self._book.gone(self._bucket)), self._bucket.requests
        return {
            "current_requests": used,
            "max_requests": most,
            "period_seconds": self._period,
            "usage_percentage": used / most * 100,
        }
