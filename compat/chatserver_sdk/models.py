from codegen_ext.chatserver import (
    AdminResponse, AuditLogEntry, AuditLogResponse, ChatCompletionChoice, ChatCompletionChunk,
    ChatCompletionMessage, ChatCompletionRequest, ChatCompletionResponse, ChatMessageRecord,
    ChatSessionDetailResponse, ChatSessionListResponse, ChatSessionSummary, Message, MessageRole, ModelInfo,
    ModelsResponse, PlatformAdmin, PlatformStats, UsageInfo,
)

__all__ = [
    "AdminResponse", "AuditLogEntry", "AuditLogResponse", "ChatCompletionChoice", "ChatCompletionChunk",
    "ChatCompletionMessage", "ChatCompletionRequest", "ChatCompletionResponse", "ChatMessageRecord",
    "ChatSessionDetailResponse", "ChatSessionListResponse", "ChatSessionSummary", "Message", "MessageRole",
    "ModelInfo", "ModelsResponse", "PlatformAdmin", "PlatformStats", "UsageInfo",
]
