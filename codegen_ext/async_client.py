"""The client of the Codegen API for asyncio; it runs the same flows as the sync one."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from codegen_api.facade.codegen_async import AsyncCodegenOperations

from . import flow, once, waiting
from .async_base import AsyncClient
from .client import CodegenBase, Progress
from .errors import CodegenAPIError

if TYPE_CHECKING:
    import os

    from codegen_api.facade.codegen_async_raw import AsyncRawCodegenOperations
    from codegen_api.models import AgentRunLogResponse, AgentRunResponse, SourceType

    from .bulk import AsyncBulkOperations, BulkResult
    from .clock import Clock
    from .config import ClientConfig


class AsyncCodegenClient(CodegenBase, AsyncClient, AsyncCodegenOperations):
    """`CodegenClient` for asyncio: the same names, awaitable, and streams as async iterators."""

    def __init__(self, config: ClientConfig | None = None, *, clock: Clock | None = None) -> None:
        super().__init__(config, **({} if clock is None else {"clock": clock}))

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

    def bulk_operations(self) -> AsyncBulkOperations:
        """Return an object that creates many runs; works in an `async with` statement.

        Raises:
            ConfigurationError: when `enable_bulk_operations` is false.

        """
        from .bulk import AsyncBulkOperations

        return AsyncBulkOperations(self)

    async def bulk_create_agent_runs(
        self,
        org_id: int | str,
        configs: Sequence[Mapping[str, Any]],
        max_concurrent: int | None = None,
        *,
        wait: bool = False,
        on_result: Callable[[BulkResult], Awaitable[object] | object] | None = None,
        journal: str | os.PathLike[str] | None = None,
    ) -> list[BulkResult]:
        """Create a run for each configuration; as `AsyncBulkOperations.create_agent_runs`."""
        return await self.bulk_operations().create_agent_runs(
            org_id, configs, max_concurrent, wait=wait, on_result=on_result, journal=journal
        )

    def iter_create_agent_runs(
        self,
        org_id: int | str,
        configs: Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]],
        max_concurrent: int | None = None,
        *,
        ordered: bool = True,
        journal: str | os.PathLike[str] | None = None,
    ) -> AsyncIterator[BulkResult]:
        """Yield results while runs are created; as `AsyncBulkOperations.iter_create_agent_runs`."""
        return self.bulk_operations().iter_create_agent_runs(
            org_id, configs, max_concurrent, ordered=ordered, journal=journal
        )

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

    async def health_check(self) -> dict[str, Any]:
        """Ask the service a cheap question; as `CodegenClient.health_check`."""
        start = self._clock.monotonic()
        try:
            await self.get_current_user()
        except CodegenAPIError as error:
            return self._health(start, error)
        return self._health(start, None)
