"""Messages and responses."""

from codegen_ext.chatserver import AdminResponse as AdminResponse
from codegen_ext.chatserver import AuditLogEntry as AuditLogEntry
from codegen_ext.chatserver import AuditLogResponse as AuditLogResponse
from codegen_ext.chatserver import ChatCompletionChoice as ChatCompletionChoice
from codegen_ext.chatserver import ChatCompletionChunk as ChatCompletionChunk
from codegen_ext.chatserver import ChatCompletionMessage as ChatCompletionMessage
from codegen_ext.chatserver import ChatCompletionRequest as ChatCompletionRequest
from codegen_ext.chatserver import ChatCompletionResponse as ChatCompletionResponse
from codegen_ext.chatserver import ChatMessageRecord as ChatMessageRecord
from codegen_ext.chatserver import ChatSessionDetailResponse as ChatSessionDetailResponse
from codegen_ext.chatserver import ChatSessionListResponse as ChatSessionListResponse
from codegen_ext.chatserver import ChatSessionSummary as ChatSessionSummary
from codegen_ext.chatserver import Message as Message
from codegen_ext.chatserver import MessageRole as MessageRole
from codegen_ext.chatserver import ModelInfo as ModelInfo
from codegen_ext.chatserver import ModelsResponse as ModelsResponse
from codegen_ext.chatserver import PlatformAdmin as PlatformAdmin
from codegen_ext.chatserver import PlatformStats as PlatformStats
from codegen_ext.chatserver import UsageInfo as UsageInfo
