"""The part of the clients that asks whether the service works; monitors and their flow are imported when used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from . import flow
from .base import BaseClient
from .sync_base import SyncClient

if TYPE_CHECKING:
    from .config import ClientConfig
    from .health import HealthMonitor


class Checks(BaseClient):
    """What the sync and the async client share."""

    def __init__(self, config: ClientConfig | None, **options: Any) -> None:
        super().__init__(config, **options)
        self._monitors: WeakSet[Any] = WeakSet()


class CheckedClient(Checks, SyncClient):
    """A client in the calling thread that can tell whether its service works."""

    def health_check(self) -> dict[str, Any]:
        """Ask the service a cheap question; returns status, healthy, timestamp, response_time_seconds and error."""
        from . import health

        return flow.run(health.check(self._clock), self._perform_effect, self._clock)

    def create_health_monitor(self, interval: float = 30, *, failure_threshold: int = 1) -> HealthMonitor:
        """Return a monitor that checks the service every `interval` seconds once it is started, in a daemon thread.

        Closing the client stops it. See docs/health.md.

        Args:
            interval: Seconds from the end of a check to the next; never less than the contract's limit allows.
            failure_threshold: How many checks in a row must fail before the service counts as unhealthy.

        Raises:
            ConfigurationError: when a value is out of range.

        """
        from .health import HealthMonitor

        return HealthMonitor(self, interval, failure_threshold)

    def close(self) -> None:
        """Stop the monitors and close the connections; a client made by `with_options` leaves both alone."""
        if self._owns_http:
            for monitor in list(self._monitors):
                monitor.stop()
        super().close()
