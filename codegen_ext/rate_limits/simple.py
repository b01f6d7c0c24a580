"""A limiter to use by hand, for code that talks to a service of its own."""

from __future__ import annotations

from typing import Any

from .._io import synchronous as io
from ..clock import SYSTEM_CLOCK, Clock
from ..errors import ConfigurationError
from .status import current_usage
from .window import SECOND, Limit, Windows


class RateLimiter:
    """Lets `requests_per_period` through in any `period_seconds`, first come, first served; safe for threads.

    Raises:
        ConfigurationError: for a limit that is no whole number, or lets nothing through.

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
        self._windows = Windows(clock)
        self._own = self._windows.windows([Limit.of("", requests_per_period, period_seconds)])

    def wait_if_needed(self) -> None:
        """Return when one more may go, at once or after a sleep."""
        if self._windows.take(self._own) is not None:
            return
        request = self._windows.join(self._own, None)
        try:
            while True:
                signal = io.Waiter()
                _, is_first = self._windows.poll(request, signal)
                wait = self._windows.attempt(request) if is_first else None
                if request.slot is not None:
                    return
                signal.wait(self._clock, None if wait is None else wait / SECOND)
        except BaseException:
            self._windows.leave(request)
            raise

    def get_current_usage(self) -> dict[str, Any]:
        """Return current_requests, max_requests, period_seconds and usage_percentage."""
        (usage,) = self._windows.usage(self._own)
        return current_usage(usage.remaining, usage.limit, self._period)
