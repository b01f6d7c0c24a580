"""OpenAI's chat completions over the real Codex CLI.

The names are imported when first used, because they need the extra `[codex]` (the `openai` package).
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._async.client import AsyncCodexClient as AsyncCodexClient
    from ._sync.client import CodexClient as CodexClient
    from .errors import CodexConfigurationError as CodexConfigurationError
    from .errors import CodexError as CodexError
    from .errors import CodexNotFoundError as CodexNotFoundError
    from .session import ApprovalRequest as ApprovalRequest

_MODULES = {
    "ApprovalRequest": ".session",
    "AsyncCodexClient": "._async.client",
    "CodexClient": "._sync.client",
    "CodexConfigurationError": ".errors",
    "CodexError": ".errors",
    "CodexNotFoundError": ".errors",
}

__all__ = [*_MODULES]  # noqa: PLE0604 - computed, so that a name is written once less


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    from ..errors import needs_extra

    with needs_extra("codex", f"{name} of the Codex clients and their mocks"):
        import openai  # noqa: F401 - only whether it is there
    value = getattr(import_module(module, __name__), name)
    globals()[name] = value
    return value
