"""The client of the Codegen API: every operation of the contract, and what takes more than one request."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from codegen_api import operations
from codegen_api.facade.codegen import CodegenOperations

from . import flow, once, paging, waiting
from .base import BaseClient, check_seconds
from .errors import CodegenAPIError
from .repositories import RepositoryIndex
from .sync_base import SyncClient

if TYPE_CHECKING:
    import os

    from codegen_api.facade.codegen_raw import RawCodegenOperations
    from codegen_api.models import AgentRunLogResponse, AgentRunResponse, SourceType

    from .bulk import BulkOperations, BulkResult
    from .clock import Clock
    from .config import ClientConfig

Progress = dict[str, Any]
"""What a progress callback gets: status, elapsed (seconds), log_count, last_thought; the last two may be None."""


class CodegenBase(BaseClient):
    """What the sync and the async client share: the flows that both run."""

    def __init__(self, config: ClientConfig | None, **options: Any) -> None:
        super().__init__(config, **options)
        self.repositories = RepositoryIndex()

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Build a client from a mapping of settings; raises ConfigurationError for a name that is none."""
        from .config import ClientConfig

        return cls(ClientConfig.from_settings(settings))

    def _completion(
        self,
        org_id: int | str,
        agent_run_id: int | str,
        poll_interval: float,
        timeout: float | None,
        with_progress: bool,
        cancel_on_timeout: bool,
    ) -> flow.Flow[waiting.Observation, AgentRunResponse]:
        check_seconds("poll_interval", poll_interval)
        if timeout is not None and timeout != 0:
            check_seconds("timeout", timeout)
        return waiting.completion(
            org_id,
            agent_run_id,
            clock=self._clock,
            poll_interval=poll_interval,
            timeout=timeout,
            with_progress=with_progress,
            cancel_on_timeout=cancel_on_timeout,
        )

    def _logs(
        self, org_id: int | str, agent_run_id: int | str, follow: bool, poll_interval: float
    ) -> flow.Flow[AgentRunLogResponse, None]:
        self.config.require("streaming")
        check_seconds("poll_interval", poll_interval)
        return waiting.logs(org_id, agent_run_id, clock=self._clock, follow=follow, poll_interval=poll_interval)

    def _all_runs(
        self, org_id: int | str, user_id: int | str | None, source_type: SourceType | str | None
    ) -> flow.Flow[AgentRunResponse, None]:
        self.config.require("streaming")
        arguments = {"org_id": org_id, "user_id": user_id, "source_type": source_type}
        return paging.items(operations.LIST_AGENT_RUNS, arguments)

    def _health(self, start: float, error: CodegenAPIError | None) -> dict[str, Any]:
        return {
            "status": "unhealthy" if error else "healthy",
            "healthy": error is None,
            "timestamp": datetime.datetime.fromtimestamp(self._clock.time(), datetime.UTC).isoformat(),
            "response_time_seconds": self._clock.monotonic() - start,
            "error": str(error) if error else None,
        }


class CodegenClient(CodegenBase, SyncClient, CodegenOperations):
    """Every operation of the Codegen API as a method, and waiting, streaming and statistics on top.

    May be shared by threads. Without `config` the environment is read. Close it, or use it in a `with` statement.

    Raises:
        ConfigurationError: (a ValueError) when the token is missing or a setting is wrong.

    """

    def __init__(self, config: ClientConfig | None = None, *, clock: Clock | None = None) -> None:
        super().__init__(config, **({} if clock is None else {"clock": clock}))

    @property
    def with_raw_response(self) -> RawCodegenOperations:
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

        Pauses between polls grow from 1 s to `poll_interval`, with jitter, and follow the service's Retry-After.

        Args:
            org_id: The organisation of the run.
            agent_run_id: The run.
            poll_interval: The longest pause between two polls, in seconds.
            timeout: Seconds to wait at most; None waits as long as it takes.
            progress_callback: Called after each poll with one dict: status, elapsed, log_count, last_thought.
            cancel_on_timeout: Whether to stop the run when the time is over.

        Raises:
            WaitTimeoutError: (a TimeoutError) with the last known run; the run itself goes on.
            CodegenAPIError: when the run cannot be read.

        """
        steps = self._completion(
            org_id, agent_run_id, poll_interval, timeout, progress_callback is not None, cancel_on_timeout
        )

        def notify(seen: waiting.Observation) -> object:
            return progress_callback(seen.progress) if progress_callback and seen.progress else None

        return flow.run(steps, self._perform, self._clock, notify)

    def find_agent_run(self, org_id: int | str, request_id: str) -> AgentRunResponse | None:
        """Return the run that was created under a request id, None when the organisation's runs do not show it.

        Decides an `AmbiguousRequestError` of `create_agent_run` later; its `request_id` is the id.
        """
        found = flow.run(once.find(org_id, request_id, self._once_settings()), self._perform, self._clock)
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
        return flow.iterate(self._logs(org_id, agent_run_id, follow, poll_interval), self._perform, self._clock)

    def stream_all_agent_runs(
        self, org_id: int | str, user_id: int | str | None = None, source_type: SourceType | str | None = None
    ) -> Iterator[AgentRunResponse]:
        """Yield every run of an organisation, newest first, page after page; filters as in `list_agent_runs`."""
        return flow.iterate(self._all_runs(org_id, user_id, source_type), self._perform, self._clock)

    def health_check(self) -> dict[str, Any]:
        """Ask the service a cheap question; returns status, healthy, timestamp, response_time_seconds and error."""
        start = self._clock.monotonic()
        try:
            self.get_current_user()
        except CodegenAPIError as error:
            return self._health(start, error)
        return self._health(start, None)
