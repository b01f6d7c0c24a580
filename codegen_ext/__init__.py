"""Run coding agents from Python: agents and tasks, clients of the Codegen API and of a ChatServer.

The names are imported when first used, so that `import codegen_ext` costs little.
"""

from typing import TYPE_CHECKING, Any

from ._version import __version__ as __version__

if TYPE_CHECKING:
    from codegen_api.enums import AgentRunStatus as AgentRunStatus
    from codegen_api.enums import MessageType as MessageType
    from codegen_api.models import AgentRunLogResponse as AgentRunLogResponse
    from codegen_api.models import AgentRunResponse as AgentRunResponse
    from codegen_api.models import AgentRunsResponse as AgentRunsResponse
    from codegen_api.models import AgentRunWithLogsResponse as AgentRunWithLogsResponse
    from codegen_api.models import GithubPullRequestResponse as GithubPullRequestResponse
    from codegen_api.models import OrganizationResponse as OrganizationResponse
    from codegen_api.models import OrganizationsResponse as OrganizationsResponse
    from codegen_api.models import RepoResponse as RepoResponse
    from codegen_api.models import RepositoriesResponse as RepositoriesResponse
    from codegen_api.models import SourceType as SourceType
    from codegen_api.models import UserResponse as UserResponse
    from codegen_api.models import UsersResponse as UsersResponse

    from ._async.agent import AsyncAgent as AsyncAgent
    from ._async.client import AsyncCodegenClient as AsyncCodegenClient
    from ._async.task import AsyncTask as AsyncTask
    from ._sync.agent import Agent as Agent
    from ._sync.client import CodegenClient as CodegenClient
    from ._sync.task import Task as Task
    from .bulk_journal import BulkJob as BulkJob
    from .bulk_results import BulkInterrupted as BulkInterrupted
    from .bulk_results import BulkResult as BulkResult
    from .cache import CacheManager as CacheManager
    from .chatserver._async.client import AsyncChatServerClient as AsyncChatServerClient
    from .chatserver._sync.client import ChatServerClient as ChatServerClient
    from .codex._async.client import AsyncCodexClient as AsyncCodexClient
    from .codex._sync.client import CodexClient as CodexClient
    from .config import ClientConfig as ClientConfig
    from .config import CodegenConfig as CodegenConfig
    from .errors import AmbiguousRequestError as AmbiguousRequestError
    from .errors import AuthenticationError as AuthenticationError
    from .errors import BulkOperationError as BulkOperationError
    from .errors import ClientClosedError as ClientClosedError
    from .errors import CodegenAPIError as CodegenAPIError
    from .errors import ConfigurationError as ConfigurationError
    from .errors import ConflictError as ConflictError
    from .errors import InvalidResponseError as InvalidResponseError
    from .errors import MissingExtraError as MissingExtraError
    from .errors import NetworkError as NetworkError
    from .errors import NotFoundError as NotFoundError
    from .errors import PaymentRequiredError as PaymentRequiredError
    from .errors import PermissionDeniedError as PermissionDeniedError
    from .errors import RateLimitError as RateLimitError
    from .errors import ServerError as ServerError
    from .errors import TaskError as TaskError
    from .errors import TimeoutError as TimeoutError
    from .errors import ValidationError as ValidationError
    from .errors import WaitTimeoutError as WaitTimeoutError
    from .errors import WebhookError as WebhookError
    from .health_status import HealthStatus as HealthStatus
    from .integrations.fastapi import get_async_codegen_client as get_async_codegen_client
    from .integrations.fastapi import get_codegen_client as get_codegen_client
    from .metrics import MetricsCollector as MetricsCollector
    from .presets import ConfigPresets as ConfigPresets
    from .rate_limits.simple import RateLimiter as RateLimiter
    from .retry import retry_on_error as retry_on_error
    from .webhooks import WebhookEvent as WebhookEvent
    from .webhooks import WebhookHandler as WebhookHandler
    from .webhooks import WebhookResult as WebhookResult

_NAMES = {
    "codegen_api.enums": "AgentRunStatus MessageType",
    "codegen_api.models": (
        "AgentRunLogResponse AgentRunResponse AgentRunWithLogsResponse AgentRunsResponse GithubPullRequestResponse "
        "OrganizationResponse OrganizationsResponse RepoResponse RepositoriesResponse SourceType UserResponse "
        "UsersResponse"
    ),
    "._sync.agent": "Agent",
    "._async.agent": "AsyncAgent",
    "._async.task": "AsyncTask",
    "._sync.task": "Task",
    "._async.client": "AsyncCodegenClient",
    ".bulk_journal": "BulkJob",
    ".bulk_results": "BulkInterrupted BulkResult",
    ".cache": "CacheManager",
    ".chatserver._async.client": "AsyncChatServerClient",
    ".chatserver._sync.client": "ChatServerClient",
    "._sync.client": "CodegenClient",
    ".config": "ClientConfig CodegenConfig",
    ".errors": (
        "AmbiguousRequestError AuthenticationError BulkOperationError ClientClosedError CodegenAPIError "
        "ConfigurationError ConflictError InvalidResponseError MissingExtraError NetworkError NotFoundError "
        "PaymentRequiredError "
        "PermissionDeniedError RateLimitError ServerError TaskError TimeoutError ValidationError WaitTimeoutError "
        "WebhookError"
    ),
    ".health_status": "HealthStatus",
    ".rate_limits.simple": "RateLimiter",
    ".presets": "ConfigPresets",
    ".retry": "retry_on_error",
    ".metrics": "MetricsCollector",
    ".webhooks": "WebhookEvent WebhookHandler WebhookResult",
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names.split()}
_CODEX = ("AsyncCodexClient", "CodexClient")
# Those of a web framework are never among the public names, because `import *` would import it.
_OPTIONAL = {
    **dict.fromkeys(_CODEX, ".codex"),
    **dict.fromkeys(("get_async_codegen_client", "get_codegen_client"), ".integrations.fastapi"),
}


def _public() -> list[str]:
    """Return the public names; without its extra a name is left out, so that `import *` and `help()` work."""
    from importlib.util import find_spec

    try:
        codex = _CODEX if find_spec("openai") else ()
    except (ImportError, ValueError):
        codex = ()
    return ["__version__", *sorted([*_MODULES, *codex])]


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return _public()
    module = _MODULES.get(name) or _OPTIONAL.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(module, __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return _public()
