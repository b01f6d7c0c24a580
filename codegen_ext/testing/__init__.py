"""What tests need: an imitation of the service, a clock that does not wait, and the scripts and faults for both."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .clock import FakeClock
    from .sandbox import Fault, Sandbox, Script
    from .webhooks import webhook_call

_HOMES = {
    "FakeClock": ".clock",
    "Fault": ".sandbox",
    "Sandbox": ".sandbox",
    "Script": ".sandbox",
    "webhook_call": ".webhooks",
}

__all__ = ["FakeClock", "Fault", "Sandbox", "Script", "webhook_call"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name], __name__), name)
    return value


def __dir__() -> list[str]:
    return __all__
