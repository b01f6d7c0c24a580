"""A run that somebody started, as an object that a coroutine can follow."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Self

from .. import flow
from .images import Image
from .task import GroupWait, TaskBase

if TYPE_CHECKING:
    from codegen_api.models import AgentRunLogResponse, AgentRunResponse

    from ..async_client import AsyncCodegenClient
    from ..watching.tickets import News


class AsyncTask(TaskBase):
    """`Task` for asyncio: the same names, awaitable."""

    def __init__(
        self, client: AsyncCodegenClient, org_id: int, run: AgentRunResponse, wait_timeout: float | None = None
    ) -> None:
        super().__init__(org_id, run, client._clock, wait_timeout)
        self._client = client

    async def refresh(self) -> Self:
        """Read the run anew."""
        self._see(await self._client.get_agent_run(**self._ids))
        return self

    async def get_logs(self, limit: int = 100) -> list[AgentRunLogResponse]:
        """Return the oldest `limit` entries of the run's log."""
        return await flow.run_async(self._first_logs(limit), self._client._perform_effect, self._clock)

    def stream_logs(self, follow: bool = True, poll_interval: float = 5.0) -> AsyncIterator[AgentRunLogResponse]:
        """Yield log entries as `Task.stream_logs` does."""
        logs = self._client._logs(self.org_id, self.id, follow, poll_interval)
        if follow:
            logs = self._followed(logs, poll_interval)
        return flow.iterate_async(logs, self._client._perform_effect, self._clock)

    async def wait_for_completion(
        self,
        poll_interval: float = 5.0,
        timeout: float | None = None,
        progress_callback: Callable[[dict[str, Any]], Awaitable[object] | object] | None = None,
        *,
        cancel_on_timeout: bool = False,
    ) -> Self:
        """Wait as `Task.wait_for_completion` does; the callback may be a coroutine function."""

        def observe(seen: News) -> object:
            self._see_progress(seen)
            return progress_callback(seen.progress) if progress_callback and seen.progress else None

        limit, progress = self._wait_limit(timeout), progress_callback is not None
        order = self._client._order(self.org_id, self.id, poll_interval, limit, progress, self._present)
        await self._client._watch_one(order, cancel_on_timeout, observe)
        return self

    wait = wait_for_completion

    @staticmethod
    async def wait_all(
        tasks: Iterable[AsyncTask], poll_interval: float = 5.0, timeout: float | None = None
    ) -> list[AsyncTask]:
        """Wait for all of these tasks, as `Task.wait_all` does."""
        tasks = list(tasks)
        wait = GroupWait(tasks, poll_interval, timeout)
        for client, orders in wait.rounds():
            async with aclosing(client._follow(orders)) as news:
                async for seen in news:
                    wait.take(seen)
        wait.raise_first()
        return tasks

    async def resume(self, prompt: str, images: Iterable[Image] | None = None) -> Self:
        """Give a paused or ended run a further prompt; as `Task.resume`."""
        self._see(await self._client.resume_agent_run(**self._resume_arguments(prompt, images)))
        return self

    async def cancel(self) -> Self:
        """Stop the run with the ban operation, which also bans the checks of its pull requests, and read it anew."""
        await self._client.ban_agent_run(**self._ids)
        return await self.refresh()
