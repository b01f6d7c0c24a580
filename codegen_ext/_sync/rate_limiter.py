# Generated from codegen_ext/_async/rate_limiter.py by make generate; edit there.
"""Have each request wait for its slot within the rate limits of its operation."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from codegen_api.operations import OPERATIONS

from .._io import synchronous as io
from .._response import LimitExceeded
from ..clock import Clock
from ..fingerprint import fingerprint
from ..rate_limits.registry import shared_windows_of, windows_of
from ..rate_limits.status import RateLimitStatus, current_usage, status_of
from ..rate_limits.window import SECOND, Limit, Slot, Windows, micro
from .locks import wait_for

if TYPE_CHECKING:
    from codegen_api.operations import Operation

    from .._request import Call
    from ..config import ClientConfig

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

T = TypeVar("T")
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
        self._windows = _open(config, scope, clock)
        cap = [OVERALL] if OVERALL in quotas else []
        self._windows_of = {
            group: self._windows.windows(self._limits[name] for name in (group, *cap)) for group in quotas
        }

    @property
    def is_shared(self) -> bool:
        """Whether each request has to ask a store."""
        return self._windows.is_shared

    def try_acquire(self, call: Call) -> Slot | None:
        """Return the slot of a request that may go at once, None for one that has to wait or to ask a store."""
        return self._windows.take(self._windows_of[self._group(call.operation)])

    def acquire(self, call: Call) -> Slot:
        """Wait until a request may go, and return its slot.

        Raises:
            LimitExceeded: at once when that is after the call's deadline.
            Cancelled: when the call's cancel event is set.

        """
        at = call.deadline.at
        deadline = None if at == float("inf") else micro(at - REQUEST_SECONDS)
        request = self._windows.join(self._windows_of[self._group(call.operation)], deadline)
        waited, is_told = 0, False
        try:
            while True:
                signal = io.Waiter()
                wait, is_first = self._windows.poll(request, signal)
                if is_first:
                    wait = self._do(self._windows.attempt, request)
                if request.slot is not None:
                    return request.slot
                now = self._windows.now()
                if deadline is not None and now + wait > deadline:
                    raise LimitExceeded(wait / SECOND)
                if wait >= SECOND and not is_told:
                    is_told = True
                    self._tell(call, wait)
                try:
                    seconds = min(wait, self._windows.longest_sleep) / SECOND if is_first else None
                    wait_for(signal, self._clock, seconds, call.cancel)
                finally:
                    waited += self._windows.now() - now
        except BaseException:
            self._windows.leave(request)
            raise
        finally:
            if waited and self._on_wait is not None:
                name = call.operation.id if call.operation else f"{call.name.partition(' ')[0]} other"
                self._on_wait(name, waited / SECOND)

    def _tell(self, call: Call, wait: int) -> None:
        group = self._group(call.operation)
        quotas = [self._quotas[name] for name in dict.fromkeys((group, OVERALL)) if name in self._quotas]
        said = " and ".join(f"{requests} per {seconds:g} s" for requests, seconds in quotas)
        _logger.info("waits %.0f s for the limit of %s (%s)", wait / SECOND, call.name, said)

    def sent(self, slot: Slot, at: float) -> None:
        """Note the monotonic second at which a request began to be written, which may be long after it was admitted."""
        time = micro(at)
        if time - slot.time <= self._late:
            return
        if self._windows.is_shared:
            io.start(self._do, self._windows.move, slot, time)
        else:
            self._windows.move(slot, time)

    def refused(self, call: Call, seconds: float | None) -> None:
        """Close the group of a request that the service has refused, for as long as it said or a second."""
        period = micro(UNSAID_CLOSURE if seconds is None else min(seconds, LONGEST_CLOSURE))
        self._do(self._windows.close, self._windows_of[self._group(call.operation)][0], period)

    def spare(self, operation: Operation[Any] | None) -> float:
        """Return which part of the limits of an operation is left, as far as known without asking a shared store."""
        return self._windows.spare(self._windows_of[self._group(operation)])

    def status(self) -> RateLimitStatus:
        """Return what is left of each limit."""
        usages = self._do(self._windows.usage, self._windows.windows(self._limits.values()))
        return status_of(dict(zip(self._limits, usages, strict=True)))

    def get_current_usage(self) -> dict[str, Any]:
        """Return current_requests, max_requests, period_seconds and usage_percentage of the tightest group."""
        status = self.status()
        tightest = next(name for name, group in status.groups.items() if group.items() <= status.items())
        return current_usage(status.remaining, status.limit, self._quotas[tightest][1])

    def close(self) -> None:
        """Close the connections to a shared store, which other clients open again; what went is still known."""
        self._do(self._windows.disconnect)

    def _do(self, function: Callable[..., T], *args: Any) -> T:
        return io.run_blocking(function, *args) if self._windows.is_shared else function(*args)

    def _group(self, operation: Operation[Any] | None) -> str:
        return STANDARD if operation is None else self._group_of.get(operation.id, STANDARD)


def _open(config: ClientConfig, scope: str, clock: Clock) -> Windows:
    if not config.rate_limits:
        return Windows(clock)  # in which nothing is recorded
    if config.shared_state is None:
        return windows_of(scope, clock, config.transport)
    return shared_windows_of(config.shared_state, scope, clock, config.shared_peers)
