"""One protocol over Codegen, OpenAI, Codex, ChatServer and registered providers.

Read `base.py`, `_async/base.py` and `_async/service.py`, then a provider such as `_async/chatserver.py`, and
`_async/fallback.py`.
"""

from ._async.base import AsyncAIProvider, AsyncTextStream
from ._async.codebase import AsyncCodebase
from ._async.factory import create_async_ai_provider, get_async_ai_client
from ._async.fallback import AsyncFallbackProvider
from ._sync.base import AIProvider, TextStream
from ._sync.codebase import Codebase
from ._sync.factory import create_ai_provider, get_ai_client
from ._sync.fallback import FallbackProvider
from .base import AIResponse
from .breaker import CircuitBreaker
from .errors import (
    AIProviderError,
    ProviderAuthenticationError,
    ProviderRateLimitError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from .registry import register_provider, unregister_provider
from .status import (
    detect_available_credentials,
    get_available_providers,
    get_provider_comparison,
    get_provider_status,
    get_recommended_provider,
    validate_provider_credentials,
)
from .usage import Price

__all__ = [
    "AIProvider",
    "AIProviderError",
    "AIResponse",
    "AsyncAIProvider",
    "AsyncCodebase",
    "AsyncFallbackProvider",
    "AsyncTextStream",
    "CircuitBreaker",
    "Codebase",
    "FallbackProvider",
    "Price",
    "ProviderAuthenticationError",
    "ProviderRateLimitError",
    "ProviderTimeoutError",
    "ProviderUnavailableError",
    "TextStream",
    "create_ai_provider",
    "create_async_ai_provider",
    "detect_available_credentials",
    "get_ai_client",
    "get_async_ai_client",
    "get_available_providers",
    "get_provider_comparison",
    "get_provider_status",
    "get_recommended_provider",
    "register_provider",
    "unregister_provider",
    "validate_provider_credentials",
]
