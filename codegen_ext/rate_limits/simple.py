"""A limiter to use by hand, for code that talks to a service of its own."""

from __future__ import annotations

from typing import Any

from .._io import synchronous as io
from ..clock import SYSTEM_CLOCK, Clock
from ..errors import ConfigurationError
from .window import SECOND, Limit, Windows, micro


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
        self._windows = Windows()
        self._own = self._windows.windows([Limit.of("", requests_per_period, period_seconds)])

    def wait_if_needed(self) -> None:
        """Return when one more may go, at once or after a sleep."""
        if self._windows.take(self._own, self._now()) is not None:
            return
        request = self._windows.join(self._own, None)
        try:
            while True:
                signal = io.Waiter()
                wait, is_first = self._windows.poll(request, signal, self._now())
                if request.slot is not None:
                    return
                signal.wait(self._clock, wait / SECOND if is_first else None)
        except BaseException:
            self._windows.leave(request)
            raise

    def get_current_usage(self) -> dict[str, Any]:
        """Return current_requests, max_requests, period_seconds and usage_percentage, without those that still wait."""
        (window,) = self._own
        used, most = self._windows.count(window, self._now()), window.limit.requests
        return {
            "current_requests": used,
            "max_requests": most,
            "period_seconds": self._period,
            "usage_percentage": used / most * 100,
        }

    def _now(self) -> int:
        return micro(self._clock.monotonic())
