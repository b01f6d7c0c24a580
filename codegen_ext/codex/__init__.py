"""OpenAI's chat completions, and threads with tools and files, over the real Codex CLI.

The names are imported when first used, because they need the extra `[codex]` (the `openai` package).
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .async_client import AsyncCodexClient as AsyncCodexClient
    from .async_threads import AsyncCodexThread as AsyncCodexThread
    from .client import CodexClient as CodexClient
    from .conversation import ApprovalRequest as ApprovalRequest
    from .errors import CodexConfigurationError as CodexConfigurationError
    from .errors import CodexError as CodexError
    from .errors import CodexNotFoundError as CodexNotFoundError
    from .thread_flows import ThreadEvent as ThreadEvent
    from .thread_flows import TurnResult as TurnResult
    from .threads import CodexThread as CodexThread

_MODULES = {
    "ApprovalRequest": ".conversation",
    "AsyncCodexClient": ".async_client",
    "AsyncCodexThread": ".async_threads",
    "CodexClient": ".client",
    "CodexConfigurationError": ".errors",
    "CodexError": ".errors",
    "CodexNotFoundError": ".errors",
    "CodexThread": ".threads",
    "ThreadEvent": ".thread_flows",
    "TurnResult": ".thread_flows",
}

__all__ = [*_MODULES]  # noqa: PLE0604 - computed, so that a name is written once less


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        import openai  # noqa: F401 - only whether it is there
    except ImportError as error:
        from ..errors import ConfigurationError

        raise ConfigurationError(f"{name} needs an extra: pip install 'codegen-sdk[codex]'") from error
    value = getattr(import_module(module, __name__), name)
    globals()[name] = value
    return value
