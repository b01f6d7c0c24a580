"""The old name of `codegen_ext.chatserver`; written by tools/compat.py."""

from typing import TYPE_CHECKING

from codegen_ext.oldnames import moved

if TYPE_CHECKING:
    from codegen_ext.chatserver import AdminResponse as AdminResponse
    from codegen_ext.chatserver import AsyncChatServerClient as AsyncChatServerClient
    from codegen_ext.chatserver import AsyncChatSession as AsyncChatSession
    from codegen_ext.chatserver import AsyncChatStream as AsyncChatStream
    from codegen_ext.chatserver import AuditLogEntry as AuditLogEntry
    from codegen_ext.chatserver import AuditLogResponse as AuditLogResponse
    from codegen_ext.chatserver import BadRequestError as BadRequestError
    from codegen_ext.chatserver import ChatCompletionChoice as ChatCompletionChoice
    from codegen_ext.chatserver import ChatCompletionChunk as ChatCompletionChunk
    from codegen_ext.chatserver import ChatCompletionMessage as ChatCompletionMessage
    from codegen_ext.chatserver import ChatCompletionRequest as ChatCompletionRequest
    from codegen_ext.chatserver import ChatCompletionResponse as ChatCompletionResponse
    from codegen_ext.chatserver import ChatMessageRecord as ChatMessageRecord
    from codegen_ext.chatserver import ChatServerClient as ChatServerClient
    from codegen_ext.chatserver import ChatServerError as ChatServerError
    from codegen_ext.chatserver import ChatSession as ChatSession
    from codegen_ext.chatserver import ChatSessionDetailResponse as ChatSessionDetailResponse
    from codegen_ext.chatserver import ChatSessionListResponse as ChatSessionListResponse
    from codegen_ext.chatserver import ChatSessionSummary as ChatSessionSummary
    from codegen_ext.chatserver import ChatStream as ChatStream
    from codegen_ext.chatserver import ConnectionError as ConnectionError
    from codegen_ext.chatserver import ForbiddenError as ForbiddenError
    from codegen_ext.chatserver import InternalServerError as InternalServerError
    from codegen_ext.chatserver import InvalidResponseError as InvalidResponseError
    from codegen_ext.chatserver import Message as Message
    from codegen_ext.chatserver import MessageRole as MessageRole
    from codegen_ext.chatserver import ModelInfo as ModelInfo
    from codegen_ext.chatserver import ModelsResponse as ModelsResponse
    from codegen_ext.chatserver import NotFoundError as NotFoundError
    from codegen_ext.chatserver import PlatformAdmin as PlatformAdmin
    from codegen_ext.chatserver import PlatformStats as PlatformStats
    from codegen_ext.chatserver import RateLimitError as RateLimitError
    from codegen_ext.chatserver import StreamInterruptedError as StreamInterruptedError
    from codegen_ext.chatserver import TimeoutError as TimeoutError
    from codegen_ext.chatserver import UnauthorizedError as UnauthorizedError
    from codegen_ext.chatserver import UsageInfo as UsageInfo
    from codegen_ext.chatserver import create_client as create_client

_HOMES = {
    "codegen_ext.chatserver": """
        AdminResponse AsyncChatServerClient AsyncChatSession AsyncChatStream AuditLogEntry AuditLogResponse
        BadRequestError ChatCompletionChoice ChatCompletionChunk ChatCompletionMessage ChatCompletionRequest
        ChatCompletionResponse ChatMessageRecord ChatServerClient ChatServerError ChatSession ChatSessionDetailResponse
        ChatSessionListResponse ChatSessionSummary ChatStream ConnectionError ForbiddenError InternalServerError
        InvalidResponseError Message MessageRole ModelInfo ModelsResponse NotFoundError PlatformAdmin PlatformStats
        RateLimitError StreamInterruptedError TimeoutError UnauthorizedError UsageInfo create_client
    """,
}

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = moved(__name__, _HOMES)
