"""An organisation's agent: the object that starts runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from codegen_api import operations

from .. import flow, paging
from ..client import CodegenClient
from ..codegen_base import CodegenBase
from ..errors import ConfigurationError, ValidationError
from ..redact import without_user
from .brief import run_arguments
from .images import Image
from .task import Task

if TYPE_CHECKING:
    from codegen_api.models import AgentRunResponse

    from ..config import ClientConfig


class AgentBase:
    """Settings and requests that the sync and the async agent share."""

    org_id: int
    """The number of the organisation."""

    def __init__(self, config: ClientConfig, org_id: int | str | None) -> None:
        self.token = config.api_token
        self.base_url = config.base_url
        self.org_id = _organisation(config.org_id if org_id is None else org_id)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(org_id={self.org_id}, base_url={without_user(self.base_url)!r})"

    def _newest(self, limit: int) -> flow.Flow[Any, list[AgentRunResponse]]:
        return paging.first(operations.LIST_AGENT_RUNS, {"org_id": self.org_id}, limit)

    def _latest(self, runs: list[AgentRunResponse]) -> dict[str, Any]:
        names = ("id", "status", "result", "web_url")
        return {name: getattr(runs[0], name) if runs else None for name in names}


def _organisation(org_id: int | str) -> int:
    text = org_id if isinstance(org_id, str) else str(org_id) if type(org_id) is int else "x"
    if text.isascii() and text.isdigit():
        return int(text)
    shown = "nothing; set CODEGEN_ORG_ID or pass org_id" if org_id == "" else repr(org_id)
    raise ConfigurationError(f"org_id must be the organisation's number, got {shown}", config_key="org_id")


def configuration(
    org_id: int | str | None, token: str | None, base_url: str | None, config: ClientConfig | None
) -> ClientConfig:
    """Return the settings of an agent's own client.

    Raises:
        ConfigurationError: when both a configuration and parts of one are given.

    """
    if config is not None:
        if token is not None or base_url is not None:
            raise ConfigurationError("pass either config or token and base_url", config_key="config")
        return config
    from ..config import ClientConfig

    given = {"api_token": token, "base_url": base_url, "org_id": org_id}
    return ClientConfig(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]


def check_client(client: object, kind: type[CodegenBase], *parts: object) -> None:
    """Raise ConfigurationError for a client of another kind, or together with settings that it would ignore."""
    if client is None:
        return
    if not isinstance(client, kind):
        problem = f"client must be of type {kind.__name__}, got {type(client).__name__}"
        raise ConfigurationError(problem, "client")
    if any(part is not None for part in parts):
        raise ConfigurationError("a client has its own settings: pass it without token, base_url and config", "client")


def check_options(repository: str | None, repo_id: int | str | None, timeout: float | None) -> None:
    """Refuse a repository without a name or with two, and a time that no wait can take."""
    if repository is not None and repo_id is not None:
        problem = "give either repository or repo_id, not both"
        raise ValidationError(problem, field_errors={"repository": [problem]})
    if not isinstance(repository, str | None):
        problem = f'repository must be a name such as "owner/repo", got {type(repository).__name__}'
        raise ValidationError(problem, field_errors={"repository": [problem]})
    if timeout is not None and (not isinstance(timeout, int | float) or not timeout > 0):
        problem = "timeout must be a number of seconds greater than 0"
        raise ValidationError(problem, field_errors={"timeout": [problem]})


class Agent(AgentBase):
    """Starts agent runs in one organisation, and finds those that were started before.

    Args:
        org_id: The organisation's number; default from CODEGEN_ORG_ID.
        token: The API token; default from CODEGEN_API_TOKEN.
        base_url: Address of the service, with or without `/v1`; default from CODEGEN_BASE_URL.
        config: Further settings, instead of token and base URL.
        client: A client to use instead of one of its own; it is not closed with the agent.

    Raises:
        ConfigurationError: (a ValueError) when the token or the organisation is missing.

    """

    def __init__(
        self,
        org_id: int | str | None = None,
        token: str | None = None,
        base_url: str | None = None,
        *,
        config: ClientConfig | None = None,
        client: CodegenClient | None = None,
    ) -> None:
        check_client(client, CodegenClient, token, base_url, config)
        self._owns_client = client is None
        self.client = client or CodegenClient(configuration(org_id, token, base_url, config))
        super().__init__(self.client.config, org_id)

    def run(
        self,
        prompt: str,
        images: Iterable[Image] | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        repository: str | None = None,
        repo_id: int | str | None = None,
        branch: str | None = None,
        priority: str | None = None,
        tags: Iterable[str] | None = None,
        context: str | Mapping[str, Any] | None = None,
        model: str | None = None,
        agent_type: str | None = None,
        timeout: float | None = None,
        webhook_url: str | None = None,
    ) -> Task:
        """Create an agent run and return it as a task; every call costs a run.

        Args:
            prompt: What the agent is to do.
            images: Pictures: paths, the files' contents, or data URIs.
            metadata: Kept with the run and returned with it.
            repository: The repository to work on, as "owner/repo".
            repo_id: The repository's number, instead of `repository`.
            branch: The branch to work on; stands at the head of the prompt.
            priority: One of low, normal, high, urgent; kept with the run.
            tags: Words to find the run by; kept with the run.
            context: What the agent should know; stands at the head of the prompt.
            model: The language model; default the organisation's.
            agent_type: The kind of agent; default the service's.
            timeout: Seconds that waiting for this task takes at most, unless the wait itself says otherwise.
            webhook_url: Where to report the run's end; travels in the metadata.

        Raises:
            ValidationError: before anything is sent, for a blank prompt, an unknown repository (with the names that
                are close), a picture that cannot be read, or an option out of range.
            CodegenAPIError: when the service refuses.

        """
        arguments = run_arguments(
            prompt,
            images=images,
            metadata=metadata,
            branch=branch,
            priority=priority,
            tags=tags,
            context=context,
            model=model,
            agent_type=agent_type,
            webhook_url=webhook_url,
        )
        check_options(repository, repo_id, timeout)
        if repository is not None:
            steps = self.client.repositories.resolve(self.org_id, repository)
            repo_id = flow.run(steps, self.client._perform_effect, self.client._clock)
        run = self.client.create_agent_run(self.org_id, repo_id=repo_id, **arguments)
        return Task(self.client, self.org_id, run, timeout)

    def get_task(self, task_id: int | str) -> Task:
        """Return a run that was started before, also by another process.

        Raises:
            NotFoundError: when the organisation has no such run.

        """
        return Task(self.client, self.org_id, self.client.get_agent_run(self.org_id, task_id))

    def list_tasks(self, limit: int = 10) -> list[Task]:
        """Return the newest `limit` runs of the organisation, newest first."""
        runs = flow.run(self._newest(limit), self.client._perform_effect, self.client._clock)
        return [Task(self.client, self.org_id, run) for run in runs]

    def get_status(self) -> dict[str, Any]:
        """Return id, status, result and web_url of the organisation's latest run; all None when there is none."""
        return self._latest(flow.run(self._newest(1), self.client._perform_effect, self.client._clock))

    def close(self) -> None:
        """Close the connections, unless the client was brought along."""
        if self._owns_client:
            self.client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
