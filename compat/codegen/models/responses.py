"""The responses."""

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
