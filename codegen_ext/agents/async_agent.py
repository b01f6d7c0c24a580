"""An organisation's agent for asyncio."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from .. import flow
from ..async_client import AsyncCodegenClient
from .agent import AgentBase, check_client, check_options, configuration
from .async_task import AsyncTask
from .brief import run_arguments
from .images import Image

if TYPE_CHECKING:
    from ..config import ClientConfig


class AsyncAgent(AgentBase):
    """`Agent` for asyncio: the same names, awaitable."""

    def __init__(
        self,
        org_id: int | str | None = None,
        token: str | None = None,
        base_url: str | None = None,
        *,
        config: ClientConfig | None = None,
        client: AsyncCodegenClient | None = None,
    ) -> None:
        check_client(client, AsyncCodegenClient, token, base_url, config)
        self._owns_client = client is None
        self.client = client or AsyncCodegenClient(configuration(org_id, token, base_url, config))
        super().__init__(self.client.config, org_id)

    async def run(
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
    ) -> AsyncTask:
        """Create an agent run and return it as a task; as `Agent.run`."""
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
            repo_id = await flow.run_async(steps, self.client._perform_effect, self.client._clock)
        run = await self.client.create_agent_run(self.org_id, repo_id=repo_id, **arguments)
        return AsyncTask(self.client, self.org_id, run, timeout)

    async def get_task(self, task_id: int | str) -> AsyncTask:
        """Return a run that was started before; as `Agent.get_task`."""
        return AsyncTask(self.client, self.org_id, await self.client.get_agent_run(self.org_id, task_id))

    async def list_tasks(self, limit: int = 10) -> list[AsyncTask]:
        """Return the newest `limit` runs of the organisation, newest first."""
        runs = await flow.run_async(self._newest(limit), self.client._perform_effect, self.client._clock)
        return [AsyncTask(self.client, self.org_id, run) for run in runs]

    async def get_status(self) -> dict[str, Any]:
        """Return id, status, result and web_url of the organisation's latest run; all None when there is none."""
        return self._latest(await flow.run_async(self._newest(1), self.client._perform_effect, self.client._clock))

    async def close(self) -> None:
        """Close the connections, unless the client was brought along."""
        if self._owns_client:
            await self.client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()
