"""What tests need: an imitation of the service, a clock that does not wait, and the scripts and faults for both."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .case import CodegenTestCase
    from .clock import FakeClock
    from .mock import AsyncMockCodegenClient, MockCall, MockCodegenClient
    from .recorder import RecordedRun, Recorder, replay
    from .sandbox import Fault, Sandbox, Script
    from .webhooks import webhook_call

_HOMES = {
    "AsyncMockCodegenClient": ".mock",
    "CodegenTestCase": ".case",
    "FakeClock": ".clock",
    "Fault": ".sandbox",
    "MockCall": ".mock",
    "MockCodegenClient": ".mock",
    "RecordedRun": ".recorder",
    "Recorder": ".recorder",
    "Sandbox": ".sandbox",
    "Script": ".sandbox",
    "replay": ".recorder",
    "webhook_call": ".webhooks",
}

__all__ = [
    "AsyncMockCodegenClient",
    "CodegenTestCase",
    "FakeClock",
    "Fault",
    "MockCall",
    "MockCodegenClient",
    "RecordedRun",
    "Recorder",
    "Sandbox",
    "Script",
    "replay",
    "webhook_call",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name], __name__), name)
    return value


def __dir__() -> list[str]:
    return __all__
