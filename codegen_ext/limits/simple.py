"""A limiter to use by hand, for code that talks to a service of its own."""

from __future__ import annotations

import os
from typing import Any

from ..clock import SYSTEM_CLOCK, Clock
from ..errors import ConfigurationError
from .memory import Book
from .plan import SECOND, Bucket, micro


class RateLimiter:
    """Lets `requests_per_period` through in any `period_seconds`, first come, first served; safe for threads.

    Raises ConfigurationError (a ValueError) for a limit that is no whole number, or lets nothing through.
    """

    def __init__(self, requests_per_period: int, period_seconds: float, *, clock: Clock = SYSTEM_CLOCK) -> None:
        if type(requests_per_period) is not int or requests_per_period < 1:
            problem = "requests_per_period must be a whole number of at least 1"
            raise ConfigurationError(problem, config_key="requests_per_period")
        if not isinstance(period_seconds, int | float) or not 0 < period_seconds < float("inf"):
            problem = "period_seconds must be a number greater than 0"
            raise ConfigurationError(problem, config_key="period_seconds")
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
