"""The client of the Codegen API: every operation of the contract, and what takes more than one request."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

from codegen_api import operations
from codegen_api._sync.codegen import CodegenMethods, CodegenPages

from . import flow, once, paging, waiting
from .checks import CheckedClient
from .clock import StoppableClock
from .codegen_base import AnyFlow, CodegenBase, Progress, listed
from .errors import WaitTimeoutError
from .watching.threads import ThreadWatcher
from .watching.tickets import News, Order

if TYPE_CHECKING:
    import os

    import httpx
    from codegen_api._sync.codegen import RawCodegenMethods
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

    from .bulk import BulkOperations, BulkResult
    from .clock import Clock
    from .config import ClientConfig
    from .limits.status import RateLimitStatus
    from .watching.changes import Change


class CodegenClient(CodegenBase, CheckedClient, CodegenMethods, CodegenPages):
    """Every operation of the Codegen API as a method, and waiting, streaming and statistics on top.

    May be shared by threads. Without `config` the environment is read. Close it, or use it in a `with` statement.

    Raises:
        ConfigurationError: (a ValueError) when the token is missing or a setting is wrong.

    """

    _watcher: ThreadWatcher

    def __init__(self, config: ClientConfig | None = None, *, clock: Clock | None = None) -> None:
        super().__init__(config, **({} if clock is None else {"clock": clock}))
        self._watcher = ThreadWatcher(self._clock, self._budgets)

    @property
    def session(self) -> httpx.Client:
        """The httpx client underneath, with credential and transports."""
        return self._http

    @property
    def with_raw_response(self) -> RawCodegenMethods:
        """The same operations, each returning status, headers and body with the model in `parsed`."""
        from .raw import RawCodegen

        return RawCodegen(self)

    def wait_for_completion(
        self,
        org_id: int | str,
        agent_run_id: int | str,
        poll_interval: float = 5.0,
        timeout: float | None = None,
        progress_callback: Callable[[Progress], object] | None = None,
        *,
        cancel_on_timeout: bool = False,
    ) -> AgentRunResponse:
        """Wait until a run has ended or is paused, and return it; a failed run is returned, not raised.

        All waits of a client share their requests. Pauses between looks grow from 2 s to `poll_interval`, are longer
        where the rate limit or the service's Retry-After says so, and short again when the run moves.

        Args:
            org_id: The organisation of the run.
            agent_run_id: The run.
            poll_interval: The longest pause between two looks, in seconds, as the rate limit allows.
            timeout: Seconds to wait at most; None waits as long as it takes.
            progress_callback: Called after each look with one dict: status, elapsed, log_count, last_thought.
            cancel_on_timeout: Whether to stop the run when the time is over.

        Raises:
            WaitTimeoutError: (a TimeoutError) with the last known run; the run itself goes on.
            CodegenAPIError: when the run cannot be read.

        """
        order = self._order(org_id, agent_run_id, poll_interval, timeout, progress_callback is not None)

        def notify(seen: News) -> object:
            return progress_callback(seen.progress) if progress_callback and seen.progress else None

        return self._watch_one(order, cancel_on_timeout, notify)

    def _watch_one(self, order: Order, cancel_on_timeout: bool, observe: Callable[[News], object]) -> AgentRunResponse:
        with closing(self._follow([order])) as news:
            for seen in news:
                if seen.error is not None:
                    if cancel_on_timeout and isinstance(seen.error, WaitTimeoutError):
                        steps = waiting.cancellation(order.org_id, order.run_id, seen.error)
                        flow.run(steps, self._perform_effect, self._clock)
                    raise seen.error
                observe(seen)
        return cast("AgentRunResponse", seen.run)

    def _follow(self, orders: Sequence[Order]) -> Generator[News]:
        return self._watcher.follow(orders, self._perform_effect)

    def as_completed(
        self,
        org_id: int | str,
        agent_run_ids: Iterable[int | str],
        poll_interval: float = 5.0,
        timeout: float | None = None,
    ) -> Iterator[AgentRunResponse]:
        """Yield each of these runs once, as soon as it has ended or is paused.

        Args:
            org_id: The organisation of the runs.
            agent_run_ids: The runs; read whole before anything is asked.
            poll_interval: The longest pause between two looks at a run, in seconds, as the rate limit allows.
            timeout: Seconds to wait for all of them at most.

        Raises:
            WaitTimeoutError: (a TimeoutError) for the first run that is late, after all that were in time.
            CodegenAPIError: when a run cannot be read, after all others.

        """
        return self._completed(self._orders(org_id, agent_run_ids, poll_interval, timeout))

    def _completed(self, orders: Sequence[Order]) -> Iterator[AgentRunResponse]:
        first: Exception | None = None
        with closing(self._follow(orders)) as news:
            for seen in news:
                if seen.error is not None:
                    first = first or seen.error
                elif seen.final and seen.run is not None:
                    yield seen.run
        if first is not None:
            raise first

    def wait_for_all(
        self,
        org_id: int | str,
        agent_run_ids: Iterable[int | str],
        poll_interval: float = 5.0,
        timeout: float | None = None,
    ) -> list[AgentRunResponse]:
        """Wait until all of these runs have ended or are paused, and return them in the order of their ids.

        Arguments and errors as for `as_completed`; failed runs are returned, not raised.
        """
        run_ids = listed(agent_run_ids)
        runs = {run.id: run for run in self.as_completed(org_id, run_ids, poll_interval, timeout)}
        return [runs[int(run_id)] for run_id in run_ids]

    def get_agent_runs(self, org_id: int | str, page: int = 1, per_page: int = paging.PAGE_SIZE) -> AgentRunsResponse:
        """Return a page of the runs of an organisation, newest first; beyond the last page `items` is empty.

        Args:
            org_id: The organisation.
            page: The number of the page, from 1.
            per_page: How many runs a page has, from 1 to 100.

        Raises:
            ValidationError: when a number is out of range.

        """
        return self.list_agent_runs(org_id, skip=paging.skipped(page, per_page), limit=per_page)

    def find_agent_run(self, org_id: int | str, request_id: str) -> AgentRunResponse | None:
        """Return the run that was created under a request id, None when the organisation's runs do not show it.

        Decides an `AmbiguousRequestError` of `create_agent_run` later; its `request_id` is the id.
        """
        found = flow.run(once.find(org_id, request_id, self._once_settings()), self._perform_effect, self._clock)
        return None if found is None else found.parsed

    def bulk_operations(self) -> BulkOperations:
        """Return an object that creates many runs; works in a `with` statement.

        Raises:
            ConfigurationError: when `enable_bulk_operations` is false.

        """
        from .bulk import BulkOperations

        return BulkOperations(self)

    def bulk_create_agent_runs(
        self,
        org_id: int | str,
        configs: Sequence[Mapping[str, Any]],
        max_concurrent: int | None = None,
        *,
        wait: bool = False,
        on_result: Callable[[BulkResult], object] | None = None,
        journal: str | os.PathLike[str] | None = None,
    ) -> list[BulkResult]:
        """Create a run for each configuration; as `BulkOperations.create_agent_runs`."""
        return self.bulk_operations().create_agent_runs(
            org_id, configs, max_concurrent, wait=wait, on_result=on_result, journal=journal
        )

    def iter_create_agent_runs(
        self,
        org_id: int | str,
        configs: Iterable[Mapping[str, Any]],
        max_concurrent: int | None = None,
        *,
        ordered: bool = True,
        journal: str | os.PathLike[str] | None = None,
    ) -> Iterator[BulkResult]:
        """Yield results while runs are created; as `BulkOperations.iter_create_agent_runs`."""
        return self.bulk_operations().iter_create_agent_runs(
            org_id, configs, max_concurrent, ordered=ordered, journal=journal
        )

    def stream_logs(
        self, org_id: int | str, agent_run_id: int | str, follow: bool = True, poll_interval: float = 5.0
    ) -> Iterator[AgentRunLogResponse]:
        """Yield each log entry of a run once, oldest first; with `follow` until the run has ended or is paused.

        Args:
            org_id: The organisation of the run.
            agent_run_id: The run.
            follow: Whether to wait for further entries.
            poll_interval: The longest pause between two requests, in seconds.

        """
        return flow.iterate(self._logs(org_id, agent_run_id, follow, poll_interval), self._perform_effect, self._clock)

    def stream_all_agent_runs(
        self, org_id: int | str, user_id: int | str | None = None, source_type: SourceType | str | None = None
    ) -> Iterator[AgentRunResponse]:
        """Yield every run of an organisation, newest first; filters as in `list_agent_runs`.

        As all streams do, it holds two pages at most and fetches the next while one is consumed; runs that are created
        meanwhile neither repeat nor hide others. Close it, or read it to the end.
        """
        return self._items(
            operations.LIST_AGENT_RUNS, {"org_id": org_id, "user_id": user_id, "source_type": source_type}
        )

    def stream_agent_runs(self, org_id: int | str, status: str | None = None) -> Iterator[AgentRunResponse]:
        """Yield the runs of an organisation, newest first; `status` keeps those in a state, filtered by the client."""
        return paging.in_state(self.stream_all_agent_runs(org_id), status)

    def stream_users(self, org_id: int | str) -> Iterator[UserResponse]:
        """Yield the users of an organisation."""
        return self._items(operations.GET_USERS, {"org_id": org_id})

    def stream_repositories(self, org_id: int | str) -> Iterator[RepoResponse]:
        """Yield the repositories of an organisation."""
        return self._items(operations.GET_REPOSITORIES, {"org_id": org_id})

    def stream_organizations(self) -> Iterator[OrganizationResponse]:
        """Yield the organisations that the token may use."""
        return self._items(operations.GET_ORGANIZATIONS, {})

    def _iter_pages(self, operation: str, page_size: int, arguments: dict[str, Any]) -> Iterator[Any]:
        return self._read_ahead(self._named_pages(operation, page_size, arguments))

    def watch(self, org_id: int | str, cursor: str | None = None, poll_interval: float = 5.0) -> Iterator[Change]:
        """Yield changes of an organisation's runs for ever: created, status_changed, finished.

        Args:
            org_id: The organisation.
            cursor: Where to go on: the `cursor` of the last change that was dealt with. Without it the present state
                is where it begins; of the runs that exist, those after 100 finished ones in a row are not followed.
            poll_interval: The pause between two looks, in seconds.

        Raises:
            ValidationError: when the cursor is not one of this organisation.
            CodegenAPIError: for a failure that lasts, or after an hour of failures.

        """
        return flow.iterate(self._changes(org_id, cursor, poll_interval), self._perform_effect, self._clock)

    def _items(self, operation: Operation[Any], arguments: dict[str, Any]) -> Iterator[Any]:
        return paging.flat(operation, self._read_ahead(self._pages(operation, arguments)))

    def _read_ahead(self, pages: AnyFlow) -> Iterator[Any]:
        clock = StoppableClock(self._clock)
        return paging.ahead(flow.iterate(pages, self._on_clock(clock)._perform_effect, clock), clock.stop)

    def get_rate_limit_status(self) -> RateLimitStatus:
        """Return how the limits are used: the tightest group's remaining, limit and reset_time, and all `groups`.

        `reset_time` is the seconds until more requests may go. Asks the shared state where there is one.
        """
        return self.rate_limiter.status()
