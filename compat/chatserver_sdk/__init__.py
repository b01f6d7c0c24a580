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

_NAMES = {
    "AdminResponse": "codegen_ext.chatserver",
    "AsyncChatServerClient": "codegen_ext.chatserver",
    "AsyncChatSession": "codegen_ext.chatserver",
    "AsyncChatStream": "codegen_ext.chatserver",
    "AuditLogEntry": "codegen_ext.chatserver",
    "AuditLogResponse": "codegen_ext.chatserver",
    "BadRequestError": "codegen_ext.chatserver",
    "ChatCompletionChoice": "codegen_ext.chatserver",
    "ChatCompletionChunk": "codegen_ext.chatserver",
    "ChatCompletionMessage": "codegen_ext.chatserver",
    "ChatCompletionRequest": "codegen_ext.chatserver",
    "ChatCompletionResponse": "codegen_ext.chatserver",
    "ChatMessageRecord": "codegen_ext.chatserver",
    "ChatServerClient": "codegen_ext.chatserver",
    "ChatServerError": "codegen_ext.chatserver",
    "ChatSession": "codegen_ext.chatserver",
    "ChatSessionDetailResponse": "codegen_ext.chatserver",
    "ChatSessionListResponse": "codegen_ext.chatserver",
    "ChatSessionSummary": "codegen_ext.chatserver",
    "ChatStream": "codegen_ext.chatserver",
    "ConnectionError": "codegen_ext.chatserver",
    "ForbiddenError": "codegen_ext.chatserver",
    "InternalServerError": "codegen_ext.chatserver",
    "InvalidResponseError": "codegen_ext.chatserver",
    "Message": "codegen_ext.chatserver",
    "MessageRole": "codegen_ext.chatserver",
    "ModelInfo": "codegen_ext.chatserver",
    "ModelsResponse": "codegen_ext.chatserver",
    "NotFoundError": "codegen_ext.chatserver",
    "PlatformAdmin": "codegen_ext.chatserver",
    "PlatformStats": "codegen_ext.chatserver",
    "RateLimitError": "codegen_ext.chatserver",
    "StreamInterruptedError": "codegen_ext.chatserver",
    "TimeoutError": "codegen_ext.chatserver",
    "UnauthorizedError": "codegen_ext.chatserver",
    "UsageInfo": "codegen_ext.chatserver",
    "create_client": "codegen_ext.chatserver",
}

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = moved(__name__, _NAMES)
