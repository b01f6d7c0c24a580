"""The operations of the codegen service as methods; whoever inherits says how one is performed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from .. import operations

if TYPE_CHECKING:
    from ..decoding import Model
    from ..models import (
        AgentRunResponse,
        AgentRunsResponse,
        AgentRunWithLogsResponse,
        AgentType,
        AnalyzeLogsResponse,
        CheckSuiteSettingsResponse,
        CLIRulesResponse,
        EditPRResponse,
        GenerateTokenResponse,
        OAuthProviderResponse,
        OrganizationIntegrationsResponse,
        OrganizationsResponse,
        PullRequestState,
        RepositoriesResponse,
        SetupCommandsResponse,
        SourceType,
        UserResponse,
        UsersResponse,
    )
    from ..operations import Operation
    from ..types import Response

T = TypeVar("T")
M = TypeVar("M", bound="Model")


class AsyncRawCodegenOperations(ABC):
    """Every operation of the service, awaitable; each returns the whole response with the model in `parsed`."""

    @abstractmethod
    async def _call(
        self,
        operation: Operation[T],
        arguments: dict[str, Any],
        timeout: float | None,
        extra_headers: Mapping[str, str] | None,
    ) -> Response[T]: ...

    async def get_users(
        self,
        org_id: int | str,
        skip: int = 0,
        limit: int = 100,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[UsersResponse]:
        """Like `get_users` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.GET_USERS,
            {
                "org_id": org_id,
                "skip": skip,
                "limit": limit,
            },
            timeout,
            extra_headers,
        )

    async def get_user(
        self,
        org_id: int | str,
        user_id: int | str,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[UserResponse]:
        """Like `get_user` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.GET_USER,
            {
                "org_id": org_id,
                "user_id": user_id,
            },
            timeout,
            extra_headers,
        )

    async def get_current_user(
        self,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[UserResponse]:
        """Like `get_current_user` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.GET_CURRENT_USER,
            {},
            timeout,
            extra_headers,
        )

    async def create_agent_run(
        self,
        org_id: int | str,
        prompt: str,
        images: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        repo_id: int | str | None = None,
        model: str | None = None,
        agent_type: AgentType | str | None = None,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[AgentRunResponse]:
        """Like `create_agent_run` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.CREATE_AGENT_RUN,
            {
                "org_id": org_id,
                "prompt": prompt,
                "images": images,
                "metadata": metadata,
                "repo_id": repo_id,
                "model": model,
                "agent_type": agent_type,
            },
            timeout,
            extra_headers,
        )

    async def get_agent_run(
        self,
        org_id: int | str,
        agent_run_id: int | str,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[AgentRunResponse]:
        """Like `get_agent_run` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.GET_AGENT_RUN,
            {
                "org_id": org_id,
                "agent_run_id": agent_run_id,
            },
            timeout,
            extra_headers,
        )

    async def list_agent_runs(
        self,
        org_id: int | str,
        user_id: int | str | None = None,
        source_type: SourceType | str | None = None,
        skip: int = 0,
        limit: int = 100,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[AgentRunsResponse]:
        """Like `list_agent_runs` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.LIST_AGENT_RUNS,
            {
                "org_id": org_id,
                "user_id": user_id,
                "source_type": source_type,
                "skip": skip,
                "limit": limit,
            },
            timeout,
            extra_headers,
        )

    async def resume_agent_run(
        self,
        org_id: int | str,
        agent_run_id: int | str,
        prompt: str,
        images: list[str] | None = None,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[AgentRunResponse]:
        """Like `resume_agent_run` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.RESUME_AGENT_RUN,
            {
                "org_id": org_id,
                "agent_run_id": agent_run_id,
                "prompt": prompt,
                "images": images,
            },
            timeout,
            extra_headers,
        )

    async def ban_agent_run(
        self,
        org_id: int | str,
        agent_run_id: int | str,
        before_card_order_id: str | None = None,
        after_card_order_id: str | None = None,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[Any]:
        """Like `ban_agent_run` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.BAN_AGENT_RUN,
            {
                "org_id": org_id,
                "agent_run_id": agent_run_id,
                "before_card_order_id": before_card_order_id,
                "after_card_order_id": after_card_order_id,
            },
            timeout,
            extra_headers,
        )

    async def unban_agent_run(
        self,
        org_id: int | str,
        agent_run_id: int | str,
        before_card_order_id: str | None = None,
        after_card_order_id: str | None = None,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[Any]:
        """Like `unban_agent_run` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.UNBAN_AGENT_RUN,
            {
                "org_id": org_id,
                "agent_run_id": agent_run_id,
                "before_card_order_id": before_card_order_id,
                "after_card_order_id": after_card_order_id,
            },
            timeout,
            extra_headers,
        )

    async def remove_codegen_from_pr(
        self,
        org_id: int | str,
        agent_run_id: int | str,
        before_card_order_id: str | None = None,
        after_card_order_id: str | None = None,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[Any]:
        """Like `remove_codegen_from_pr` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.REMOVE_CODEGEN_FROM_PR,
            {
                "org_id": org_id,
                "agent_run_id": agent_run_id,
                "before_card_order_id": before_card_order_id,
                "after_card_order_id": after_card_order_id,
            },
            timeout,
            extra_headers,
        )

    async def get_repositories(
        self,
        org_id: int | str,
        skip: int = 0,
        limit: int = 100,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[RepositoriesResponse]:
        """Like `get_repositories` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.GET_REPOSITORIES,
            {
                "org_id": org_id,
                "skip": skip,
                "limit": limit,
            },
            timeout,
            extra_headers,
        )

    async def get_check_suite_settings(
        self,
        org_id: int | str,
        repo_id: int | str,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[CheckSuiteSettingsResponse]:
        """Like `get_check_suite_settings` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.GET_CHECK_SUITE_SETTINGS,
            {
                "org_id": org_id,
                "repo_id": repo_id,
            },
            timeout,
            extra_headers,
        )

    async def update_check_suite_settings(
        self,
        org_id: int | str,
        repo_id: int | str,
        check_retry_count: int | None = None,
        ignored_checks: list[str] | None = None,
        check_retry_counts: dict[str, int] | None = None,
        custom_prompts: dict[str, str] | None = None,
        high_priority_apps: list[str] | None = None,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[dict[str, Any]]:
        """Like `update_check_suite_settings` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.UPDATE_CHECK_SUITE_SETTINGS,
            {
                "org_id": org_id,
                "repo_id": repo_id,
                "check_retry_count": check_retry_count,
                "ignored_checks": ignored_checks,
                "check_retry_counts": check_retry_counts,
                "custom_prompts": custom_prompts,
                "high_priority_apps": high_priority_apps,
            },
            timeout,
            extra_headers,
        )

    async def edit_pull_request(
        self,
        org_id: int | str,
        pr_id: int | str,
        state: PullRequestState | str,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[EditPRResponse]:
        """Like `edit_pull_request` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.EDIT_PULL_REQUEST,
            {
                "org_id": org_id,
                "pr_id": pr_id,
                "state": state,
            },
            timeout,
            extra_headers,
        )

    async def edit_repo_pull_request(
        self,
        org_id: int | str,
        repo_id: int | str,
        pr_id: int | str,
        state: PullRequestState | str,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[EditPRResponse]:
        """Like `edit_repo_pull_request` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.EDIT_REPO_PULL_REQUEST,
            {
                "org_id": org_id,
                "repo_id": repo_id,
                "pr_id": pr_id,
                "state": state,
            },
            timeout,
            extra_headers,
        )

    async def get_integrations(
        self,
        org_id: int | str,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[OrganizationIntegrationsResponse]:
        """Like `get_integrations` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.GET_INTEGRATIONS,
            {
                "org_id": org_id,
            },
            timeout,
            extra_headers,
        )

    async def generate_setup_commands(
        self,
        org_id: int | str,
        repo_id: int | str,
        prompt: str | None = None,
        trigger_source: str = "setup-commands",
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[SetupCommandsResponse]:
        """Like `generate_setup_commands` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.GENERATE_SETUP_COMMANDS,
            {
                "org_id": org_id,
                "repo_id": repo_id,
                "prompt": prompt,
                "trigger_source": trigger_source,
            },
            timeout,
            extra_headers,
        )

    async def get_organizations(
        self,
        skip: int = 0,
        limit: int = 100,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[OrganizationsResponse]:
        """Like `get_organizations` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.GET_ORGANIZATIONS,
            {
                "skip": skip,
                "limit": limit,
            },
            timeout,
            extra_headers,
        )

    async def get_mcp_providers(
        self,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[list[OAuthProviderResponse]]:
        """Like `get_mcp_providers` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.GET_MCP_PROVIDERS,
            {},
            timeout,
            extra_headers,
        )

    async def get_oauth_token_status(
        self,
        org_id: int | str,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[Any]:
        """Like `get_oauth_token_status` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.GET_OAUTH_TOKEN_STATUS,
            {
                "org_id": org_id,
            },
            timeout,
            extra_headers,
        )

    async def revoke_oauth_token(
        self,
        provider: str,
        org_id: int | str,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[Any]:
        """Like `revoke_oauth_token` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.REVOKE_OAUTH_TOKEN,
            {
                "provider": provider,
                "org_id": org_id,
            },
            timeout,
            extra_headers,
        )

    async def analyze_sandbox_logs(
        self,
        org_id: int | str,
        sandbox_id: int | str,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[AnalyzeLogsResponse]:
        """Like `analyze_sandbox_logs` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.ANALYZE_SANDBOX_LOGS,
            {
                "org_id": org_id,
                "sandbox_id": sandbox_id,
            },
            timeout,
            extra_headers,
        )

    async def get_cli_rules(
        self,
        org_id: int | str,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[CLIRulesResponse]:
        """Like `get_cli_rules` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.GET_CLI_RULES,
            {
                "org_id": org_id,
            },
            timeout,
            extra_headers,
        )

    async def generate_slack_connect_token(
        self,
        org_id: int | str,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[GenerateTokenResponse]:
        """Like `generate_slack_connect_token` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.GENERATE_SLACK_CONNECT_TOKEN,
            {
                "org_id": org_id,
            },
            timeout,
            extra_headers,
        )

    async def get_agent_run_logs(
        self,
        org_id: int | str,
        agent_run_id: int | str,
        skip: int = 0,
        limit: int = 100,
        reverse: bool = False,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[AgentRunWithLogsResponse]:
        """Like `get_agent_run_logs` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.GET_AGENT_RUN_LOGS,
            {
                "org_id": org_id,
                "agent_run_id": agent_run_id,
                "skip": skip,
                "limit": limit,
                "reverse": reverse,
            },
            timeout,
            extra_headers,
        )
