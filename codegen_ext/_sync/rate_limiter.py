# Generated from codegen_ext/_async/rate_limiter.py by make generate; edit there.
"""Have each request wait for its slot within the rate limits of its operation."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from codegen_api.operations import OPERATIONS

from .._io import synchronous as io
from .._response import LimitExceeded
from ..clock import Clock
from ..fingerprint import fingerprint
from ..rate_limits.local_share import RETRY_PERIOD
from ..rate_limits.registry import shared_windows_of, windows_of
from ..rate_limits.status import RateLimitStatus, status_of
from ..rate_limits.window import SECOND, Limit, Slot, Window, Windows, micro
from .locks import wait_for

if TYPE_CHECKING:
    from codegen_api.operations import Operation

    from .._request import Call
    from ..config import ClientConfig
    from ..rate_limits.shared import SharedSlot, SharedWindows

STANDARD = "standard"
"""The group of requests that the contract does not know."""
OVERALL = "overall"
"""The name of the cap that the user set, among the groups."""
MARGIN = 0.02
"""By what part windows are longer than the contract says: one request may take longer to the service than the next."""
LATENESS = 200
"""A request that goes later than one part in so many of the window counts from when it went."""
REQUEST_SECONDS = 0.5
"""What a wait must leave of a call's time to the request itself."""
UNSAID_CLOSURE = 1.0
"""Seconds for which a refusal without Retry-After closes a group; the pauses of the retries grow from there."""
LONGEST_CLOSURE = 86_400.0
"""Seconds after which a group opens again, whatever the service said."""
PULSE_PERIOD = 5 * SECOND
"""How often the first that waits for a shared limit tries again, to learn of other processes and of a loss."""

_logger = logging.getLogger("codegen_ext")


class RateLimiter:
    """Gives requests slots in order of arrival, across threads, tasks, event loops and, for one store, processes.

    Args:
        config: The settings that say whose limits these are, which cap there is, and where they are shared.
        clock: Where time comes from.
        service: Name of the service in the contract.
        on_wait: Called with the name of an operation and the seconds that a request has waited.

    Raises:
        ConfigurationError: when `shared_state` cannot be used.

    """

    def __init__(
        self,
        config: ClientConfig,
        clock: Clock,
        *,
        service: str = "codegen",
        on_wait: Callable[[str, float], object] | None = None,
    ) -> None:
        self._clock = clock
        self._on_wait = on_wait
        scope = fingerprint(config.service_url, config.api_token)
        operations = [operation for operation in OPERATIONS.values() if operation.service == service]
        quotas = {operation.rate_limit.group: operation.rate_limit[:2] for operation in operations}
        if config.has_rate_limit_cap:
            quotas[OVERALL] = (config.rate_limit_requests_per_period, config.rate_limit_period_seconds)
        self._quotas = quotas
        self._limits = {
            group: Limit.of(group, requests, seconds * (1 + MARGIN)) for group, (requests, seconds) in quotas.items()
        }
        self._group_of = {operation.id: operation.rate_limit.group for operation in operations}
        self._late = min(limit.window for limit in self._limits.values()) // LATENESS
        # Without limits nothing is written down, and nothing shared.
        address = config.shared_state if config.rate_limits else None
        self._windows = windows_of(scope, clock, config.transport) if config.rate_limits else Windows()
        self._shared = None if address is None else shared_windows_of(address, scope, clock, config.shared_peers)
        cap = [OVERALL] if OVERALL in quotas else []
        self._windows_of = {
            group: self._windows.windows([self._limits[group] for group in (group, *cap)]) for group in quotas
        }

    def try_acquire(self, call: Call) -> Slot | None:
        """Return the slot of a request that may go at once as far as this process is concerned, without waiting.

        None when it has to wait, or to ask a shared store.
        """
        if self._shared is not None:
            return None
        return self._windows.take(self._windows_of[self._group(call.operation)], self._now())

    def acquire(self, call: Call) -> Slot | SharedSlot:
        """Wait until a request may go, and return its slot.

        Raises:
            LimitExceeded: at once when that is after the call's deadline.
            Cancelled: when the call's cancel event is set.

        """
        windows = self._windows_of[self._group(call.operation)]
        at = call.deadline.at
        deadline = None if at == float("inf") else micro(at - REQUEST_SECONDS)
        queued = (
            _Request(self._windows, windows, deadline)
            if self._shared is None
            else _SharedRequest(self._shared, tuple(window.limit for window in windows), deadline)
        )
        waited, is_told = 0, False
        try:
            while True:
                signal = io.Waiter()
                wait, is_first = queued.poll(signal, self._clock)
                if queued.slot is not None:
                    return queued.slot
                now = self._now()
                if deadline is not None and now + wait > deadline:
                    raise LimitExceeded(wait / SECOND)
                if wait >= SECOND and not is_told:
                    is_told = True
                    self._tell(call, wait)
                try:
                    seconds = min(wait, queued.longest) / SECOND if is_first else None
                    wait_for(signal, self._clock, seconds, call.cancel)
                finally:
                    waited += self._now() - now
        finally:
            queued.leave()
            if waited and self._on_wait is not None:
                name = call.operation.id if call.operation else f"{call.name.partition(' ')[0]} other"
                self._on_wait(name, waited / SECOND)

    def _tell(self, call: Call, wait: int) -> None:
        group = self._group(call.operation)
        quotas = [self._quotas[name] for name in dict.fromkeys((group, OVERALL)) if name in self._quotas]
        said = " and ".join(f"{requests} per {seconds:g} s" for requests, seconds in quotas)
        _logger.info("waits %.0f s for the limit of %s (%s)", wait / SECOND, call.name, said)

    def sent(self, slot: Slot | SharedSlot, at: float) -> None:
        """Note the monotonic second at which a request began to be written, which may be long after it was admitted."""
        time = micro(at)
        if time - slot.time <= self._late:
            return
        if isinstance(slot, Slot):
            self._windows.move(slot, time)
        elif self._shared is not None:
            io.start(self._move, self._shared, slot, time)

    def _move(self, shared: SharedWindows, slot: SharedSlot, time: int) -> None:
        io.run_blocking(shared.move, slot, time, self._clock)

    def refused(self, call: Call, seconds: float | None) -> None:
        """Close the group of a request that the service has refused, for as long as it said or a second."""
        period = micro(UNSAID_CLOSURE if seconds is None else min(seconds, LONGEST_CLOSURE))
        window = self._windows_of[self._group(call.operation)][0]
        if self._shared is None:
            now = self._now()
            self._windows.close(window, now + period, now)
        else:
            io.run_blocking(self._shared.close_for, window.limit, period, self._clock)

    def spare(self, operation: Operation[Any] | None) -> float:
        """Return which part of the limits of an operation is left, as far as known without asking a shared store."""
        windows = self._windows_of[self._group(operation)]
        if self._shared is None:
            return self._windows.spare(windows, self._now())
        return min(self._shared.share.spare(window.limit, self._now()) for window in windows)

    def status(self) -> RateLimitStatus:
        """Return what is left of each limit."""
        limits = list(self._limits.values())
        if self._shared is None:
            usages = self._windows.usage(self._windows.windows(limits), self._now())
        else:
            usages = io.run_blocking(self._shared.usage, limits, self._clock)
        return status_of(dict(zip(self._limits, usages, strict=True)))

    def get_current_usage(self) -> dict[str, Any]:
        """Return current_requests, max_requests, period_seconds and usage_percentage of the tightest group."""
        status = self.status()
        used = status.limit - status.remaining
        tightest = next(name for name, group in status.groups.items() if group.items() <= status.items())
        return {
            "current_requests": used,
            "max_requests": status.limit,
            "period_seconds": self._quotas[tightest][1],
            "usage_percentage": used / status.limit * 100,
        }

    def close(self) -> None:
        """Close the connections to a shared store, which other clients open again; what went is still known."""
        if self._shared is not None:
            io.run_blocking(self._shared.store.close)

    def _group(self, operation: Operation[Any] | None) -> str:
        return STANDARD if operation is None else self._group_of.get(operation.id, STANDARD)

    def _now(self) -> int:
        return round(self._clock.monotonic() * SECOND)


class _Request:
    """A request in a queue of this process."""

    longest = micro(LONGEST_CLOSURE)

    def __init__(self, windows: Windows, own: tuple[Window, ...], deadline: int | None) -> None:
        self._windows = windows
        self._request = windows.join(own, deadline)
        self._is_taken = False

    @property
    def slot(self) -> Slot | None:
        self._is_taken = self._request.slot is not None
        return self._request.slot

    def poll(self, signal: io.Waiter, clock: Clock) -> tuple[int, bool]:
        return self._windows.poll(self._request, signal, micro(clock.monotonic()))

    def leave(self) -> None:
        if not self._is_taken:
            self._windows.leave(self._request)


class _SharedRequest:
    """A request in a queue of this process for a shared limit."""

    def __init__(self, shared: SharedWindows, limits: tuple[Limit, ...], deadline: int | None) -> None:
        self._shared = shared
        self._limits = limits
        self._queue = shared.share.queue(limits[0])
        self._entry = self._queue.join(deadline)
        self.slot: SharedSlot | None = None

    @property
    def longest(self) -> int:
        return RETRY_PERIOD if self._shared.share.is_away else PULSE_PERIOD

    def poll(self, signal: io.Waiter, clock: Clock) -> tuple[int, bool]:
        wait, is_first = self._queue.poll(self._entry, signal, micro(clock.monotonic()))
        if is_first:
            outcome = io.run_blocking(self._shared.attempt, self._entry, self._limits, clock)
            if not isinstance(outcome, int):
                self.slot = outcome
                return 0, True
            wait = outcome
            self._queue.tell(micro(clock.monotonic()), wait)
        return wait, is_first

    def leave(self) -> None:
        self._entry.is_left = self.slot is None
        self._queue.leave(self._entry)
