"""Sandbox, mock clients, scripts, faults and a fake clock for tests."""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .case import CodegenTestCase as CodegenTestCase
    from .clock import FakeClock as FakeClock
    from .mock import AsyncMockCodegenClient as AsyncMockCodegenClient
    from .mock import MockCall as MockCall
    from .mock import MockCodegenClient as MockCodegenClient
    from .mock_chatserver import AsyncMockChatServerClient as AsyncMockChatServerClient
    from .mock_chatserver import MockChatServerClient as MockChatServerClient
    from .mock_codex import AsyncMockCodexClient as AsyncMockCodexClient
    from .mock_codex import CodexCall as CodexCall
    from .mock_codex import MockCodexClient as MockCodexClient
    from .sandbox import Fault as Fault
    from .sandbox import Sandbox as Sandbox
    from .sandbox import Script as Script
    from .webhooks import webhook_call as webhook_call

_NAMES = {
    ".case": "CodegenTestCase",
    ".clock": "FakeClock",
    ".mock": "AsyncMockCodegenClient MockCall MockCodegenClient",
    ".mock_chatserver": "AsyncMockChatServerClient MockChatServerClient",
    ".mock_codex": "AsyncMockCodexClient CodexCall MockCodexClient",
    ".sandbox": "Fault Sandbox Script",
    ".webhooks": "webhook_call",
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names.split()}

# Without its extra a name is left out, so that `import *` works.
__all__ = sorted(name for name, module in _MODULES.items() if module != ".mock_codex" or find_spec("openai"))  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_MODULES[name], __name__), name)
    return value


def __dir__() -> list[str]:
    return __all__
