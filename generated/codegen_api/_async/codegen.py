"""The operations of the codegen service as methods; the class that inherits them says how one is performed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from .. import operations as _operations
from ..options import RequestOptions as _RequestOptions
from .raw import raw as _raw

if TYPE_CHECKING:
    from ..codec import Model as _Model
    from ..enums import AgentType, PullRequestState, SourceType
    from ..models import (
        AgentRunResponse,
        AgentRunsResponse,
        AgentRunWithLogsResponse,
        AnalyzeLogsResponse,
        CheckSuiteSettingsResponse,
        CLIRulesResponse,
        EditPRResponse,
        GenerateTokenResponse,
        OAuthProviderResponse,
        OrganizationIntegrationsResponse,
        OrganizationsResponse,
        RepositoriesResponse,
        SetupCommandsResponse,
        UserResponse,
        UsersResponse,
    )
    from ..parameters import AgentTypeLiteral, PullRequestStateLiteral, SourceTypeLiteral
    from ..table import Operation as _Operation

_T = TypeVar("_T")
_M = TypeVar("_M", bound="_Model")


class AsyncCodegenMethods(ABC):
    """Every operation of the service.

    Each takes `timeout`, the seconds for each attempt instead of the client's, `extra_headers` to send besides the
    client's own, and with `extra_query` and `extra_body` parameters and fields that the contract does not know.
    """

    @abstractmethod
    async def _perform(self, operation: _Operation[_T], arguments: dict[str, Any], options: _RequestOptions) -> _T: ...

    async def get_users(
        self,
        org_id: int | str,
        skip: int = 0,
        limit: int = 100,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> UsersResponse:
        """List the users of one organization, page by page.

        GET /v1/organizations/{org_id}/users; at most 60 requests per 30 s in the limit group standard.

        Args:
            org_id: Number that identifies the organization the call is about.
            skip: Number of items to leave out at the start of the list; 0 if absent.
            limit: Largest number of items to return, from 1 to 100; 100 if absent.
        """
        return await self._perform(
            _operations.GET_USERS,
            {"org_id": org_id, "skip": skip, "limit": limit},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    async def get_user(
        self,
        org_id: int | str,
        user_id: int | str,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> UserResponse:
        """Get one user of an organization.

        GET /v1/organizations/{org_id}/users/{user_id}; at most 60 requests per 30 s in the limit group standard.

        Args:
            org_id: Number that identifies the organization the call is about.
            user_id: Number that identifies the user within the service.
        """
        return await self._perform(
            _operations.GET_USER,
            {"org_id": org_id, "user_id": user_id},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    async def get_current_user(
        self,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> UserResponse:
        """Get the user to whom the API token belongs.

        GET /v1/users/me; at most 60 requests per 30 s in the limit group standard.
        """
        return await self._perform(
            _operations.GET_CURRENT_USER,
            {},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    async def create_agent_run(
        self,
        org_id: int | str,
        prompt: str,
        images: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        repo_id: int | str | None = None,
        model: str | None = None,
        agent_type: AgentType | AgentTypeLiteral | None = None,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> AgentRunResponse:
        """Start a new agent run with a prompt.

        POST /v1/organizations/{org_id}/agent/run; at most 10 requests per 60 s in the limit group create-agent-run.

        Args:
            org_id: Number that identifies the organization the call is about.
            prompt: Task for the agent, in plain language.
            images: Images that belong to the prompt, each as text; null or absent sends none.
            metadata: Free-form data that the service keeps and returns with the run; null or absent gives none.
            repo_id: Number of the repository to work in; null or absent names none.
            model: Name of the language model to use; null or absent names none.
            agent_type: Kind of agent to use; null or absent names none.
        """
        return await self._perform(
            _operations.CREATE_AGENT_RUN,
            {
                "org_id": org_id,
                "prompt": prompt,
                "images": images,
                "metadata": metadata,
                "repo_id": repo_id,
                "model": model,
                "agent_type": agent_type,
            },
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    async def get_agent_run(
        self,
        org_id: int | str,
        agent_run_id: int | str,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> AgentRunResponse:
        """Get the current state and the result of one agent run.

        GET /v1/organizations/{org_id}/agent/run/{agent_run_id}; at most 60 requests per 30 s in the limit group
        standard.

        Args:
            org_id: Number that identifies the organization the call is about.
            agent_run_id: Number that identifies the run, as given when it was created.
        """
        return await self._perform(
            _operations.GET_AGENT_RUN,
            {"org_id": org_id, "agent_run_id": agent_run_id},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    async def list_agent_runs(
        self,
        org_id: int | str,
        user_id: int | str | None = None,
        source_type: SourceType | SourceTypeLiteral | None = None,
        skip: int = 0,
        limit: int = 100,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> AgentRunsResponse:
        """List the agent runs of one organization, page by page.

        GET /v1/organizations/{org_id}/agent/runs; at most 60 requests per 30 s in the limit group standard.

        Args:
            org_id: Number that identifies the organization the call is about.
            user_id: Number of the user whose runs are listed; null or absent lists the runs of everyone.
            source_type: Place of origin the listed runs must have; null or absent lists runs from everywhere.
            skip: Number of items to leave out at the start of the list; 0 if absent.
            limit: Largest number of items to return, from 1 to 100; 100 if absent.
        """
        return await self._perform(
            _operations.LIST_AGENT_RUNS,
            {"org_id": org_id, "user_id": user_id, "source_type": source_type, "skip": skip, "limit": limit},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
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
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> AgentRunResponse:
        """Continue an existing agent run with a further prompt.

        POST /v1/organizations/{org_id}/agent/run/resume; at most 60 requests per 30 s in the limit group standard.

        Args:
            org_id: Number that identifies the organization the call is about.
            agent_run_id: Number of the run to continue.
            prompt: Further task for the agent, in plain language.
            images: Images that belong to the prompt, each as text; null or absent sends none.
        """
        return await self._perform(
            _operations.RESUME_AGENT_RUN,
            {"org_id": org_id, "agent_run_id": agent_run_id, "prompt": prompt, "images": images},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
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
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> Any:
        """Stop an agent run and ban all checks.

        POST /v1/organizations/{org_id}/agent/run/ban; at most 60 requests per 30 s in the limit group standard.

        Args:
            org_id: Number that identifies the organization the call is about.
            agent_run_id: Number of the run on which the call acts.
            before_card_order_id: Order id of the card before that of the run; null or absent gives none.
            after_card_order_id: Order id of the card after that of the run; null or absent gives none.
        """
        return await self._perform(
            _operations.BAN_AGENT_RUN,
            {
                "org_id": org_id,
                "agent_run_id": agent_run_id,
                "before_card_order_id": before_card_order_id,
                "after_card_order_id": after_card_order_id,
            },
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
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
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> Any:
        """Lift the ban on all checks that was set for an agent run.

        POST /v1/organizations/{org_id}/agent/run/unban; at most 60 requests per 30 s in the limit group standard.

        Args:
            org_id: Number that identifies the organization the call is about.
            agent_run_id: Number of the run on which the call acts.
            before_card_order_id: Order id of the card before that of the run; null or absent gives none.
            after_card_order_id: Order id of the card after that of the run; null or absent gives none.
        """
        return await self._perform(
            _operations.UNBAN_AGENT_RUN,
            {
                "org_id": org_id,
                "agent_run_id": agent_run_id,
                "before_card_order_id": before_card_order_id,
                "after_card_order_id": after_card_order_id,
            },
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
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
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> Any:
        """Detach the agent of a run from the pull request.

        POST /v1/organizations/{org_id}/agent/run/remove-from-pr; at most 60 requests per 30 s in the limit group
        standard.

        Args:
            org_id: Number that identifies the organization the call is about.
            agent_run_id: Number of the run on which the call acts.
            before_card_order_id: Order id of the card before that of the run; null or absent gives none.
            after_card_order_id: Order id of the card after that of the run; null or absent gives none.
        """
        return await self._perform(
            _operations.REMOVE_CODEGEN_FROM_PR,
            {
                "org_id": org_id,
                "agent_run_id": agent_run_id,
                "before_card_order_id": before_card_order_id,
                "after_card_order_id": after_card_order_id,
            },
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    async def get_repositories(
        self,
        org_id: int | str,
        skip: int = 0,
        limit: int = 100,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> RepositoriesResponse:
        """List the repositories of one organization, page by page.

        GET /v1/organizations/{org_id}/repos; at most 60 requests per 30 s in the limit group standard.

        Args:
            org_id: Number that identifies the organization the call is about.
            skip: Number of items to leave out at the start of the list; 0 if absent.
            limit: Largest number of items to return, from 1 to 100; 100 if absent.
        """
        return await self._perform(
            _operations.GET_REPOSITORIES,
            {"org_id": org_id, "skip": skip, "limit": limit},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    async def get_check_suite_settings(
        self,
        org_id: int | str,
        repo_id: int | str,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> CheckSuiteSettingsResponse:
        """Get how agents treat the check suites of one repository.

        GET /v1/organizations/{org_id}/repos/check-suite-settings; at most 60 requests per 30 s in the limit group
        standard.

        Args:
            org_id: Number that identifies the organization the call is about.
            repo_id: Number that identifies the repository the call is about.
        """
        return await self._perform(
            _operations.GET_CHECK_SUITE_SETTINGS,
            {"org_id": org_id, "repo_id": repo_id},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    async def update_check_suite_settings(
        self,
        org_id: int | str,
        repo_id: int | str,
        check_retry_count: int | None = None,
        ignored_checks: list[str] | None = None,
        check_retry_counts: Mapping[str, int] | None = None,
        custom_prompts: dict[str, Any] | None = None,
        high_priority_apps: list[str] | None = None,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Change how agents treat the check suites of one repository.

        PUT /v1/organizations/{org_id}/repos/check-suite-settings; at most 60 requests per 30 s in the limit group
        standard.

        Args:
            org_id: Number that identifies the organization the call is about.
            repo_id: Number that identifies the repository the call is about.
            check_retry_count: How often a failed check is retried, from 0 to 10; null or absent gives no value.
            ignored_checks: Names of the checks to ignore; null or absent gives no value.
            check_retry_counts: How often single failed checks are retried, by check name; null or absent gives no
                value.
            custom_prompts: Own prompts for single checks, by check name; null or absent gives no value.
            high_priority_apps: Names of the apps that have high priority; null or absent gives no value.
        """
        return await self._perform(
            _operations.UPDATE_CHECK_SUITE_SETTINGS,
            {
                "org_id": org_id,
                "repo_id": repo_id,
                "check_retry_count": check_retry_count,
                "ignored_checks": ignored_checks,
                "check_retry_counts": check_retry_counts,
                "custom_prompts": custom_prompts,
                "high_priority_apps": high_priority_apps,
            },
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    async def edit_pull_request(
        self,
        org_id: int | str,
        pr_id: int | str,
        state: PullRequestState | PullRequestStateLiteral,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> EditPRResponse:
        """Set the state of a pull request, whose repository the service finds by itself.

        PATCH /v1/organizations/{org_id}/prs/{pr_id}; at most 30 requests per 60 s in the limit group pull-requests.

        Args:
            org_id: Number that identifies the organization the call is about.
            pr_id: Number that identifies the pull request to edit.
            state: State that the pull request is to have afterwards.
        """
        return await self._perform(
            _operations.EDIT_PULL_REQUEST,
            {"org_id": org_id, "pr_id": pr_id, "state": state},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    async def edit_repo_pull_request(
        self,
        org_id: int | str,
        repo_id: int | str,
        pr_id: int | str,
        state: PullRequestState | PullRequestStateLiteral,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> EditPRResponse:
        """Set the state of a pull request in a repository that the call names.

        PATCH /v1/organizations/{org_id}/repos/{repo_id}/prs/{pr_id}; at most 30 requests per 60 s in the limit group
        pull-requests.

        Args:
            org_id: Number that identifies the organization the call is about.
            repo_id: Number that identifies the repository the call is about.
            pr_id: Number that identifies the pull request to edit.
            state: State that the pull request is to have afterwards.
        """
        return await self._perform(
            _operations.EDIT_REPO_PULL_REQUEST,
            {"org_id": org_id, "repo_id": repo_id, "pr_id": pr_id, "state": state},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    async def get_integrations(
        self,
        org_id: int | str,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> OrganizationIntegrationsResponse:
        """List the integrations of one organization and whether each is active.

        GET /v1/organizations/{org_id}/integrations; at most 60 requests per 30 s in the limit group standard.

        Args:
            org_id: Number that identifies the organization the call is about.
        """
        return await self._perform(
            _operations.GET_INTEGRATIONS,
            {"org_id": org_id},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
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
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> SetupCommandsResponse:
        """Start an agent run that generates the setup commands of one repository.

        POST /v1/organizations/{org_id}/setup-commands/generate; at most 5 requests per 60 s in the limit group
        setup-commands.

        Args:
            org_id: Number that identifies the organization the call is about.
            repo_id: Number of the repository that is to be set up.
            prompt: Further instructions for the agent; null or absent gives none.
            trigger_source: Word that names what set off the generation; setup-commands if absent.
        """
        return await self._perform(
            _operations.GENERATE_SETUP_COMMANDS,
            {"org_id": org_id, "repo_id": repo_id, "prompt": prompt, "trigger_source": trigger_source},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    async def get_organizations(
        self,
        skip: int = 0,
        limit: int = 100,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> OrganizationsResponse:
        """List the organizations that the caller can reach, page by page.

        GET /v1/organizations; at most 60 requests per 30 s in the limit group standard.

        Args:
            skip: Number of items to leave out at the start of the list; 0 if absent.
            limit: Largest number of items to return, from 1 to 100; 100 if absent.
        """
        return await self._perform(
            _operations.GET_ORGANIZATIONS,
            {"skip": skip, "limit": limit},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    async def get_mcp_providers(
        self,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> list[OAuthProviderResponse]:
        """List the OAuth providers offered for MCP (Model Context Protocol).

        GET /v1/mcp-providers; at most 60 requests per 30 s in the limit group standard.
        """
        return await self._perform(
            _operations.GET_MCP_PROVIDERS,
            {},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    async def get_oauth_token_status(
        self,
        org_id: int | str,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> Any:
        """Get the status of OAuth tokens in one organization.

        GET /v1/oauth/tokens/status; at most 60 requests per 30 s in the limit group standard.

        Args:
            org_id: Number that identifies the organization the call is about.
        """
        return await self._perform(
            _operations.GET_OAUTH_TOKEN_STATUS,
            {"org_id": org_id},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    async def revoke_oauth_token(
        self,
        provider: str,
        org_id: int | str,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> Any:
        """Revoke the OAuth token for one provider in one organization.

        POST /v1/oauth/tokens/revoke; at most 60 requests per 30 s in the limit group standard.

        Args:
            provider: Name of the OAuth provider whose token is revoked.
            org_id: Number that identifies the organization the call is about.
        """
        return await self._perform(
            _operations.REVOKE_OAUTH_TOKEN,
            {"provider": provider, "org_id": org_id},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    async def analyze_sandbox_logs(
        self,
        org_id: int | str,
        sandbox_id: int | str,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> AnalyzeLogsResponse:
        """Start an agent run that analyzes the logs of one sandbox.

        POST /v1/organizations/{org_id}/sandbox/{sandbox_id}/analyze-logs; at most 5 requests per 60 s in the limit
        group sandbox-logs.

        Args:
            org_id: Number that identifies the organization the call is about.
            sandbox_id: Number that identifies the sandbox whose logs are analyzed.
        """
        return await self._perform(
            _operations.ANALYZE_SANDBOX_LOGS,
            {"org_id": org_id, "sandbox_id": sandbox_id},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    async def get_cli_rules(
        self,
        org_id: int | str,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> CLIRulesResponse:
        """Get the organization's rules and the user's prompt for command line tools.

        GET /v1/organizations/{org_id}/cli/rules; at most 30 requests per 60 s in the limit group cli-rules.

        Args:
            org_id: Number that identifies the organization the call is about.
        """
        return await self._perform(
            _operations.GET_CLI_RULES,
            {"org_id": org_id},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    async def generate_slack_connect_token(
        self,
        org_id: int | str,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> GenerateTokenResponse:
        """Create a temporary token that connects Slack to an organization.

        POST /v1/slack-connect/generate-token; at most 60 requests per 30 s in the limit group standard.

        Args:
            org_id: Number of the organization for which the token is made.
        """
        return await self._perform(
            _operations.GENERATE_SLACK_CONNECT_TOKEN,
            {"org_id": org_id},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
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
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> AgentRunWithLogsResponse:
        """Get one agent run together with its log entries, page by page.

        GET /v1/alpha/organizations/{org_id}/agent/run/{agent_run_id}/logs; at most 60 requests per 60 s in the limit
        group agent-run-logs.

        Args:
            org_id: Number that identifies the organization the call is about.
            agent_run_id: Number that identifies the run, as given when it was created.
            skip: Number of items to leave out at the start of the list; 0 if absent.
            limit: Largest number of items to return, from 1 to 100; 100 if absent.
            reverse: Whether the log entries come in reverse order; false if absent.
        """
        return await self._perform(
            _operations.GET_AGENT_RUN_LOGS,
            {"org_id": org_id, "agent_run_id": agent_run_id, "skip": skip, "limit": limit, "reverse": reverse},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )


class AsyncRawCodegenMethods(ABC):
    """Every operation of the service, returning the whole response with the model in `parsed`."""

    @abstractmethod
    async def _perform(
        self, operation: _Operation[Any], arguments: dict[str, Any], options: _RequestOptions
    ) -> Any: ...

    get_users = _raw(AsyncCodegenMethods.get_users)
    get_user = _raw(AsyncCodegenMethods.get_user)
    get_current_user = _raw(AsyncCodegenMethods.get_current_user)
    create_agent_run = _raw(AsyncCodegenMethods.create_agent_run)
    get_agent_run = _raw(AsyncCodegenMethods.get_agent_run)
    list_agent_runs = _raw(AsyncCodegenMethods.list_agent_runs)
    resume_agent_run = _raw(AsyncCodegenMethods.resume_agent_run)
    ban_agent_run = _raw(AsyncCodegenMethods.ban_agent_run)
    unban_agent_run = _raw(AsyncCodegenMethods.unban_agent_run)
    remove_codegen_from_pr = _raw(AsyncCodegenMethods.remove_codegen_from_pr)
    get_repositories = _raw(AsyncCodegenMethods.get_repositories)
    get_check_suite_settings = _raw(AsyncCodegenMethods.get_check_suite_settings)
    update_check_suite_settings = _raw(AsyncCodegenMethods.update_check_suite_settings)
    edit_pull_request = _raw(AsyncCodegenMethods.edit_pull_request)
    edit_repo_pull_request = _raw(AsyncCodegenMethods.edit_repo_pull_request)
    get_integrations = _raw(AsyncCodegenMethods.get_integrations)
    generate_setup_commands = _raw(AsyncCodegenMethods.generate_setup_commands)
    get_organizations = _raw(AsyncCodegenMethods.get_organizations)
    get_mcp_providers = _raw(AsyncCodegenMethods.get_mcp_providers)
    get_oauth_token_status = _raw(AsyncCodegenMethods.get_oauth_token_status)
    revoke_oauth_token = _raw(AsyncCodegenMethods.revoke_oauth_token)
    analyze_sandbox_logs = _raw(AsyncCodegenMethods.analyze_sandbox_logs)
    get_cli_rules = _raw(AsyncCodegenMethods.get_cli_rules)
    generate_slack_connect_token = _raw(AsyncCodegenMethods.generate_slack_connect_token)
    get_agent_run_logs = _raw(AsyncCodegenMethods.get_agent_run_logs)


class AsyncCodegenPages(ABC):
    """The lists of the service, page by page."""

    @abstractmethod
    def _iter_pages(self, operation: str, page_size: int, arguments: dict[str, Any]) -> AsyncIterator[Any]: ...

    @overload
    def iter_pages(
        self,
        operation: Literal["get_users"],
        *,
        org_id: int | str,
        page_size: int = ...,
    ) -> AsyncIterator[UsersResponse]: ...

    @overload
    def iter_pages(
        self,
        operation: Literal["list_agent_runs"],
        *,
        org_id: int | str,
        user_id: int | str | None = None,
        source_type: SourceType | SourceTypeLiteral | None = None,
        page_size: int = ...,
    ) -> AsyncIterator[AgentRunsResponse]: ...

    @overload
    def iter_pages(
        self,
        operation: Literal["get_repositories"],
        *,
        org_id: int | str,
        page_size: int = ...,
    ) -> AsyncIterator[RepositoriesResponse]: ...

    @overload
    def iter_pages(
        self,
        operation: Literal["get_organizations"],
        *,
        page_size: int = ...,
    ) -> AsyncIterator[OrganizationsResponse]: ...

    @overload
    def iter_pages(
        self,
        operation: Literal["get_agent_run_logs"],
        *,
        org_id: int | str,
        agent_run_id: int | str,
        reverse: bool = False,
        page_size: int = ...,
    ) -> AsyncIterator[AgentRunWithLogsResponse]: ...
    def iter_pages(self, operation: str, *, page_size: int = 100, **arguments: Any) -> AsyncIterator[Any]:
        """Iterate over the pages of a list, such as `iter_pages("get_users", …)`, without repeated items.

        `page_size` is the number of items to ask for at a time; the other arguments are those of the operation.
        """
        return self._iter_pages(operation, page_size, arguments)
