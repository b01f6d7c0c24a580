from codegen_ext import (
    AgentRunLogResponse, AgentRunResponse, AgentRunWithLogsResponse, AgentRunsResponse, GithubPullRequestResponse,
    OrganizationResponse, OrganizationsResponse, RepoResponse, RepositoriesResponse, UserResponse, UsersResponse,
)

__all__ = [
    "AgentRunLogResponse", "AgentRunResponse", "AgentRunWithLogsResponse", "AgentRunsResponse",
    "GithubPullRequestResponse", "OrganizationResponse", "OrganizationsResponse", "RepoResponse",
    "RepositoriesResponse", "UserResponse", "UsersResponse",
]
