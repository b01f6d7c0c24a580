"""The older name of `codegen_ext` and `codegen_ext.testing`."""

from codegen_ext.oldnames import warn_of_old_name as _warn

_warn("backend.api", "codegen_ext")

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

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
from codegen_ext import WebhookHandler as WebhookHandler
from codegen_ext import retry_on_error as retry_on_error
from codegen_ext.testing import AsyncMockCodegenClient as AsyncMockCodegenClient
from codegen_ext.testing import MockCodegenClient as MockCodegenClient

if _TYPE_CHECKING:
    from codegen_ext import get_async_codegen_client as get_async_codegen_client
    from codegen_ext import get_codegen_client as get_codegen_client


def __getattr__(name: str) -> _Any:
    if name in ("get_async_codegen_client", "get_codegen_client"):  # these need FastAPI
        import codegen_ext

        return getattr(codegen_ext, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
