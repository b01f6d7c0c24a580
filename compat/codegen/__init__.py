"""The old name of `codegen_ext`; written by tools/compat.py."""

from typing import TYPE_CHECKING

from codegen_ext.oldnames import moved

if TYPE_CHECKING:
    from codegen_ext import Agent as Agent
    from codegen_ext import AgentRunLogResponse as AgentRunLogResponse
    from codegen_ext import AgentRunResponse as AgentRunResponse
    from codegen_ext import AgentRunStatus as AgentRunStatus
    from codegen_ext import AgentRunWithLogsResponse as AgentRunWithLogsResponse
    from codegen_ext import AgentRunsResponse as AgentRunsResponse
    from codegen_ext import AsyncAgent as AsyncAgent
    from codegen_ext import AsyncCodegenClient as AsyncCodegenClient
    from codegen_ext import AsyncTask as AsyncTask
    from codegen_ext import AuthenticationError as AuthenticationError
    from codegen_ext import BulkOperationError as BulkOperationError
    from codegen_ext import CacheManager as CacheManager
    from codegen_ext import ClientConfig as ClientConfig
    from codegen_ext import CodegenAPIError as CodegenAPIError
    from codegen_ext import CodegenClient as CodegenClient
    from codegen_ext import CodegenConfig as CodegenConfig
    from codegen_ext import ConfigPresets as ConfigPresets
    from codegen_ext import ConfigurationError as ConfigurationError
    from codegen_ext import ConflictError as ConflictError
    from codegen_ext import GithubPullRequestResponse as GithubPullRequestResponse
    from codegen_ext import MessageType as MessageType
    from codegen_ext import MetricsCollector as MetricsCollector
    from codegen_ext import NetworkError as NetworkError
    from codegen_ext import NotFoundError as NotFoundError
    from codegen_ext import OrganizationResponse as OrganizationResponse
    from codegen_ext import OrganizationsResponse as OrganizationsResponse
    from codegen_ext import PaymentRequiredError as PaymentRequiredError
    from codegen_ext import PermissionDeniedError as PermissionDeniedError
    from codegen_ext import RateLimitError as RateLimitError
    from codegen_ext import RateLimiter as RateLimiter
    from codegen_ext import RepoResponse as RepoResponse
    from codegen_ext import RepositoriesResponse as RepositoriesResponse
    from codegen_ext import ServerError as ServerError
    from codegen_ext import SourceType as SourceType
    from codegen_ext import Task as Task
    from codegen_ext import TaskError as TaskError
    from codegen_ext import TimeoutError as TimeoutError
    from codegen_ext import UserResponse as UserResponse
    from codegen_ext import UsersResponse as UsersResponse
    from codegen_ext import ValidationError as ValidationError
    from codegen_ext import WebhookError as WebhookError

_HOMES = {
    "codegen_ext": """
        Agent AgentRunLogResponse AgentRunResponse AgentRunStatus AgentRunWithLogsResponse AgentRunsResponse AsyncAgent
        AsyncCodegenClient AsyncTask AuthenticationError BulkOperationError CacheManager ClientConfig CodegenAPIError
        CodegenClient CodegenConfig ConfigPresets ConfigurationError ConflictError GithubPullRequestResponse MessageType
        MetricsCollector NetworkError NotFoundError OrganizationResponse OrganizationsResponse PaymentRequiredError
        PermissionDeniedError RateLimitError RateLimiter RepoResponse RepositoriesResponse ServerError SourceType Task
        TaskError TimeoutError UserResponse UsersResponse ValidationError WebhookError
    """,
}

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = moved(__name__, _HOMES)
