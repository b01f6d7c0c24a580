"""A run as an object that can be followed, resumed and cancelled."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING, Any, Self

from codegen_api import operations
from codegen_api.codec import parse_timestamp
from codegen_api.enums import AgentRunStatus

from .._request import checked_string
from ..errors import TaskError, invalid_argument, kind_of
from ..run_watch import RunUpdate, WatchRequest, is_settled, watch_request
from .callbacks import call_back, check_callback
from .pagination import first
from .run_logs import perform_patiently

if TYPE_CHECKING:
    from codegen_api.models import AgentRunLogResponse, AgentRunResponse, GithubPullRequestResponse

    from ..images import Image
    from .client import AsyncCodegenClient
    from .run_poller import AsyncRunPoller

_FRESH = 1.0
"""Seconds for which a state that was read counts as the present one."""
_LINK = r"\[(?P<title>[^\]\n]+)\]\((?P<target>https?://[^\s)]+)\)|(?P<bare>https?://[^\s<>()\[\]\"'`]+)"


class AsyncTask:
    """One agent run; made by `AsyncAgent.run`, `AsyncAgent.get_task` and `AsyncAgent.list_tasks`.

    Shows the state that was last read. Two tasks of the same run are equal.
    """

    def __init__(
        self, client: AsyncCodegenClient, org_id: int, run: AgentRunResponse, wait_timeout: float | None = None
    ) -> None:
        self._client = client
        self.org_id = org_id
        self._run = run
        self._clock = client.clock
        self._wait_timeout = wait_timeout
        self._first_seen = self._clock.time()
        self._seen_at = self._clock.monotonic()
        self._ended_at: float | None = None
        self._refresh_count = 0
        self._last_refresh: float | None = None
        self._logs_count: int | None = None
        self._last_thought: str | None = None
        self._callbacks: list[Callable[[Any, Any], object]] = []
        self._note_end()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(id={self.id}, status={self._status_text()!r})"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AsyncTask) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __reduce__(self) -> Any:
        raise TypeError(f"{type(self).__name__} holds a client; keep its id, and use agent.get_task(id)")

    def _identity(self) -> tuple[str, int, int]:
        return self._client.config.service_url, self.org_id, self.id

    def _status_text(self) -> str | None:
        return None if self._run.status is None else str(self._run.status)

    @property
    def id(self) -> int:
        """The number of the run."""
        return self._run.id

    @property
    def run(self) -> AgentRunResponse:
        """The run as it was last read."""
        return self._run

    @property
    def status(self) -> AgentRunStatus | str | None:
        """The normalized status; a value that is not known stays as the service sent it."""
        return self._run.status

    @property
    def raw_status(self) -> str | None:
        """The status as the service sent it."""
        return self._run.raw_status

    @property
    def result(self) -> str | None:
        """What the agent answered, None until then."""
        return self._run.result

    @property
    def summary(self) -> str | None:
        """What the agent says that it did or is doing."""
        return self._run.summary

    @property
    def web_url(self) -> str | None:
        """Address of the page that shows the run."""
        return self._run.web_url

    @property
    def created_at(self) -> str | None:
        """When the run was created, as the service wrote it."""
        return self._run.created_at

    @property
    def github_pull_requests(self) -> list[GithubPullRequestResponse]:
        """The pull requests that the run opened."""
        return self._run.github_pull_requests or []

    @property
    def metadata(self) -> dict[str, Any] | None:
        """What was given as metadata when the run was created."""
        return self._run.metadata

    @property
    def tags(self) -> list[str]:
        """The tags that the run was created with."""
        tags = (self._run.reserved_metadata or {}).get("tags")
        return [str(tag) for tag in tags] if isinstance(tags, list) else []

    @property
    def priority(self) -> str | None:
        """The priority that the run was created with, None without one."""
        priority = (self._run.reserved_metadata or {}).get("priority")
        return priority if isinstance(priority, str) else None

    @property
    def repository(self) -> str | None:
        """The repository that the run was created with, as "owner/repo"; None where none was named."""
        repository = (self._run.reserved_metadata or {}).get("repository")
        return repository if isinstance(repository, str) else None

    @property
    def is_terminal(self) -> bool:
        """Whether the run has ended for good."""
        return isinstance(self.status, AgentRunStatus) and self.status.is_terminal

    @property
    def is_running(self) -> bool:
        """Whether the agent is at work."""
        return self.status is AgentRunStatus.RUNNING

    @property
    def error(self) -> str | None:
        """Why a failed run failed, as far as its result or summary says; None for any other run."""
        return (self.result or self.summary) if self.status is AgentRunStatus.FAILED else None

    @property
    def duration(self) -> float | None:
        """Seconds from creation to the first time that the end was seen; None before that."""
        return None if self._ended_at is None else max(0.0, self._ended_at - self._created())

    @property
    def progress(self) -> dict[str, Any]:
        """What is known without a request: status, elapsed (seconds), log_count and last_thought (both may be None)."""
        end = self._clock.time() if self._ended_at is None else self._ended_at
        return {
            "status": self.status,
            "elapsed": max(0.0, end - self._created()),
            "log_count": self._logs_count,
            "last_thought": self._last_thought,
        }

    def get_artifacts(self) -> list[dict[str, Any]]:
        """List the pull requests of the run and the links in its result, as dicts with kind, title and url."""
        artifacts = [{"kind": "pull_request", "title": pr.title, "url": pr.url} for pr in self.github_pull_requests]
        known = {artifact["url"] for artifact in artifacts}
        for match in re.finditer(_LINK, self.result or ""):
            url = match["target"] or match["bare"].rstrip(".,;:!?")
            if url not in known:
                known.add(url)
                artifacts.append({"kind": "link", "title": match["title"] or url, "url": url})
        return artifacts

    def get_monitoring_info(self) -> dict[str, Any]:
        """Return what is known of the run and of how it was followed, without a request; times are epoch seconds."""
        return {
            "task_id": self.id,
            "status": self.status,
            "creation_time": self.created_at,
            "refresh_count": self._refresh_count,
            "last_refresh_time": self._last_refresh,
            "duration": self.duration,
            "is_terminal": self.is_terminal,
            "is_running": self.is_running,
            "artifacts_count": len(self.get_artifacts()),
            "logs_count": self._logs_count,
            "progress": self.progress,
        }

    def add_status_callback(self, callback: Callable[[Any, Any], Awaitable[object] | object]) -> None:
        """Call `callback(old, new)` whenever a later request finds another status; what it raises is logged."""
        self._callbacks.append(check_callback("callback", callback, 2))

    def raise_for_status(self) -> Self:
        """Return the task when the run has completed.

        Raises:
            TaskError: when it has failed, was cancelled, is paused, or has not ended.

        """
        if self.status is AgentRunStatus.COMPLETED:
            return self
        if self.status is AgentRunStatus.PAUSED:
            problem = "is paused and needs input: give it a further prompt with resume()"
        elif self.is_terminal:
            problem = f"{self._status_text()}{f': {self.error}' if self.error else ''}"
        else:
            problem = f"has not ended, its status is {self._status_text()}; wait() for it"
        raise TaskError(f"agent run {self.id} {problem}", task_id=self.id, task_status=self._status_text())

    async def refresh(self) -> Self:
        """Read the run again."""
        await self._observe(await self._client.get_agent_run(self.org_id, self.id))
        return self

    async def get_logs(self, limit: int = 100) -> list[AgentRunLogResponse]:
        """Return the oldest `limit` entries of the run's log."""
        arguments = {"org_id": self.org_id, "agent_run_id": self.id}
        return await first(self._client, operations.GET_AGENT_RUN_LOGS, arguments, limit)

    def stream_logs(self, follow: bool = True, poll_interval: float = 5.0) -> AsyncIterator[AgentRunLogResponse]:
        """Yield each entry of the log once, oldest first; after following it to the end the task is up to date.

        Args:
            follow: Whether to wait for further entries until the run has ended or is paused.
            poll_interval: The longest pause between two requests, in seconds.

        """
        entries = self._client.stream_logs(self.org_id, self.id, follow, poll_interval)
        return self._followed(entries, poll_interval) if follow else entries

    async def _followed(self, entries: Any, poll_interval: float) -> AsyncIterator[AgentRunLogResponse]:
        async with aclosing(entries):
            async for entry in entries:
                yield entry
        arguments = {"org_id": self.org_id, "agent_run_id": self.id}
        response = await perform_patiently(self._client, operations.GET_AGENT_RUN, arguments, poll_interval)
        await self._observe(response.parsed)

    async def wait_for_completion(
        self,
        poll_interval: float = 5.0,
        timeout: float | None = None,
        progress_callback: Callable[[dict[str, Any]], Awaitable[object] | object] | None = None,
        *,
        cancel_on_timeout: bool = False,
    ) -> Self:
        """Wait until the run has ended or is paused, and return the task; a failed run is returned, not raised.

        Args:
            poll_interval: The longest pause between two polls, in seconds, as the rate limit allows.
            timeout: Seconds to wait at most; default the `timeout` that was given to `run`.
            progress_callback: Called after each poll with one dict: status, elapsed, log_count, last_thought. What it
                raises is logged.
            cancel_on_timeout: Whether to stop the run when the time is over.

        Raises:
            WaitTimeoutError: (a TimeoutError) with the id and the last known run; the run itself goes on.
            CodegenAPIError: when the run cannot be read.

        """

        async def on_update(update: RunUpdate) -> None:
            if update.progress is not None:
                self._logs_count, self._last_thought = update.progress["log_count"], update.progress["last_thought"]
            if update.run is not None:
                await self._observe(update.run)

        await self._client.run_poller.wait(
            self._watch_request(poll_interval, self._wait_timeout if timeout is None else timeout),
            progress_callback,
            on_update=on_update,
            cancel_on_timeout=cancel_on_timeout,
        )
        return self

    wait = wait_for_completion

    @staticmethod
    async def wait_all(
        tasks: Iterable[AsyncTask], poll_interval: float = 5.0, timeout: float | None = None
    ) -> list[AsyncTask]:
        """Wait until all of these tasks have ended or are paused, and return them; failed runs are not raised.

        Args:
            tasks: Tasks, also of several organizations and clients.
            poll_interval: The longest pause between two polls of a run, in seconds, as the rate limit allows.
            timeout: Seconds to wait for all of them at most; a task's own `timeout` does not count here.

        Raises:
            ValidationError: for what is not a task.
            WaitTimeoutError: (a TimeoutError) for the first task that is late, after all that were in time.
            CodegenAPIError: when a run cannot be read, after all others.

        """
        tasks = _checked(tasks)
        groups: dict[AsyncRunPoller, dict[tuple[int, ...], list[AsyncTask]]] = {}
        for task in tasks:
            groups.setdefault(task._client.run_poller, {}).setdefault((task.org_id, task.id), []).append(task)
        error = None
        async with AsyncExitStack() as subscriptions:
            waits = []
            for poller, by_run in groups.items():
                requests = [same[0]._watch_request(poll_interval, timeout) for same in by_run.values()]
                waits.append((by_run, await subscriptions.enter_async_context(poller.subscribe(*requests))))
            for by_run, updates in waits:
                async for update in updates:
                    error = error or update.error
                    for task in by_run[update.request[:2]]:
                        if update.run is not None and update.error is None:
                            await task._observe(update.run)
        if error is not None:
            raise error
        return tasks

    async def resume(self, prompt: str, images: Iterable[Image] | None = None) -> Self:
        """Give a paused or ended run a further prompt and let it go on.

        Raises:
            ValidationError: for a blank prompt or an image that cannot be read.

        """
        from ..images import encode_images

        encoded = encode_images(images)
        await self._observe(
            await self._client.resume_agent_run(self.org_id, self.id, checked_string("prompt", prompt), images=encoded)
        )
        return self

    async def cancel(self) -> Self:
        """Stop the run with the ban operation, which also bans the checks of its pull requests, and read it again."""
        await self._client.ban_agent_run(self.org_id, self.id)
        return await self.refresh()

    async def _observe(self, run: AgentRunResponse) -> None:
        """Take in a newer state of the run, and call the status callbacks when its status is another one."""
        old, self._run = self._run.status, run
        self._refresh_count += 1
        self._last_refresh = self._clock.time()
        self._seen_at = self._clock.monotonic()
        self._note_end()
        if run.status != old:
            for callback in self._callbacks:
                await call_back(callback, old, run.status)

    def _watch_request(self, poll_interval: float, timeout: float | None) -> WatchRequest:
        is_present = not is_settled(self.status) and self._clock.monotonic() - self._seen_at < _FRESH
        known = self._run if is_present else None
        return watch_request(self.org_id, self.id, poll_interval, timeout, known=known)

    def _created(self) -> float:
        try:
            return parse_timestamp(self.created_at).timestamp() if self.created_at else self._first_seen
        except (ValueError, OverflowError):
            return self._first_seen

    def _note_end(self) -> None:
        if self.is_terminal and self._ended_at is None:
            self._ended_at = self._clock.time()
        elif not self.is_terminal:
            self._ended_at = None


def _checked(tasks: Iterable[AsyncTask]) -> list[AsyncTask]:
    if not isinstance(tasks, Iterable):
        raise invalid_argument("tasks", f"expected a list of tasks, got {kind_of(tasks)}")
    tasks = list(tasks)
    for index, task in enumerate(tasks):
        if not isinstance(task, AsyncTask):
            raise invalid_argument(f"tasks.{index}", f"expected type {AsyncTask.__name__}, got {kind_of(task)}")
    return tasks
