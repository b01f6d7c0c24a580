"""One protocol over Codegen, OpenAI, Codex, ChatServer and whatever others register; imported when first used."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .breaker import CircuitBreaker as CircuitBreaker
    from .codebase import AsyncCodebase as AsyncCodebase
    from .codebase import Codebase as Codebase
    from .credentials import detect_available_credentials as detect_available_credentials
    from .credentials import get_available_providers as get_available_providers
    from .credentials import get_provider_comparison as get_provider_comparison
    from .credentials import get_provider_status as get_provider_status
    from .credentials import get_recommended_provider as get_recommended_provider
    from .credentials import validate_provider_credentials as validate_provider_credentials
    from .errors import AIProviderError as AIProviderError
    from .errors import ProviderAuthenticationError as ProviderAuthenticationError
    from .errors import ProviderRateLimitError as ProviderRateLimitError
    from .errors import ProviderTimeoutError as ProviderTimeoutError
    from .errors import ProviderUnavailableError as ProviderUnavailableError
    from .factory import create_ai_provider as create_ai_provider
    from .factory import create_async_ai_provider as create_async_ai_provider
    from .factory import get_ai_client as get_ai_client
    from .factory import get_async_ai_client as get_async_ai_client
    from .fallback import AsyncFallbackProvider as AsyncFallbackProvider
    from .fallback import FallbackProvider as FallbackProvider
    from .protocol import AIProvider as AIProvider
    from .protocol import AIResponse as AIResponse
    from .protocol import AsyncAIProvider as AsyncAIProvider
    from .protocol import AsyncTextStream as AsyncTextStream
    from .protocol import TextStream as TextStream
    from .registry import ProviderSpec as ProviderSpec
    from .registry import register_provider as register_provider
    from .registry import unregister_provider as unregister_provider
    from .usage import Price as Price

_NAMES = {
    ".breaker": "CircuitBreaker",
    ".codebase": "AsyncCodebase Codebase",
    ".credentials": (
        "detect_available_credentials get_available_providers get_provider_comparison get_provider_status "
        "get_recommended_provider validate_provider_credentials"
    ),
    ".errors": (
        "AIProviderError ProviderAuthenticationError ProviderRateLimitError ProviderTimeoutError "
        "ProviderUnavailableError"
    ),
    ".factory": "create_ai_provider create_async_ai_provider get_ai_client get_async_ai_client",
    ".fallback": "AsyncFallbackProvider FallbackProvider",
    ".protocol": "AIProvider AIResponse AsyncAIProvider AsyncTextStream TextStream",
    ".registry": "ProviderSpec register_provider unregister_provider",
    ".usage": "Price",
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = sorted(_MODULES)  # noqa: PLE0605 - computed, so that a name is written once less


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(module, __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
