"""The part of the async client that asks whether the service works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import flow
from .async_base import AsyncClient
from .checks import Checks

if TYPE_CHECKING:
    from .health import AsyncHealthMonitor


class AsyncCheckedClient(Checks, AsyncClient):
    """`CheckedClient` for asyncio."""

    async def health_check(self) -> dict[str, Any]:
        """Ask the service a cheap question; as `CodegenClient.health_check`."""
        from . import health

        return await flow.run_async(health.check(self._clock), self._perform_effect, self._clock)

    def create_health_monitor(self, interval: float = 30, *, failure_threshold: int = 1) -> AsyncHealthMonitor:
        """Return a monitor as `CodegenClient.create_health_monitor` does, that runs in an asyncio task."""
        from .health import AsyncHealthMonitor

        return AsyncHealthMonitor(self, interval, failure_threshold)

    async def close(self) -> None:
        """Stop the monitors and close the connections; a client made by `with_options` leaves both alone."""
        if self._owns_http:
            for monitor in list(self._monitors):
                await monitor.stop()
        await super().close()
