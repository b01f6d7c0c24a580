"""The client of the Codegen API for asyncio; it runs the same flows as the sync one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

from codegen_api.facade.codegen_async import AsyncCodegenOperations

from . import flow, once, waiting
from .async_checks import AsyncCheckedClient
from .client import CodegenBase, Progress

if TYPE_CHECKING:
    import httpx
    from codegen_api.facade.codegen_async_raw import AsyncRawCodegenOperations
    from codegen_api.models import AgentRunLogResponse, AgentRunResponse, SourceType

    from .clock import Clock
    from .config import ClientConfig
    from .limits.status import RateLimitStatus


class AsyncCodegenClient(CodegenBase, AsyncCheckedClient, AsyncCodegenOperations):
    """`CodegenClient` for asyncio: the same names, awaitable, and streams as async iterators."""

    def __init__(self, config: ClientConfig | None = None, *, clock: Clock | None = None) -> None:
        super().__init__(config, **({} if clock is None else {"clock": clock}))

    @property
    def session(self) -> httpx.AsyncClient:
        """The httpx client underneath, with credential and transports."""
        return self._http

    @property
    def with_raw_response(self) -> AsyncRawCodegenOperations:
        """The same operations, each returning status, headers and body with the model in `parsed`."""
        from .raw import AsyncRawCodegen

        return AsyncRawCodegen(self)

    async def wait_for_completion(
        self,
        org_id: int | str,
        agent_run_id: int | str,
        poll_interval: float = 5.0,
        timeout: float | None = None,
        progress_callback: Callable[[Progress], Awaitable[object] | object] | None = None,
        *,
        cancel_on_timeout: bool = False,
    ) -> AgentRunResponse:
        """Wait as `CodegenClient.wait_for_completion` does; the callback may be a coroutine function."""
        steps = self._completion(
            org_id, agent_run_id, poll_interval, timeout, progress_callback is not None, cancel_on_timeout
        )

        def notify(seen: waiting.Observation) -> object:
            return progress_callback(seen.progress) if progress_callback and seen.progress else None

        return await flow.run_async(steps, self._perform, self._clock, notify)

    async def find_agent_run(self, org_id: int | str, request_id: str) -> AgentRunResponse | None:
        """Return the run that was created under a request id; as `CodegenClient.find_agent_run`."""
        steps = once.find(org_id, request_id, self._once_settings())
        found = await flow.run_async(steps, self._perform, self._clock)
        return None if found is None else found.parsed

    def stream_logs(
        self, org_id: int | str, agent_run_id: int | str, follow: bool = True, poll_interval: float = 5.0
    ) -> AsyncIterator[AgentRunLogResponse]:
        """Yield log entries as `CodegenClient.stream_logs` does."""
        return flow.iterate_async(self._logs(org_id, agent_run_id, follow, poll_interval), self._perform, self._clock)

    def stream_all_agent_runs(
        self, org_id: int | str, user_id: int | str | None = None, source_type: SourceType | str | None = None
    ) -> AsyncIterator[AgentRunResponse]:
        """Yield runs as `CodegenClient.stream_all_agent_runs` does."""
        return flow.iterate_async(self._all_runs(org_id, user_id, source_type), self._perform, self._clock)

    async def get_rate_limit_status(self) -> RateLimitStatus:
        """Return how the limits are used; as `CodegenClient.get_rate_limit_status`."""
        from asyncio import to_thread

        return await to_thread(self.rate_limiter.status)
