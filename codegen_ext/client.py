"""The client of the Codegen API: every operation of the contract, and what takes more than one request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

from codegen_api import operations
from codegen_api.facade.codegen import CodegenOperations

from . import flow, once, paging, waiting
from .base import BaseClient, check_seconds
from .checks import CheckedClient
from .repositories import RepositoryIndex

if TYPE_CHECKING:
    import httpx
    from codegen_api.facade.codegen_raw import RawCodegenOperations
    from codegen_api.models import AgentRunLogResponse, AgentRunResponse, SourceType

    from .clock import Clock
    from .config import ClientConfig
    from .limits.status import RateLimitStatus

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


class CodegenClient(CodegenBase, CheckedClient, CodegenOperations):
    """Every operation of the Codegen API as a method, and waiting, streaming and statistics on top.

    May be shared by threads. Without `config` the environment is read. Close it, or use it in a `with` statement.

    Raises:
        ConfigurationError: (a ValueError) when the token is missing or a setting is wrong.

    """

    def __init__(self, config: ClientConfig | None = None, *, clock: Clock | None = None) -> None:
        super().__init__(config, **({} if clock is None else {"clock": clock}))

    @property
    def session(self) -> httpx.Client:
        """The httpx client underneath, with credential and transports."""
        return self._http

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

    def get_rate_limit_status(self) -> RateLimitStatus:
        """Return how the limits are used: the tightest group's remaining, limit and reset_time, and all `groups`.

        `reset_time` is the seconds until more requests may go. Asks the shared state where there is one.
        """
        return self.rate_limiter.status()
