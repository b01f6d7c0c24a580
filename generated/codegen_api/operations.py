"""Every operation of the contract with its policy (the `x-codegen` extensions of openapi.yaml)."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from types import ModuleType

    from .models import (
        AdminResponse,
        AdminsResponse,
        AgentRunResponse,
        AgentRunsResponse,
        AgentRunWithLogsResponse,
        AnalyzeLogsResponse,
        AuditLogResponse,
        ChatCompletionResponse,
        ChatSessionDetailResponse,
        ChatSessionListResponse,
        CheckSuiteSettingsResponse,
        CLIRulesResponse,
        EditPRResponse,
        GenerateTokenResponse,
        ModelsResponse,
        OAuthProviderResponse,
        OrganizationIntegrationsResponse,
        OrganizationsResponse,
        PlatformStats,
        RepositoriesResponse,
        SetupCommandsResponse,
        UserResponse,
        UsersResponse,
    )

T = TypeVar("T")


class RateLimit(NamedTuple):
    """At most `requests` in any `seconds`, counted together for all operations of one `group`."""

    requests: int
    seconds: float
    group: str


class Paging(NamedTuple):
    """How a list is read in parts: the parameters `start` and `size`, and where the answer keeps items and total.

    With style "offset" `start` counts items from 0, with style "page" it counts pages from 1.
    """

    style: str
    start: str
    size: str
    items: str
    total: str


class Argument(NamedTuple):
    """One argument of an operation; `location` is path, query or body, `type` the JSON type in the contract."""

    name: str
    python_name: str
    location: str
    type: str
    required: bool
    minimum: float | None = None
    maximum: float | None = None


class Operation(NamedTuple, Generic[T]):
    """One operation; T is what it returns.

    `cache_seconds` is None where an answer must not be cached, `paging` None where there is one answer,
    `invalidates` names the operations whose cached answers it makes stale. `reconcile` says how an attempt with an
    unknown outcome is decided: "request-id" by looking for the id that it carried, "candidates" by the caller, who is
    told which runs it may have touched.
    """

    id: str
    method: str
    path: str
    tag: str
    service: str
    rate_limit: RateLimit
    idempotent: bool
    arguments: tuple[Argument, ...]
    body: str | None
    module: str
    cache_seconds: float | None = None
    invalidates: tuple[str, ...] = ()
    paging: Paging | None = None
    reconcile: str | None = None

    @property
    def endpoint(self) -> ModuleType:
        """The generated module that builds the request and decodes the answer."""
        return _module(self.module)

    @property
    def body_model(self) -> Any:
        """The class of the request body, None for an operation without one."""
        return None if self.body is None else getattr(_module(".models"), self.body)


@cache  # looking an imported module up takes longer than it seems
def _module(name: str) -> ModuleType:
    return import_module(name, __package__)


GET_USERS: Operation[UsersResponse] = Operation(
    id="get_users",
    method="GET",
    path="/v1/organizations/{org_id}/users",
    tag="users",
    service="codegen",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=True,
    arguments=(
        Argument("org_id", "org_id", "path", "integer", True),
        Argument("skip", "skip", "query", "integer", False, minimum=0),
        Argument("limit", "limit", "query", "integer", False, minimum=1, maximum=100),
    ),
    body=None,
    module=".api.users.get_users",
    cache_seconds=300,
    paging=Paging(style="offset", start="skip", size="limit", items="items", total="total"),
)
GET_USER: Operation[UserResponse] = Operation(
    id="get_user",
    method="GET",
    path="/v1/organizations/{org_id}/users/{user_id}",
    tag="users",
    service="codegen",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=True,
    arguments=(
        Argument("org_id", "org_id", "path", "integer", True),
        Argument("user_id", "user_id", "path", "integer", True),
    ),
    body=None,
    module=".api.users.get_user",
    cache_seconds=300,
)
GET_CURRENT_USER: Operation[UserResponse] = Operation(
    id="get_current_user",
    method="GET",
    path="/v1/users/me",
    tag="users",
    service="codegen",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=True,
    arguments=(),
    body=None,
    module=".api.users.get_current_user",
    cache_seconds=300,
)
CREATE_AGENT_RUN: Operation[AgentRunResponse] = Operation(
    id="create_agent_run",
    method="POST",
    path="/v1/organizations/{org_id}/agent/run",
    tag="agents",
    service="codegen",
    rate_limit=RateLimit(10, 60, "create-agent-run"),
    idempotent=False,
    arguments=(
        Argument("org_id", "org_id", "path", "integer", True),
        Argument("prompt", "prompt", "body", "string", True),
        Argument("images", "images", "body", "array", False),
        Argument("metadata", "metadata", "body", "object", False),
        Argument("repo_id", "repo_id", "body", "integer", False),
        Argument("model", "model", "body", "string", False),
        Argument("agent_type", "agent_type", "body", "object", False),
    ),
    body="CreateAgentRunInput",
    module=".api.agents.create_agent_run",
    reconcile="request-id",
)
GET_AGENT_RUN: Operation[AgentRunResponse] = Operation(
    id="get_agent_run",
    method="GET",
    path="/v1/organizations/{org_id}/agent/run/{agent_run_id}",
    tag="agents",
    service="codegen",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=True,
    arguments=(
        Argument("org_id", "org_id", "path", "integer", True),
        Argument("agent_run_id", "agent_run_id", "path", "integer", True),
    ),
    body=None,
    module=".api.agents.get_agent_run",
)
LIST_AGENT_RUNS: Operation[AgentRunsResponse] = Operation(
    id="list_agent_runs",
    method="GET",
    path="/v1/organizations/{org_id}/agent/runs",
    tag="agents",
    service="codegen",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=True,
    arguments=(
        Argument("org_id", "org_id", "path", "integer", True),
        Argument("user_id", "user_id", "query", "integer", False),
        Argument("source_type", "source_type", "query", "object", False),
        Argument("skip", "skip", "query", "integer", False, minimum=0),
        Argument("limit", "limit", "query", "integer", False, minimum=1, maximum=100),
    ),
    body=None,
    module=".api.agents.list_agent_runs",
    paging=Paging(style="offset", start="skip", size="limit", items="items", total="total"),
)
RESUME_AGENT_RUN: Operation[AgentRunResponse] = Operation(
    id="resume_agent_run",
    method="POST",
    path="/v1/organizations/{org_id}/agent/run/resume",
    tag="agents",
    service="codegen",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=False,
    arguments=(
        Argument("org_id", "org_id", "path", "integer", True),
        Argument("agent_run_id", "agent_run_id", "body", "integer", True),
        Argument("prompt", "prompt", "body", "string", True),
        Argument("images", "images", "body", "array", False),
    ),
    body="ResumeAgentRunInput",
    module=".api.agents.resume_agent_run",
    reconcile="candidates",
)
BAN_AGENT_RUN: Operation[Any] = Operation(
    id="ban_agent_run",
    method="POST",
    path="/v1/organizations/{org_id}/agent/run/ban",
    tag="agents",
    service="codegen",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=True,
    arguments=(
        Argument("org_id", "org_id", "path", "integer", True),
        Argument("agent_run_id", "agent_run_id", "body", "integer", True),
        Argument("before_card_order_id", "before_card_order_id", "body", "string", False),
        Argument("after_card_order_id", "after_card_order_id", "body", "string", False),
    ),
    body="StopAgentRunInput",
    module=".api.agents.ban_agent_run",
)
UNBAN_AGENT_RUN: Operation[Any] = Operation(
    id="unban_agent_run",
    method="POST",
    path="/v1/organizations/{org_id}/agent/run/unban",
    tag="agents",
    service="codegen",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=True,
    arguments=(
        Argument("org_id", "org_id", "path", "integer", True),
        Argument("agent_run_id", "agent_run_id", "body", "integer", True),
        Argument("before_card_order_id", "before_card_order_id", "body", "string", False),
        Argument("after_card_order_id", "after_card_order_id", "body", "string", False),
    ),
    body="StopAgentRunInput",
    module=".api.agents.unban_agent_run",
)
REMOVE_CODEGEN_FROM_PR: Operation[Any] = Operation(
    id="remove_codegen_from_pr",
    method="POST",
    path="/v1/organizations/{org_id}/agent/run/remove-from-pr",
    tag="agents",
    service="codegen",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=True,
    arguments=(
        Argument("org_id", "org_id", "path", "integer", True),
        Argument("agent_run_id", "agent_run_id", "body", "integer", True),
        Argument("before_card_order_id", "before_card_order_id", "body", "string", False),
        Argument("after_card_order_id", "after_card_order_id", "body", "string", False),
    ),
    body="StopAgentRunInput",
    module=".api.agents.remove_codegen_from_pr",
)
GET_REPOSITORIES: Operation[RepositoriesResponse] = Operation(
    id="get_repositories",
    method="GET",
    path="/v1/organizations/{org_id}/repos",
    tag="repositories",
    service="codegen",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=True,
    arguments=(
        Argument("org_id", "org_id", "path", "integer", True),
        Argument("skip", "skip", "query", "integer", False, minimum=0),
        Argument("limit", "limit", "query", "integer", False, minimum=1, maximum=100),
    ),
    body=None,
    module=".api.repositories.get_repositories",
    cache_seconds=300,
    paging=Paging(style="offset", start="skip", size="limit", items="items", total="total"),
)
GET_CHECK_SUITE_SETTINGS: Operation[CheckSuiteSettingsResponse] = Operation(
    id="get_check_suite_settings",
    method="GET",
    path="/v1/organizations/{org_id}/repos/check-suite-settings",
    tag="repositories",
    service="codegen",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=True,
    arguments=(
        Argument("org_id", "org_id", "path", "integer", True),
        Argument("repo_id", "repo_id", "query", "integer", True),
    ),
    body=None,
    module=".api.repositories.get_check_suite_settings",
    cache_seconds=300,
)
UPDATE_CHECK_SUITE_SETTINGS: Operation[dict[str, Any]] = Operation(
    id="update_check_suite_settings",
    method="PUT",
    path="/v1/organizations/{org_id}/repos/check-suite-settings",
    tag="repositories",
    service="codegen",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=True,
    arguments=(
        Argument("org_id", "org_id", "path", "integer", True),
        Argument("check_retry_count", "check_retry_count", "body", "integer", False, minimum=0, maximum=10),
        Argument("ignored_checks", "ignored_checks", "body", "array", False),
        Argument("check_retry_counts", "check_retry_counts", "body", "object", False),
        Argument("custom_prompts", "custom_prompts", "body", "object", False),
        Argument("high_priority_apps", "high_priority_apps", "body", "array", False),
        Argument("repo_id", "repo_id", "query", "integer", True),
    ),
    body="CheckSuiteSettingsRequest",
    module=".api.repositories.update_check_suite_settings",
    invalidates=("get_check_suite_settings",),
)
EDIT_PULL_REQUEST: Operation[EditPRResponse] = Operation(
    id="edit_pull_request",
    method="PATCH",
    path="/v1/organizations/{org_id}/prs/{pr_id}",
    tag="pull_requests",
    service="codegen",
    rate_limit=RateLimit(30, 60, "pull-requests"),
    idempotent=True,
    arguments=(
        Argument("org_id", "org_id", "path", "integer", True),
        Argument("pr_id", "pr_id", "path", "integer", True),
        Argument("state", "state", "body", "string", True),
    ),
    body="EditPRInput",
    module=".api.pull_requests.edit_pull_request",
)
EDIT_REPO_PULL_REQUEST: Operation[EditPRResponse] = Operation(
    id="edit_repo_pull_request",
    method="PATCH",
    path="/v1/organizations/{org_id}/repos/{repo_id}/prs/{pr_id}",
    tag="pull_requests",
    service="codegen",
    rate_limit=RateLimit(30, 60, "pull-requests"),
    idempotent=True,
    arguments=(
        Argument("org_id", "org_id", "path", "integer", True),
        Argument("repo_id", "repo_id", "path", "integer", True),
        Argument("pr_id", "pr_id", "path", "integer", True),
        Argument("state", "state", "body", "string", True),
    ),
    body="EditPRInput",
    module=".api.pull_requests.edit_repo_pull_request",
)
GET_INTEGRATIONS: Operation[OrganizationIntegrationsResponse] = Operation(
    id="get_integrations",
    method="GET",
    path="/v1/organizations/{org_id}/integrations",
    tag="integrations",
    service="codegen",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=True,
    arguments=(Argument("org_id", "org_id", "path", "integer", True),),
    body=None,
    module=".api.integrations.get_integrations",
    cache_seconds=300,
)
GENERATE_SETUP_COMMANDS: Operation[SetupCommandsResponse] = Operation(
    id="generate_setup_commands",
    method="POST",
    path="/v1/organizations/{org_id}/setup-commands/generate",
    tag="setup_commands",
    service="codegen",
    rate_limit=RateLimit(5, 60, "setup-commands"),
    idempotent=False,
    arguments=(
        Argument("org_id", "org_id", "path", "integer", True),
        Argument("repo_id", "repo_id", "body", "integer", True),
        Argument("prompt", "prompt", "body", "string", False),
        Argument("trigger_source", "trigger_source", "body", "string", False),
    ),
    body="GenerateSetupCommandsInput",
    module=".api.setup_commands.generate_setup_commands",
    reconcile="candidates",
)
GET_ORGANIZATIONS: Operation[OrganizationsResponse] = Operation(
    id="get_organizations",
    method="GET",
    path="/v1/organizations",
    tag="organizations",
    service="codegen",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=True,
    arguments=(
        Argument("skip", "skip", "query", "integer", False, minimum=0),
        Argument("limit", "limit", "query", "integer", False, minimum=1, maximum=100),
    ),
    body=None,
    module=".api.organizations.get_organizations",
    cache_seconds=300,
    paging=Paging(style="offset", start="skip", size="limit", items="items", total="total"),
)
GET_MCP_PROVIDERS: Operation[list[OAuthProviderResponse]] = Operation(
    id="get_mcp_providers",
    method="GET",
    path="/v1/mcp-providers",
    tag="organizations",
    service="codegen",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=True,
    arguments=(),
    body=None,
    module=".api.organizations.get_mcp_providers",
    cache_seconds=300,
)
GET_OAUTH_TOKEN_STATUS: Operation[Any] = Operation(
    id="get_oauth_token_status",
    method="GET",
    path="/v1/oauth/tokens/status",
    tag="organizations",
    service="codegen",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=True,
    arguments=(Argument("org_id", "org_id", "query", "integer", True),),
    body=None,
    module=".api.organizations.get_oauth_token_status",
)
REVOKE_OAUTH_TOKEN: Operation[Any] = Operation(
    id="revoke_oauth_token",
    method="POST",
    path="/v1/oauth/tokens/revoke",
    tag="organizations",
    service="codegen",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=True,
    arguments=(
        Argument("provider", "provider", "query", "string", True),
        Argument("org_id", "org_id", "query", "integer", True),
    ),
    body=None,
    module=".api.organizations.revoke_oauth_token",
    invalidates=("get_integrations", "get_mcp_providers"),
)
ANALYZE_SANDBOX_LOGS: Operation[AnalyzeLogsResponse] = Operation(
    id="analyze_sandbox_logs",
    method="POST",
    path="/v1/organizations/{org_id}/sandbox/{sandbox_id}/analyze-logs",
    tag="sandbox",
    service="codegen",
    rate_limit=RateLimit(5, 60, "sandbox-logs"),
    idempotent=False,
    arguments=(
        Argument("org_id", "org_id", "path", "integer", True),
        Argument("sandbox_id", "sandbox_id", "path", "integer", True),
    ),
    body=None,
    module=".api.sandbox.analyze_sandbox_logs",
    reconcile="candidates",
)
GET_CLI_RULES: Operation[CLIRulesResponse] = Operation(
    id="get_cli_rules",
    method="GET",
    path="/v1/organizations/{org_id}/cli/rules",
    tag="cli_rules",
    service="codegen",
    rate_limit=RateLimit(30, 60, "cli-rules"),
    idempotent=True,
    arguments=(Argument("org_id", "org_id", "path", "integer", True),),
    body=None,
    module=".api.cli_rules.get_cli_rules",
    cache_seconds=300,
)
GENERATE_SLACK_CONNECT_TOKEN: Operation[GenerateTokenResponse] = Operation(
    id="generate_slack_connect_token",
    method="POST",
    path="/v1/slack-connect/generate-token",
    tag="slack_connect",
    service="codegen",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=False,
    arguments=(Argument("org_id", "org_id", "body", "integer", True),),
    body="GenerateTokenRequest",
    module=".api.slack_connect.generate_slack_connect_token",
)
GET_AGENT_RUN_LOGS: Operation[AgentRunWithLogsResponse] = Operation(
    id="get_agent_run_logs",
    method="GET",
    path="/v1/alpha/organizations/{org_id}/agent/run/{agent_run_id}/logs",
    tag="agents_alpha",
    service="codegen",
    rate_limit=RateLimit(60, 60, "agent-run-logs"),
    idempotent=True,
    arguments=(
        Argument("org_id", "org_id", "path", "integer", True),
        Argument("agent_run_id", "agent_run_id", "path", "integer", True),
        Argument("skip", "skip", "query", "integer", False, minimum=0),
        Argument("limit", "limit", "query", "integer", False, minimum=1, maximum=100),
        Argument("reverse", "reverse", "query", "boolean", False),
    ),
    body=None,
    module=".api.agents_alpha.get_agent_run_logs",
    paging=Paging(style="offset", start="skip", size="limit", items="logs", total="total_logs"),
)
CREATE_CHAT_COMPLETION: Operation[ChatCompletionResponse] = Operation(
    id="create_chat_completion",
    method="POST",
    path="/v1/chat/completions",
    tag="chat",
    service="chatserver",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=False,
    arguments=(
        Argument("model", "model", "body", "string", True),
        Argument("messages", "messages", "body", "array", True),
        Argument("temperature", "temperature", "body", "number", False, minimum=0, maximum=2),
        Argument("max_tokens", "max_tokens", "body", "integer", False, minimum=1),
        Argument("top_p", "top_p", "body", "number", False, minimum=0, maximum=1),
        Argument("stream", "stream", "body", "boolean", False),
        Argument("user", "user", "body", "string", False),
        Argument("system_prompt", "system_prompt", "body", "string", False),
        Argument("metadata", "metadata", "body", "object", False),
    ),
    body="ChatCompletionRequest",
    module=".api.chat.create_chat_completion",
)
LIST_MODELS: Operation[ModelsResponse] = Operation(
    id="list_models",
    method="GET",
    path="/v1/models",
    tag="chat",
    service="chatserver",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=True,
    arguments=(),
    body=None,
    module=".api.chat.list_models",
    cache_seconds=300,
)
LIST_SESSIONS: Operation[ChatSessionListResponse] = Operation(
    id="list_sessions",
    method="GET",
    path="/atoms/chat/sessions",
    tag="chat_sessions",
    service="chatserver",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=True,
    arguments=(
        Argument("user_id", "user_id", "query", "string", True),
        Argument("page", "page", "query", "integer", False, minimum=1),
        Argument("page_size", "page_size", "query", "integer", False, minimum=1, maximum=100),
    ),
    body=None,
    module=".api.chat_sessions.list_sessions",
    paging=Paging(style="page", start="page", size="page_size", items="sessions", total="total"),
)
GET_SESSION: Operation[ChatSessionDetailResponse] = Operation(
    id="get_session",
    method="GET",
    path="/atoms/chat/sessions/{session_id}",
    tag="chat_sessions",
    service="chatserver",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=True,
    arguments=(
        Argument("session_id", "session_id", "path", "string", True),
        Argument("user_id", "user_id", "query", "string", True),
    ),
    body=None,
    module=".api.chat_sessions.get_session",
)
GET_PLATFORM_STATS: Operation[PlatformStats] = Operation(
    id="get_platform_stats",
    method="GET",
    path="/api/v1/platform/stats",
    tag="platform",
    service="chatserver",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=True,
    arguments=(),
    body=None,
    module=".api.platform.get_platform_stats",
)
LIST_ADMINS: Operation[AdminsResponse] = Operation(
    id="list_admins",
    method="GET",
    path="/api/v1/platform/admins",
    tag="platform",
    service="chatserver",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=True,
    arguments=(),
    body=None,
    module=".api.platform.list_admins",
)
ADD_ADMIN: Operation[AdminResponse] = Operation(
    id="add_admin",
    method="POST",
    path="/api/v1/platform/admins",
    tag="platform",
    service="chatserver",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=False,
    arguments=(
        Argument("workos_id", "workos_id", "body", "string", True),
        Argument("email", "email", "body", "string", True),
        Argument("name", "name", "body", "string", False),
    ),
    body="AdminRequest",
    module=".api.platform.add_admin",
)
REMOVE_ADMIN: Operation[AdminResponse] = Operation(
    id="remove_admin",
    method="DELETE",
    path="/api/v1/platform/admins/{email}",
    tag="platform",
    service="chatserver",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=True,
    arguments=(Argument("email", "email", "path", "string", True),),
    body=None,
    module=".api.platform.remove_admin",
)
GET_AUDIT_LOG: Operation[AuditLogResponse] = Operation(
    id="get_audit_log",
    method="GET",
    path="/api/v1/platform/audit",
    tag="platform",
    service="chatserver",
    rate_limit=RateLimit(60, 30, "standard"),
    idempotent=True,
    arguments=(
        Argument("limit", "limit", "query", "integer", False, minimum=1, maximum=1000),
        Argument("offset", "offset", "query", "integer", False, minimum=0),
    ),
    body=None,
    module=".api.platform.get_audit_log",
    paging=Paging(style="offset", start="offset", size="limit", items="entries", total="total"),
)

OPERATIONS: dict[str, Operation[Any]] = {
    operation.id: operation
    for operation in (
        GET_USERS,
        GET_USER,
        GET_CURRENT_USER,
        CREATE_AGENT_RUN,
        GET_AGENT_RUN,
        LIST_AGENT_RUNS,
        RESUME_AGENT_RUN,
        BAN_AGENT_RUN,
        UNBAN_AGENT_RUN,
        REMOVE_CODEGEN_FROM_PR,
        GET_REPOSITORIES,
        GET_CHECK_SUITE_SETTINGS,
        UPDATE_CHECK_SUITE_SETTINGS,
        EDIT_PULL_REQUEST,
        EDIT_REPO_PULL_REQUEST,
        GET_INTEGRATIONS,
        GENERATE_SETUP_COMMANDS,
        GET_ORGANIZATIONS,
        GET_MCP_PROVIDERS,
        GET_OAUTH_TOKEN_STATUS,
        REVOKE_OAUTH_TOKEN,
        ANALYZE_SANDBOX_LOGS,
        GET_CLI_RULES,
        GENERATE_SLACK_CONNECT_TOKEN,
        GET_AGENT_RUN_LOGS,
        CREATE_CHAT_COMPLETION,
        LIST_MODELS,
        LIST_SESSIONS,
        GET_SESSION,
        GET_PLATFORM_STATS,
        LIST_ADMINS,
        ADD_ADMIN,
        REMOVE_ADMIN,
        GET_AUDIT_LOG,
    )
}
"""Every operation by its id."""
