"""What a health monitor knows."""

from __future__ import annotations

from typing import Any, NamedTuple


class HealthStatus(NamedTuple):
    """State of a monitor: `healthy` is None until it has decided; `last` is the last check, as of `health_check`."""

    healthy: bool | None = None
    checks: int = 0
    consecutive_failures: int = 0
    last: dict[str, Any] | None = None
    running: bool = False

    @property
    def status(self) -> str:
        """The state as a word: healthy, unhealthy or unknown."""
        return "unknown" if self.healthy is None else "healthy" if self.healthy else "unhealthy"
