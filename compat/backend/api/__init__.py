"""The older name of `codegen_ext` and `codegen_ext.testing`."""

from codegen_ext.oldnames import warn_of_old_name as _warn

_warn("backend.api", "codegen_ext")

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from codegen_ext import (
    Agent, AgentRunLogResponse, AgentRunResponse, AgentRunStatus, AgentRunWithLogsResponse, AgentRunsResponse,
    AsyncAgent, AsyncCodegenClient, AsyncTask, AuthenticationError, BulkOperationError, CacheManager, ClientConfig,
    CodegenAPIError, CodegenClient, CodegenConfig, ConfigPresets, ConfigurationError, ConflictError,
    GithubPullRequestResponse, MessageType, MetricsCollector, NetworkError, NotFoundError, OrganizationResponse,
    OrganizationsResponse, PaymentRequiredError, PermissionDeniedError, RateLimitError, RateLimiter, RepoResponse,
    RepositoriesResponse, ServerError, SourceType, Task, TaskError, TimeoutError, UserResponse, UsersResponse,
    ValidationError, WebhookError, WebhookHandler, retry_on_error,
)
from codegen_ext.testing import AsyncMockCodegenClient, MockCodegenClient

if _TYPE_CHECKING:
    from codegen_ext import get_async_codegen_client as get_async_codegen_client
    from codegen_ext import get_codegen_client as get_codegen_client

__all__ = [
    "Agent", "AgentRunLogResponse", "AgentRunResponse", "AgentRunStatus", "AgentRunWithLogsResponse",
    "AgentRunsResponse", "AsyncAgent", "AsyncCodegenClient", "AsyncMockCodegenClient", "AsyncTask",
    "AuthenticationError", "BulkOperationError", "CacheManager", "ClientConfig", "CodegenAPIError", "CodegenClient",
    "CodegenConfig", "ConfigPresets", "ConfigurationError", "ConflictError", "GithubPullRequestResponse",
    "MessageType", "MetricsCollector", "MockCodegenClient", "NetworkError", "NotFoundError", "OrganizationResponse",
    "OrganizationsResponse", "PaymentRequiredError", "PermissionDeniedError", "RateLimitError", "RateLimiter",
    "RepoResponse", "RepositoriesResponse", "ServerError", "SourceType", "Task", "TaskError", "TimeoutError",
    "UserResponse", "UsersResponse", "ValidationError", "WebhookError", "WebhookHandler", "retry_on_error",
]


def __getattr__(name: str) -> _Any:
    if name in ("get_async_codegen_client", "get_codegen_client"):  # these need FastAPI
        import codegen_ext

        return getattr(codegen_ext, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
