"""The client of the Codegen API for asyncio; it runs the same flows as the sync one."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from codegen_api import operations
from codegen_api._async.codegen import AsyncCodegenMethods, AsyncCodegenPages

from . import flow, once, paging, waiting
from .async_checks import AsyncCheckedClient
from .codegen_base import AnyFlow, CodegenBase, Progress, listed
from .errors import WaitTimeoutError
from .watching.loops import LoopWatchers
from .watching.tickets import News, Order

if TYPE_CHECKING:
    import os

    import httpx
    from codegen_api._async.codegen import AsyncRawCodegenMethods
    from codegen_api.models import (
        AgentRunLogResponse,
        AgentRunResponse,
        AgentRunsResponse,
        OrganizationResponse,
        RepoResponse,
        SourceType,
        UserResponse,
    )
    from codegen_api.operations import Operation

    from .bulk import AsyncBulkOperations, BulkResult
    from .clock import Clock
    from .config import ClientConfig
    from .limits.status import RateLimitStatus
    from .watching.changes import Change


class AsyncCodegenClient(CodegenBase, AsyncCheckedClient, AsyncCodegenMethods, AsyncCodegenPages):
    """`CodegenClient` for asyncio: the same names, awaitable, and streams as async iterators."""

    _watcher: LoopWatchers

    def __init__(self, config: ClientConfig | None = None, *, clock: Clock | None = None) -> None:
        super().__init__(config, **({} if clock is None else {"clock": clock}))
        self._watcher = LoopWatchers(self._clock, self._budgets)

    @property
    def session(self) -> httpx.AsyncClient:
        """The httpx client underneath, with credential and transports."""
        return self._http

    @property
    def with_raw_response(self) -> AsyncRawCodegenMethods:
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
        order = self._order(org_id, agent_run_id, poll_interval, timeout, progress_callback is not None)

        def notify(seen: News) -> object:
            return progress_callback(seen.progress) if progress_callback and seen.progress else None

        return await self._watch_one(order, cancel_on_timeout, notify)

    async def _watch_one(
        self, order: Order, cancel_on_timeout: bool, observe: Callable[[News], object]
    ) -> AgentRunResponse:
        async with aclosing(self._follow([order])) as news:
            async for seen in news:
                if seen.error is not None:
                    if cancel_on_timeout and isinstance(seen.error, WaitTimeoutError):
                        steps = waiting.cancellation(order.org_id, order.run_id, seen.error)
                        await flow.run_async(steps, self._perform_effect, self._clock)
                    raise seen.error
                outcome = observe(seen)
                if isinstance(outcome, Awaitable):
                    await outcome
        return cast("AgentRunResponse", seen.run)

    def _follow(self, orders: Sequence[Order]) -> AsyncGenerator[News]:
        return self._watcher.follow(orders, self._perform_effect)

    def as_completed(
        self,
        org_id: int | str,
        agent_run_ids: Iterable[int | str],
        poll_interval: float = 5.0,
        timeout: float | None = None,
    ) -> AsyncIterator[AgentRunResponse]:
        """Yield each of these runs once, as `CodegenClient.as_completed` does."""
        return self._completed(self._orders(org_id, agent_run_ids, poll_interval, timeout))

    async def _completed(self, orders: Sequence[Order]) -> AsyncIterator[AgentRunResponse]:
        first: Exception | None = None
        async with aclosing(self._follow(orders)) as news:
            async for seen in news:
                if seen.error is not None:
                    first = first or seen.error
                elif seen.final and seen.run is not None:
                    yield seen.run
        if first is not None:
            raise first

    async def wait_for_all(
        self,
        org_id: int | str,
        agent_run_ids: Iterable[int | str],
        poll_interval: float = 5.0,
        timeout: float | None = None,
    ) -> list[AgentRunResponse]:
        """Wait for all of these runs, as `CodegenClient.wait_for_all` does."""
        run_ids = listed(agent_run_ids)
        runs = {run.id: run async for run in self.as_completed(org_id, run_ids, poll_interval, timeout)}
        return [runs[int(run_id)] for run_id in run_ids]

    async def get_agent_runs(
        self, org_id: int | str, page: int = 1, per_page: int = paging.PAGE_SIZE
    ) -> AgentRunsResponse:
        """Return a page of runs as `CodegenClient.get_agent_runs` does."""
        return await self.list_agent_runs(org_id, skip=paging.skipped(page, per_page), limit=per_page)

    async def find_agent_run(self, org_id: int | str, request_id: str) -> AgentRunResponse | None:
        """Return the run that was created under a request id; as `CodegenClient.find_agent_run`."""
        steps = once.find(org_id, request_id, self._once_settings())
        found = await flow.run_async(steps, self._perform_effect, self._clock)
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
        return flow.iterate_async(
            self._logs(org_id, agent_run_id, follow, poll_interval), self._perform_effect, self._clock
        )

    def stream_all_agent_runs(
        self, org_id: int | str, user_id: int | str | None = None, source_type: SourceType | str | None = None
    ) -> AsyncIterator[AgentRunResponse]:
        """Yield runs as `CodegenClient.stream_all_agent_runs` does."""
        return self._items(
            operations.LIST_AGENT_RUNS, {"org_id": org_id, "user_id": user_id, "source_type": source_type}
        )

    def stream_agent_runs(self, org_id: int | str, status: str | None = None) -> AsyncIterator[AgentRunResponse]:
        """Yield runs as `CodegenClient.stream_agent_runs` does."""
        return paging.in_state_async(self.stream_all_agent_runs(org_id), status)

    def stream_users(self, org_id: int | str) -> AsyncIterator[UserResponse]:
        """Yield the users of an organisation."""
        return self._items(operations.GET_USERS, {"org_id": org_id})

    def stream_repositories(self, org_id: int | str) -> AsyncIterator[RepoResponse]:
        """Yield the repositories of an organisation."""
        return self._items(operations.GET_REPOSITORIES, {"org_id": org_id})

    def stream_organizations(self) -> AsyncIterator[OrganizationResponse]:
        """Yield the organisations that the token may use."""
        return self._items(operations.GET_ORGANIZATIONS, {})

    def _iter_pages(self, operation: str, page_size: int, arguments: dict[str, Any]) -> AsyncIterator[Any]:
        return self._read_ahead(self._named_pages(operation, page_size, arguments))

    def watch(self, org_id: int | str, cursor: str | None = None, poll_interval: float = 5.0) -> AsyncIterator[Change]:
        """Yield changes as `CodegenClient.watch` does."""
        return flow.iterate_async(self._changes(org_id, cursor, poll_interval), self._perform_effect, self._clock)

    def _items(self, operation: Operation[Any], arguments: dict[str, Any]) -> AsyncIterator[Any]:
        return paging.flat_async(operation, self._read_ahead(self._pages(operation, arguments)))

    def _read_ahead(self, pages: AnyFlow) -> AsyncIterator[Any]:
        return paging.ahead_async(flow.iterate_async(pages, self._perform_effect, self._clock))

    async def get_rate_limit_status(self) -> RateLimitStatus:
        """Return how the limits are used; as `CodegenClient.get_rate_limit_status`."""
        from asyncio import to_thread

        return await to_thread(self.rate_limiter.status)
