"""An organization's agent: the object that starts runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Self

from codegen_api import operations

from .._request import is_seconds
from ..config import ClientConfig
from ..errors import ConfigurationError, invalid_argument, kind_of
from ..redact import shown, without_user
from ..run_options import Priority, check_repository, run_arguments, status_filter
from .client import AsyncCodegenClient
from .pagination import check_limit, first, items

if TYPE_CHECKING:
    from codegen_api.models import AgentRunResponse

    from ..images import Image
    from .task import AsyncTask


class AsyncAgent:
    """Starts agent runs in one organization, and finds those that were started before.

    Args:
        org_id: The organization's number; default from CODEGEN_ORG_ID.
        token: The API token; default from CODEGEN_API_TOKEN. May also be given as `api_token` or `api_key`.
        base_url: Address of the service, with or without `/v1`; default from CODEGEN_BASE_URL.
        config: Further settings, instead of token and base URL.
        client: A client to use instead of one of its own, or an agent that has one; it is not closed with the agent.
        settings: Single settings, by the names of `ClientConfig`.

    Raises:
        ConfigurationError: (a ValueError) when the token or the organization is missing.

    """

    org_id: int
    """The number of the organization."""
    client: AsyncCodegenClient
    """The client that performs the requests."""

    def __init__(
        self,
        org_id: int | str | None = None,
        token: str | None = None,
        base_url: str | None = None,
        *,
        config: ClientConfig | None = None,
        client: AsyncCodegenClient | AsyncAgent | None = None,
        **settings: Any,
    ) -> None:
        if token is not None or base_url is not None:
            if config is not None:
                raise ConfigurationError("pass either config or token and base_url", config_key="config")
            given = {"api_token": token, "base_url": base_url}
            settings = {**settings, **{name: value for name, value in given.items() if value is not None}}
        self._owns_client = client is None
        if client is None:
            if org_id is not None and config is None:
                settings["org_id"] = org_id
            client = AsyncCodegenClient(config, **settings)
        elif settings or config is not None:
            problem = "a client has its own settings: pass it without token, base_url and config"
            raise ConfigurationError(problem, config_key="client")
        elif isinstance(client, AsyncAgent):
            client = client.client
        if not isinstance(client, AsyncCodegenClient):
            problem = f"client must be of type {AsyncCodegenClient.__name__}, got {kind_of(client)}"
            raise ConfigurationError(problem, config_key="client")
        self.client = client
        self.token = client.config.api_token
        self.base_url = client.config.base_url
        self.org_id = _organization(client.config.org_id if org_id is None else org_id)

    @property
    def _client(self) -> AsyncCodegenClient:
        """The name that older programs use for `client`."""
        return self.client

    def __repr__(self) -> str:
        return f"{type(self).__name__}(org_id={self.org_id}, base_url={without_user(self.base_url)!r})"

    def __reduce__(self) -> Any:
        raise TypeError(f"{type(self).__name__} holds connections and a credential; make one in each process")

    async def run(
        self,
        prompt: str,
        images: Iterable[Image] | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        repository: str | None = None,
        repo_id: int | str | None = None,
        branch: str | None = None,
        priority: Priority | None = None,
        tags: Iterable[str] | None = None,
        context: str | Mapping[str, Any] | None = None,
        model: str | None = None,
        agent_type: str | None = None,
        timeout: float | None = None,
        webhook_url: str | None = None,
    ) -> AsyncTask:
        """Create an agent run and return it as a task; every call costs a run.

        Args:
            prompt: What the agent is to do.
            images: Images: paths, the files' contents, open files, or data URIs.
            metadata: Kept with the run and returned with it.
            repository: The repository to work on, as "owner/repo".
            repo_id: The repository's number, instead of `repository`.
            branch: The branch to work on; stands at the head of the prompt.
            priority: One of low, normal, high, urgent; kept with the run.
            tags: Strings to find the run by; kept with the run.
            context: What the agent should know; stands at the head of the prompt.
            model: The language model; default the organization's.
            agent_type: The kind of agent; default the service's.
            timeout: Seconds that waiting for this task takes at most, unless the wait itself says otherwise.
            webhook_url: Where to report the run's end; travels in the metadata.

        Raises:
            ValidationError: before anything is sent, for a blank prompt, an unknown repository (with the names that
                are close), an image that cannot be read, or an option out of range.
            CodegenAPIError: when the service refuses.

        """
        check_repository(repository, repo_id)
        if timeout is not None and not is_seconds(timeout):
            problem = f"expected a number of seconds greater than 0, at most a year, got {shown(timeout)}"
            raise invalid_argument("timeout", problem)
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
            repository=repository,
        )
        if repository is not None:
            repo_id = await self.client.repositories.resolve(self.client, self.org_id, repository)
        run = await self.client.create_agent_run(self.org_id, repo_id=repo_id, **arguments)
        return self._task(run, timeout)

    async def get_task(self, task_id: int | str) -> AsyncTask:
        """Return a run that was started before, also by another process.

        Raises:
            NotFoundError: when the organization has no such run.

        """
        return self._task(await self.client.get_agent_run(self.org_id, task_id))

    async def list_tasks(
        self, limit: int = 10, *, tag: str | None = None, status: str | None = None, repository: str | None = None
    ) -> list[AsyncTask]:
        """Return the newest runs of the organization, newest first.

        The service has no such filters, so with one the list is read until enough runs were found.

        Args:
            limit: How many to return at most.
            tag: Only runs that were created with this tag.
            status: Only runs in this status, as `AgentRunStatus` or the service writes it.
            repository: Only runs that were created with this `repository`.

        """
        has_status = status_filter(status)
        check_repository(repository)
        if not isinstance(tag, str | None):
            raise invalid_argument("tag", f"expected a string, got {kind_of(tag)}")
        if tag is status is repository is None:
            return [self._task(run) for run in await self._newest(limit)]
        check_limit(limit)
        found: list[AsyncTask] = []
        async with aclosing(items(self.client, operations.LIST_AGENT_RUNS, {"org_id": self.org_id})) as runs:
            async for run in runs:
                task = self._task(run)
                is_tagged = tag is None or tag in task.tags
                is_there = repository is None or (task.repository or "").lower() == repository.strip().lower()
                if is_tagged and is_there and has_status(run):
                    found.append(task)
                if len(found) >= limit:
                    break
        return found[:limit]

    async def get_status(self) -> dict[str, Any]:
        """Return id, status, result and web_url of the organization's latest run; all None when there is none."""
        runs = await self._newest(1)
        return {name: getattr(runs[0], name) if runs else None for name in ("id", "status", "result", "web_url")}

    def _task(self, run: AgentRunResponse, wait_timeout: float | None = None) -> AsyncTask:
        from .task import AsyncTask

        return AsyncTask(self.client, self.org_id, run, wait_timeout)

    async def _newest(self, limit: int) -> list[AgentRunResponse]:
        return await first(self.client, operations.LIST_AGENT_RUNS, {"org_id": self.org_id}, limit)

    async def close(self) -> None:
        """Close the connections, unless the client was brought along."""
        if self._owns_client:
            await self.client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()


def _organization(org_id: int | str) -> int:
    text = org_id if isinstance(org_id, str) else str(org_id) if type(org_id) is int else "x"
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    given = "nothing; set CODEGEN_ORG_ID or pass org_id" if org_id == "" else shown(org_id)
    raise ConfigurationError(f"org_id must be the organization's number, got {given}", config_key="org_id")
