"""The objects that the operations take and return, imported when first used."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..enums import AgentType as AgentType
    from ..enums import ChatRole as ChatRole
    from ..enums import PullRequestState as PullRequestState
    from ..enums import SourceType as SourceType
    from .admin_request import AdminRequest as AdminRequest
    from .admin_response import AdminResponse as AdminResponse
    from .admins_response import AdminsResponse as AdminsResponse
    from .agent_run_limit_reached_error_response import (
        AgentRunLimitReachedErrorResponse as AgentRunLimitReachedErrorResponse,
    )
    from .agent_run_log_response import AgentRunLogResponse as AgentRunLogResponse
    from .agent_run_not_found_error_response import AgentRunNotFoundErrorResponse as AgentRunNotFoundErrorResponse
    from .agent_run_response import AgentRunResponse as AgentRunResponse
    from .agent_run_with_logs_response import AgentRunWithLogsResponse as AgentRunWithLogsResponse
    from .agent_runs_response import AgentRunsResponse as AgentRunsResponse
    from .analyze_logs_response import AnalyzeLogsResponse as AnalyzeLogsResponse
    from .api_rate_limit_error_response import APIRateLimitErrorResponse as APIRateLimitErrorResponse
    from .audit_log_entry import AuditLogEntry as AuditLogEntry
    from .audit_log_response import AuditLogResponse as AuditLogResponse
    from .authentication_error_response import AuthenticationErrorResponse as AuthenticationErrorResponse
    from .chat_bad_request_error_response import ChatBadRequestErrorResponse as ChatBadRequestErrorResponse
    from .chat_completion_choice import ChatCompletionChoice as ChatCompletionChoice
    from .chat_completion_chunk import ChatCompletionChunk as ChatCompletionChunk
    from .chat_completion_chunk_choice import ChatCompletionChunkChoice as ChatCompletionChunkChoice
    from .chat_completion_delta import ChatCompletionDelta as ChatCompletionDelta
    from .chat_completion_event import ChatCompletionEvent as ChatCompletionEvent
    from .chat_completion_message import ChatCompletionMessage as ChatCompletionMessage
    from .chat_completion_request import ChatCompletionRequest as ChatCompletionRequest
    from .chat_completion_response import ChatCompletionResponse as ChatCompletionResponse
    from .chat_internal_server_error_response import ChatInternalServerErrorResponse as ChatInternalServerErrorResponse
    from .chat_message import ChatMessage as ChatMessage
    from .chat_message_record import ChatMessageRecord as ChatMessageRecord
    from .chat_session_detail_response import ChatSessionDetailResponse as ChatSessionDetailResponse
    from .chat_session_list_response import ChatSessionListResponse as ChatSessionListResponse
    from .chat_session_summary import ChatSessionSummary as ChatSessionSummary
    from .check_suite_settings_request import CheckSuiteSettingsRequest as CheckSuiteSettingsRequest
    from .check_suite_settings_response import CheckSuiteSettingsResponse as CheckSuiteSettingsResponse
    from .cli_rules_response import CLIRulesResponse as CLIRulesResponse
    from .create_agent_run_input import CreateAgentRunInput as CreateAgentRunInput
    from .edit_pr_input import EditPRInput as EditPRInput
    from .edit_pr_response import EditPRResponse as EditPRResponse
    from .generate_setup_commands_input import GenerateSetupCommandsInput as GenerateSetupCommandsInput
    from .generate_token_request import GenerateTokenRequest as GenerateTokenRequest
    from .generate_token_response import GenerateTokenResponse as GenerateTokenResponse
    from .github_pull_request_response import GithubPullRequestResponse as GithubPullRequestResponse
    from .http_validation_error import HTTPValidationError as HTTPValidationError
    from .integration_status import IntegrationStatus as IntegrationStatus
    from .model_info import ModelInfo as ModelInfo
    from .models_response import ModelsResponse as ModelsResponse
    from .no_repos_found_in_org_error_response import NoReposFoundInOrgErrorResponse as NoReposFoundInOrgErrorResponse
    from .not_found_error_response import NotFoundErrorResponse as NotFoundErrorResponse
    from .o_auth_provider_response import OAuthProviderResponse as OAuthProviderResponse
    from .organization_integrations_response import OrganizationIntegrationsResponse as OrganizationIntegrationsResponse
    from .organization_response import OrganizationResponse as OrganizationResponse
    from .organization_settings import OrganizationSettings as OrganizationSettings
    from .organizations_response import OrganizationsResponse as OrganizationsResponse
    from .permissions_error_response import PermissionsErrorResponse as PermissionsErrorResponse
    from .platform_admin import PlatformAdmin as PlatformAdmin
    from .platform_stats import PlatformStats as PlatformStats
    from .repo_response import RepoResponse as RepoResponse
    from .repositories_response import RepositoriesResponse as RepositoriesResponse
    from .resume_agent_run_input import ResumeAgentRunInput as ResumeAgentRunInput
    from .setup_commands_response import SetupCommandsResponse as SetupCommandsResponse
    from .stop_agent_run_input import StopAgentRunInput as StopAgentRunInput
    from .usage_info import UsageInfo as UsageInfo
    from .user_not_found_error_response import UserNotFoundErrorResponse as UserNotFoundErrorResponse
    from .user_response import UserResponse as UserResponse
    from .users_response import UsersResponse as UsersResponse
    from .validation_error import ValidationError as ValidationError

_MODULES = {
    "APIRateLimitErrorResponse": ".api_rate_limit_error_response",
    "AdminRequest": ".admin_request",
    "AdminResponse": ".admin_response",
    "AdminsResponse": ".admins_response",
    "AgentRunLimitReachedErrorResponse": ".agent_run_limit_reached_error_response",
    "AgentRunLogResponse": ".agent_run_log_response",
    "AgentRunNotFoundErrorResponse": ".agent_run_not_found_error_response",
    "AgentRunResponse": ".agent_run_response",
    "AgentRunWithLogsResponse": ".agent_run_with_logs_response",
    "AgentRunsResponse": ".agent_runs_response",
    "AgentType": "..enums",
    "AnalyzeLogsResponse": ".analyze_logs_response",
    "AuditLogEntry": ".audit_log_entry",
    "AuditLogResponse": ".audit_log_response",
    "AuthenticationErrorResponse": ".authentication_error_response",
    "CLIRulesResponse": ".cli_rules_response",
    "ChatBadRequestErrorResponse": ".chat_bad_request_error_response",
    "ChatCompletionChoice": ".chat_completion_choice",
    "ChatCompletionChunk": ".chat_completion_chunk",
    "ChatCompletionChunkChoice": ".chat_completion_chunk_choice",
    "ChatCompletionDelta": ".chat_completion_delta",
    "ChatCompletionEvent": ".chat_completion_event",
    "ChatCompletionMessage": ".chat_completion_message",
    "ChatCompletionRequest": ".chat_completion_request",
    "ChatCompletionResponse": ".chat_completion_response",
    "ChatInternalServerErrorResponse": ".chat_internal_server_error_response",
    "ChatMessage": ".chat_message",
    "ChatMessageRecord": ".chat_message_record",
    "ChatRole": "..enums",
    "ChatSessionDetailResponse": ".chat_session_detail_response",
    "ChatSessionListResponse": ".chat_session_list_response",
    "ChatSessionSummary": ".chat_session_summary",
    "CheckSuiteSettingsRequest": ".check_suite_settings_request",
    "CheckSuiteSettingsResponse": ".check_suite_settings_response",
    "CreateAgentRunInput": ".create_agent_run_input",
    "EditPRInput": ".edit_pr_input",
    "EditPRResponse": ".edit_pr_response",
    "GenerateSetupCommandsInput": ".generate_setup_commands_input",
    "GenerateTokenRequest": ".generate_token_request",
    "GenerateTokenResponse": ".generate_token_response",
    "GithubPullRequestResponse": ".github_pull_request_response",
    "HTTPValidationError": ".http_validation_error",
    "IntegrationStatus": ".integration_status",
    "ModelInfo": ".model_info",
    "ModelsResponse": ".models_response",
    "NoReposFoundInOrgErrorResponse": ".no_repos_found_in_org_error_response",
    "NotFoundErrorResponse": ".not_found_error_response",
    "OAuthProviderResponse": ".o_auth_provider_response",
    "OrganizationIntegrationsResponse": ".organization_integrations_response",
    "OrganizationResponse": ".organization_response",
    "OrganizationSettings": ".organization_settings",
    "OrganizationsResponse": ".organizations_response",
    "PermissionsErrorResponse": ".permissions_error_response",
    "PlatformAdmin": ".platform_admin",
    "PlatformStats": ".platform_stats",
    "PullRequestState": "..enums",
    "RepoResponse": ".repo_response",
    "RepositoriesResponse": ".repositories_response",
    "ResumeAgentRunInput": ".resume_agent_run_input",
    "SetupCommandsResponse": ".setup_commands_response",
    "SourceType": "..enums",
    "StopAgentRunInput": ".stop_agent_run_input",
    "UsageInfo": ".usage_info",
    "UserNotFoundErrorResponse": ".user_not_found_error_response",
    "UserResponse": ".user_response",
    "UsersResponse": ".users_response",
    "ValidationError": ".validation_error",
}

DISCRIMINATORS: dict[frozenset[str], tuple[str, dict[str, str]]] = {}
"""For each union with a discriminator the field that tells its members apart, and the member by the field's value."""

__all__ = tuple(_MODULES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_MODULES[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(_MODULES)
