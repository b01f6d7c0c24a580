"""Clients of a ChatServer, what they take and return, and their errors; imported when first used."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codegen_api.models import AdminResponse as AdminResponse
    from codegen_api.models import AuditLogEntry as AuditLogEntry
    from codegen_api.models import AuditLogResponse as AuditLogResponse
    from codegen_api.models import ChatCompletionChoice as ChatCompletionChoice
    from codegen_api.models import ChatCompletionChunk as ChatCompletionChunk
    from codegen_api.models import ChatCompletionMessage as ChatCompletionMessage
    from codegen_api.models import ChatCompletionRequest as ChatCompletionRequest
    from codegen_api.models import ChatCompletionResponse as ChatCompletionResponse
    from codegen_api.models import ChatMessageRecord as ChatMessageRecord
    from codegen_api.models import ChatSessionDetailResponse as ChatSessionDetailResponse
    from codegen_api.models import ChatSessionListResponse as ChatSessionListResponse
    from codegen_api.models import ChatSessionSummary as ChatSessionSummary
    from codegen_api.models import ModelInfo as ModelInfo
    from codegen_api.models import ModelsResponse as ModelsResponse
    from codegen_api.models import PlatformAdmin as PlatformAdmin
    from codegen_api.models import PlatformStats as PlatformStats
    from codegen_api.models import UsageInfo as UsageInfo

    from ._async.client import AsyncChatServerClient as AsyncChatServerClient
    from ._async.session import AsyncChatSession as AsyncChatSession
    from ._async.stream import AsyncChatStream as AsyncChatStream
    from ._sync.client import ChatServerClient as ChatServerClient
    from ._sync.session import ChatSession as ChatSession
    from ._sync.stream import ChatStream as ChatStream
    from .errors import BadRequestError as BadRequestError
    from .errors import ChatServerError as ChatServerError
    from .errors import ConnectionError as ConnectionError
    from .errors import ForbiddenError as ForbiddenError
    from .errors import InternalServerError as InternalServerError
    from .errors import InvalidResponseError as InvalidResponseError
    from .errors import NotFoundError as NotFoundError
    from .errors import RateLimitError as RateLimitError
    from .errors import StreamInterruptedError as StreamInterruptedError
    from .errors import TimeoutError as TimeoutError
    from .errors import UnauthorizedError as UnauthorizedError
    from .messages import Message as Message
    from .messages import MessageRole as MessageRole

_NAMES = {
    "codegen_api.models": (
        "AdminResponse AuditLogEntry AuditLogResponse ChatCompletionChoice ChatCompletionChunk ChatCompletionMessage "
        "ChatCompletionRequest ChatCompletionResponse ChatMessageRecord ChatSessionDetailResponse "
        "ChatSessionListResponse ChatSessionSummary ModelInfo ModelsResponse PlatformAdmin PlatformStats UsageInfo"
    ),
    "._async.client": "AsyncChatServerClient",
    "._async.session": "AsyncChatSession",
    "._async.stream": "AsyncChatStream",
    "._sync.client": "ChatServerClient",
    "._sync.session": "ChatSession",
    "._sync.stream": "ChatStream",
    ".errors": (
        "BadRequestError ChatServerError ConnectionError ForbiddenError InternalServerError InvalidResponseError "
        "NotFoundError RateLimitError StreamInterruptedError TimeoutError UnauthorizedError"
    ),
    ".messages": "Message MessageRole",
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = sorted([*_MODULES, "create_client"])  # noqa: PLE0605 - computed, so that a name is written once less


def create_client(*args: Any, **settings: Any) -> "ChatServerClient":
    """Build a `ChatServerClient`; takes the same arguments."""
    from ._sync.client import ChatServerClient

    return ChatServerClient(*args, **settings)


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
