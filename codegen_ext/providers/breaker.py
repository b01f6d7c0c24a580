"""Keep a failing provider out for a while."""

from __future__ import annotations

import threading

from ..clock import Clock


class CircuitBreaker:
    """Closed while requests succeed; open after some failures in a row; then one probe decides.

    A request that was allowed ends with `succeeded`, `failed` or, when it says nothing about the provider, `released`.
    `failures` in a row open it for `cooldown` seconds. May be shared by threads.
    """

    def __init__(self, clock: Clock, failures: int = 3, cooldown: float = 30.0) -> None:
        self._clock = clock
        self._most = failures
        self._cooldown = cooldown
        self._failures = 0
        self._open_until: float | None = None
        self._probing = False
        self._lock = threading.Lock()

    @property
    def state(self) -> str:
        """One of closed, open, half-open (a probe may be sent or is on its way)."""
        with self._lock:
            if self._open_until is None:
                return "closed"
            return "open" if self._clock.monotonic() < self._open_until else "half-open"

    def allow_request(self) -> bool:
        """Return whether a request may be sent now; in the half-open state only one at a time may."""
        with self._lock:
            if self._open_until is None:
                return True
            if self._probing or self._clock.monotonic() < self._open_until:
                return False
            self._probing = True
            return True

    def succeeded(self) -> None:
        """Close it."""
        with self._lock:
            self._failures, self._open_until, self._probing = 0, None, False

    def failed(self, keep_out: float | None = None) -> None:
        """Count a failure; `keep_out` opens it at once for so many seconds, as a rate limit asks for."""
        with self._lock:
            self._failures += 1
            if keep_out is not None or self._probing or self._failures >= self._most:
                until = self._clock.monotonic() + (self._cooldown if keep_out is None else keep_out)
                self._open_until = max(until, self._open_until or until)
            self._probing = False

    def released(self) -> None:
        """Allow the next probe."""
        with self._lock:
            self._probing = False
