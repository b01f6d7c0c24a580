"""One protocol over Codegen, OpenAI, Codex, ChatServer and registered providers; imported when first used."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._async.base import AsyncAIProvider as AsyncAIProvider
    from ._async.base import AsyncTextStream as AsyncTextStream
    from ._async.codebase import AsyncCodebase as AsyncCodebase
    from ._async.fallback import AsyncFallbackProvider as AsyncFallbackProvider
    from ._sync.base import AIProvider as AIProvider
    from ._sync.base import TextStream as TextStream
    from ._sync.codebase import Codebase as Codebase
    from ._sync.fallback import FallbackProvider as FallbackProvider
    from .base import AIResponse as AIResponse
    from .breaker import CircuitBreaker as CircuitBreaker
    from .errors import AIProviderError as AIProviderError
    from .errors import ProviderAuthenticationError as ProviderAuthenticationError
    from .errors import ProviderRateLimitError as ProviderRateLimitError
    from .errors import ProviderTimeoutError as ProviderTimeoutError
    from .errors import ProviderUnavailableError as ProviderUnavailableError
    from .factory import create_ai_provider as create_ai_provider
    from .factory import create_async_ai_provider as create_async_ai_provider
    from .factory import get_ai_client as get_ai_client
    from .factory import get_async_ai_client as get_async_ai_client
    from .factory import register_provider as register_provider
    from .factory import unregister_provider as unregister_provider
    from .status import detect_available_credentials as detect_available_credentials
    from .status import get_available_providers as get_available_providers
    from .status import get_provider_comparison as get_provider_comparison
    from .status import get_provider_status as get_provider_status
    from .status import get_recommended_provider as get_recommended_provider
    from .status import validate_provider_credentials as validate_provider_credentials
    from .usage import Price as Price

_NAMES = {
    "._async.base": "AsyncAIProvider AsyncTextStream",
    "._async.codebase": "AsyncCodebase",
    "._async.fallback": "AsyncFallbackProvider",
    "._sync.base": "AIProvider TextStream",
    "._sync.codebase": "Codebase",
    "._sync.fallback": "FallbackProvider",
    ".base": "AIResponse",
    ".breaker": "CircuitBreaker",
    ".errors": (
        "AIProviderError ProviderAuthenticationError "
        "ProviderRateLimitError ProviderTimeoutError ProviderUnavailableError"
    ),
    ".factory": (
        "create_ai_provider create_async_ai_provider get_ai_client "
        "get_async_ai_client register_provider unregister_provider"
    ),
    ".status": (
        "detect_available_credentials get_available_providers get_provider_comparison "
        "get_provider_status get_recommended_provider validate_provider_credentials"
    ),
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
