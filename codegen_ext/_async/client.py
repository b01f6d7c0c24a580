"""The client of the Codegen API: every operation of the contract, and what takes more than one request."""

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
from typing import TYPE_CHECKING, Any, Self, TypeVar
from weakref import WeakSet

from codegen_api import operations
from codegen_api._async.codegen import AsyncCodegenMethods, AsyncCodegenPages, AsyncRawCodegenMethods

from .._request import check_flag, check_seconds, whole_number
from ..clock import SYSTEM_CLOCK, Clock
from ..config import ClientConfig
from ..errors import ClientClosedError
from ..list_index import PAGE_SIZE
from . import create_once, pagination
from .base_client import CLOSED, AsyncBaseClient
from .locks import Event

if TYPE_CHECKING:
    import os

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
    from codegen_api.options import RequestOptions
    from codegen_api.types import Response

    from ..bulk_results import BulkResult
    from ..changes import Change
    from ..rate_limits.status import RateLimitStatus
    from .bulk import AsyncBulkOperations
    from .health import AsyncHealthMonitor

T = TypeVar("T")


class AsyncCodegenClient(AsyncBaseClient, AsyncCodegenMethods, AsyncCodegenPages):
    """Every operation of the Codegen API as a method, and waiting, streaming and statistics on top.

    May be shared by tasks and event loops. Settings that are not given read the environment. Close it, or use it as a
    context manager.

    Args:
        config: Settings.
        clock: Where time comes from.
        settings: Single settings, by the names of `ClientConfig`, such as `api_token` and `timeout`.

    Raises:
        ConfigurationError: (a ValueError) when the token is missing or a setting is wrong.

    """

    def __init__(self, config: ClientConfig | None = None, *, clock: Clock = SYSTEM_CLOCK, **settings: Any) -> None:
        from .repositories import AsyncRepositoryIndex
        from .run_poller import AsyncRunPoller

        super().__init__(config, clock=clock, **settings)
        self.repositories = AsyncRepositoryIndex()
        self.run_poller = AsyncRunPoller(self)
        self._monitors: WeakSet[AsyncHealthMonitor] = WeakSet()

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Build a client from a mapping of settings; raises ConfigurationError for a name that is none."""
        return cls(ClientConfig.from_settings(settings))

    async def _perform(self, operation: Operation[T], arguments: Mapping[str, Any], options: RequestOptions) -> T:
        perform = self.perform if operation.reconcile is None else self.perform_once
        response = await perform(operation, arguments, options)
        pagination.attach(self, operation, arguments, response.parsed)
        return response.parsed

    async def perform_once(
        self, operation: Operation[T], arguments: Mapping[str, Any], options: RequestOptions
    ) -> Response[T]:
        """Perform an operation as its method does: one whose outcome is unknown is looked for first."""
        if operation.reconcile is None or not self.config.exactly_once:
            return await self.perform(operation, arguments, options)
        if operation.reconcile == "request-id":
            created: Any = await create_once.create(self, arguments, options)
            return created  # type: ignore[no-any-return]
        return await create_once.attempt(self, operation, arguments, options)

    @property
    def with_raw_response(self) -> AsyncRawCodegenMethods:
        """The same operations, each returning status, headers and body with the model in `parsed`."""
        return AsyncRawCodegen(self)

    async def get_agent_runs(self, org_id: int | str, page: int = 1, per_page: int = PAGE_SIZE) -> AgentRunsResponse:
        """Return a page of the runs of an organization, newest first; beyond the last page `items` is empty.

        Args:
            org_id: The organization.
            page: The number of the page, from 1.
            per_page: How many runs a page has, from 1 to 100.

        Raises:
            ValidationError: when a number is out of range.

        """
        return await self.list_agent_runs(org_id, skip=pagination.skipped(page, per_page), limit=per_page)

    async def find_agent_run(self, org_id: int | str, request_id: str) -> AgentRunResponse | None:
        """Return the run that was created under a request id, None when the organization's runs do not show it.

        Decides an `AmbiguousRequestError` of `create_agent_run` later; its `request_id` is the id.
        """
        found = await create_once.find(self, org_id, request_id)
        return None if found is None else found.parsed

    async def wait_for_completion(
        self,
        org_id: int | str,
        agent_run_id: int | str,
        poll_interval: float = 5.0,
        timeout: float | None = None,
        progress_callback: Callable[[dict[str, Any]], Awaitable[object] | object] | None = None,
        *,
        cancel_on_timeout: bool = False,
    ) -> AgentRunResponse:
        """Wait until a run has ended or is paused, and return it; a failed run is returned, not raised.

        All waits of a client share their requests. Pauses between polls grow from 2 s to `poll_interval`, are longer
        where the rate limit or the service's Retry-After says so, and short again when the run moves.

        Args:
            org_id: The organization of the run.
            agent_run_id: The run.
            poll_interval: The longest pause between two polls, in seconds, as the rate limit allows.
            timeout: Seconds to wait at most; 0 polls once, None waits as long as it takes.
            progress_callback: Called after each poll with one dict: status, elapsed, log_count, last_thought. What it
                raises is logged.
            cancel_on_timeout: Whether to stop the run when the time is over.

        Raises:
            WaitTimeoutError: (a TimeoutError) with the last known run; the run itself goes on.
            CodegenAPIError: when the run cannot be read.

        """
        from ..run_watch import watch_request

        request = watch_request(org_id, agent_run_id, poll_interval, timeout)
        return await self.run_poller.wait(request, progress_callback, cancel_on_timeout=cancel_on_timeout)

    def as_completed(
        self,
        org_id: int | str,
        agent_run_ids: Iterable[int | str],
        poll_interval: float = 5.0,
        timeout: float | None = None,
    ) -> AsyncIterator[AgentRunResponse]:
        """Yield each of these runs once, as soon as it has ended or is paused.

        Args:
            org_id: The organization of the runs.
            agent_run_ids: The runs; read whole before anything is sent.
            poll_interval: The longest pause between two polls of a run, in seconds, as the rate limit allows.
            timeout: Seconds to wait for all of them at most.

        Raises:
            WaitTimeoutError: (a TimeoutError) for the first run that is late, after all that were in time.
            CodegenAPIError: when a run cannot be read, after all others.

        """
        from ..run_watch import watch_requests

        return self.run_poller.completed(watch_requests(org_id, agent_run_ids, poll_interval, timeout))

    async def wait_for_all(
        self,
        org_id: int | str,
        agent_run_ids: Iterable[int | str],
        poll_interval: float = 5.0,
        timeout: float | None = None,
    ) -> list[AgentRunResponse]:
        """Wait until all of these runs have ended or are paused, and return them in the order of their ids.

        Arguments and errors as for `as_completed`; failed runs are returned, not raised.
        """
        from ..run_watch import watch_requests

        requests = watch_requests(org_id, agent_run_ids, poll_interval, timeout)
        runs = {run.id: run async for run in self.run_poller.completed(requests)}
        return [runs[request.run_id] for request in requests]

    def notify_run(self, run: Mapping[str, Any]) -> None:
        """Tell those that wait for a run its state, as a webhook brought it; from any thread, without blocking.

        `run` has at least `id` and `status`, and otherwise the contract's fields of a run, as far as they are known. A
        run for which no call waits is ignored.

        Raises:
            ValidationError: for what is not a mapping with the id of a run.

        """
        self.run_poller.notify(run)

    def stream_logs(
        self, org_id: int | str, agent_run_id: int | str, follow: bool = True, poll_interval: float = 5.0
    ) -> AsyncIterator[AgentRunLogResponse]:
        """Yield each log entry of a run once, oldest first; with `follow` until the run has ended or is paused.

        Args:
            org_id: The organization of the run.
            agent_run_id: The run.
            follow: Whether to wait for further entries.
            poll_interval: The longest pause between two requests, in seconds.

        """
        from .run_logs import stream_run_logs

        self.config.require("streaming")
        check_flag("follow", follow)
        check_seconds("poll_interval", poll_interval)
        return stream_run_logs(self, org_id, agent_run_id, follow=follow, poll_interval=poll_interval)

    def watch(self, org_id: int | str, cursor: str | None = None, poll_interval: float = 5.0) -> AsyncIterator[Change]:
        """Yield changes of an organization's runs for ever: created, status_changed, finished.

        Args:
            org_id: The organization.
            cursor: Where to go on: the `cursor` of the last change that was dealt with. Without it the present state
                is where it begins; of the runs that exist, those after 100 finished ones in a row are not followed.
            poll_interval: The pause between two polls, in seconds.

        Raises:
            ValidationError: when the cursor is not one of this organization.
            CodegenAPIError: for a failure that lasts, or after an hour of failures.

        """
        from ..changes import KnownRuns
        from .run_changes import stream_run_changes

        self.config.require("streaming")
        check_seconds("poll_interval", poll_interval)
        number = whole_number("org_id", org_id)
        known = None if cursor is None else KnownRuns.from_cursor(cursor, number)
        return stream_run_changes(self, self.run_poller, number, known, poll_interval)

    async def health_check(self) -> dict[str, Any]:
        """Send a cheap request; returns status, healthy, timestamp, response_time_seconds and error."""
        from .health import check

        report, _ = await check(self)
        return report

    def create_health_monitor(self, interval: float = 30, *, failure_threshold: int = 1) -> AsyncHealthMonitor:
        """Return a monitor that checks the service every `interval` seconds once it is started, in the background.

        Closing the client stops it. See docs/health.md.

        Args:
            interval: Seconds from the end of a check to the next; never less than the contract's limit allows.
            failure_threshold: How many checks in a row must fail before the service counts as unhealthy.

        Raises:
            ConfigurationError: when a value is out of range.

        """
        from .health import AsyncHealthMonitor

        monitor = AsyncHealthMonitor(self, interval, failure_threshold)
        self._monitors.add(monitor)
        return monitor

    async def close(self) -> None:
        """Close the connections, with the requests under way, stop the monitors, and end the waits for runs.

        Waits of other threads and tasks end with ClientClosedError, calls that pause when their pause is over. A client
        made by `with_options` leaves shared connections alone.
        """
        if not self._is_derived:
            self.run_poller.end(ClientClosedError(CLOSED))
            for monitor in list(self._monitors):
                await monitor.stop()
        await super().close()

    def bulk_operations(self) -> AsyncBulkOperations:
        """Return an object that creates many runs; it is a context manager too.

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

    def stream_all_agent_runs(
        self, org_id: int | str, user_id: int | str | None = None, source_type: SourceType | str | None = None
    ) -> AsyncIterator[AgentRunResponse]:
        """Yield every run of an organization, newest first; filters as in `list_agent_runs`.

        As all streams do, it holds two pages at most and fetches the next while one is consumed; runs that are created
        meanwhile neither repeat nor hide others. Close it, or read it to the end.
        """
        return self._stream_items(
            operations.LIST_AGENT_RUNS, {"org_id": org_id, "user_id": user_id, "source_type": source_type}
        )

    def stream_agent_runs(self, org_id: int | str, status: str | None = None) -> AsyncIterator[AgentRunResponse]:
        """Yield the runs of an organization, newest first; `status` keeps those in a state, filtered by the client.

        Raises:
            ValidationError: for a status that does not exist.

        """
        from ..run_options import status_filter

        return self._stream_items(operations.LIST_AGENT_RUNS, {"org_id": org_id}, status_filter(status))

    def stream_users(self, org_id: int | str) -> AsyncIterator[UserResponse]:
        """Yield the users of an organization."""
        return self._stream_items(operations.GET_USERS, {"org_id": org_id})

    def stream_repositories(self, org_id: int | str) -> AsyncIterator[RepoResponse]:
        """Yield the repositories of an organization."""
        return self._stream_items(operations.GET_REPOSITORIES, {"org_id": org_id})

    def stream_organizations(self) -> AsyncIterator[OrganizationResponse]:
        """Yield the organizations that the token may use."""
        return self._stream_items(operations.GET_ORGANIZATIONS, {})

    def _iter_pages(self, operation: str, page_size: int, arguments: Mapping[str, Any]) -> AsyncIterator[Any]:
        return self._pages(pagination.list_named(operation, self._service, arguments), arguments, page_size)

    def _pages(
        self, operation: Operation[Any], arguments: Mapping[str, Any], size: int = PAGE_SIZE
    ) -> AsyncGenerator[Any, None]:
        self.config.require("streaming")
        cancel = Event()
        return pagination.ahead(pagination.pages(self, operation, arguments, size, cancel=cancel), cancel)

    def _stream_items(
        self, operation: Operation[Any], arguments: Mapping[str, Any], keep: Callable[[Any], bool] | None = None
    ) -> AsyncGenerator[Any, None]:
        return pagination.items_in(operation, self._pages(operation, arguments), keep)

    async def get_rate_limit_status(self) -> RateLimitStatus:
        """Return how the limits are used: the tightest group's remaining, limit and reset_time, and all `groups`.

        `reset_time` is the seconds until more requests may go. Asks the shared state where there is one.
        """
        status: RateLimitStatus = await self.rate_limiter.status()
        return status


class AsyncRawCodegen(AsyncRawCodegenMethods):
    """Operations with the raw response."""

    def __init__(self, client: AsyncCodegenClient) -> None:
        self._client = client

    async def _perform(
        self, operation: Operation[T], arguments: Mapping[str, Any], options: RequestOptions
    ) -> Response[T]:
        return await self._client.perform_once(operation, arguments, options)
