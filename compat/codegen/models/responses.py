"""The old name of `codegen_ext`; written by tools/compat.py."""

from typing import TYPE_CHECKING

from codegen_ext.oldnames import moved

if TYPE_CHECKING:
    from codegen_ext import AgentRunLogResponse as AgentRunLogResponse
    from codegen_ext import AgentRunResponse as AgentRunResponse
    from codegen_ext import AgentRunWithLogsResponse as AgentRunWithLogsResponse
    from codegen_ext import AgentRunsResponse as AgentRunsResponse
    from codegen_ext import GithubPullRequestResponse as GithubPullRequestResponse
    from codegen_ext import OrganizationResponse as OrganizationResponse
    from codegen_ext import OrganizationsResponse as OrganizationsResponse
    from codegen_ext import RepoResponse as RepoResponse
    from codegen_ext import RepositoriesResponse as RepositoriesResponse
    from codegen_ext import UserResponse as UserResponse
    from codegen_ext import UsersResponse as UsersResponse

_HOMES = {
    "codegen_ext": """
        AgentRunLogResponse AgentRunResponse AgentRunWithLogsResponse AgentRunsResponse GithubPullRequestResponse
        OrganizationResponse OrganizationsResponse RepoResponse RepositoriesResponse UserResponse UsersResponse
    """,
}

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = moved(__name__, _HOMES)
