"""A run that somebody started, as an object that can be followed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, Self

from codegen_api import operations

from .. import flow, paging, waiting
from .brief import check_prompt
from .images import Image, encode_images
from .state import TaskState

if TYPE_CHECKING:
    from codegen_api.models import AgentRunLogResponse, AgentRunResponse

    from ..client import CodegenClient
    from ..watching.tickets import News, Order


class TaskBase(TaskState):
    """Requests that the sync and the async task share."""

    _client: Any

    @property
    def _ids(self) -> dict[str, Any]:
        return {"org_id": self.org_id, "agent_run_id": self.id}

    def _first_logs(self, limit: int) -> flow.Flow[Any, list[AgentRunLogResponse]]:
        return paging.first(operations.GET_AGENT_RUN_LOGS, self._ids, limit)

    def _followed(
        self, logs: flow.Flow[AgentRunLogResponse, None], poll_interval: float
    ) -> flow.Flow[AgentRunLogResponse, None]:
        """Emit a log to its end, and then see how the run ended."""
        yield from logs
        look = flow.Perform(operations.GET_AGENT_RUN, self._ids)
        self._see((yield from waiting.patiently(look, self._clock, poll_interval)))

    def _resume_arguments(self, prompt: str, images: Iterable[Image] | None) -> dict[str, Any]:
        return {**self._ids, "prompt": check_prompt(prompt), "images": encode_images(images)}


class GroupWait:
    """One wait for many tasks, client after client; they share one deadline."""

    def __init__(self, tasks: Sequence[TaskBase], poll_interval: float, timeout: float | None) -> None:
        self._poll_interval = poll_interval
        self._timeout = timeout
        self._error: Exception | None = None
        self._groups: dict[Any, dict[tuple[int, int], list[TaskBase]]] = {}
        for task in tasks:
            # Clients made by `with_options` share a watcher.
            group = self._groups.setdefault(task._client._watcher, {})
            group.setdefault((task.org_id, task.id), []).append(task)

    def rounds(self) -> Iterator[tuple[Any, list[Order]]]:
        """Yield each client with what to ask it."""
        start: float | None = None
        for group in self._groups.values():
            self._current = group
            tasks = [same[0] for same in group.values()]
            client = tasks[0]._client
            now = client._clock.monotonic()
            start = now if start is None else start
            # What the others took is gone; 0 would be a look without a wait.
            left = self._timeout and max(self._timeout - (now - start), 0.001)
            interval = self._poll_interval
            yield (
                client,
                [client._order(task.org_id, task.id, interval, left, False, task._present) for task in tasks],
            )

    def take(self, seen: News) -> None:
        """Show the tasks of a run what became known of it."""
        if seen.error is not None:
            self._error = self._error or seen.error
        elif seen.run is not None:
            for task in self._current[seen.org_id, seen.run_id]:
                task._see(seen.run)

    def raise_first(self) -> None:
        """Raise the first error that was seen."""
        if self._error is not None:
            raise self._error


class Task(TaskBase):
    """One agent run; made by `Agent.run`, `Agent.get_task` and `Agent.list_tasks`."""

    def __init__(
        self, client: CodegenClient, org_id: int, run: AgentRunResponse, wait_timeout: float | None = None
    ) -> None:
        super().__init__(org_id, run, client._clock, wait_timeout)
        self._client: CodegenClient = client

    def refresh(self) -> Self:
        """Read the run anew."""
        self._see(self._client.get_agent_run(**self._ids))
        return self

    def get_logs(self, limit: int = 100) -> list[AgentRunLogResponse]:
        """Return the oldest `limit` entries of the run's log."""
        return flow.run(self._first_logs(limit), self._client._perform_effect, self._clock)

    def stream_logs(self, follow: bool = True, poll_interval: float = 5.0) -> Iterator[AgentRunLogResponse]:
        """Yield each entry of the log once, oldest first; after following it to the end the task is up to date.

        Args:
            follow: Whether to wait for further entries until the run has ended or is paused.
            poll_interval: The longest pause between two requests, in seconds.

        """
        logs = self._client._logs(self.org_id, self.id, follow, poll_interval)
        if follow:
            logs = self._followed(logs, poll_interval)
        return flow.iterate(logs, self._client._perform_effect, self._clock)

    def wait_for_completion(
        self,
        poll_interval: float = 5.0,
        timeout: float | None = None,
        progress_callback: Callable[[dict[str, Any]], object] | None = None,
        *,
        cancel_on_timeout: bool = False,
    ) -> Self:
        """Wait until the run has ended or is paused, and return the task; a failed run is not raised.

        Args:
            poll_interval: The longest pause between two looks, in seconds, as the rate limit allows.
            timeout: Seconds to wait at most; None takes the `timeout` that was given to `Agent.run`.
            progress_callback: Called after each look with one dict: status, elapsed, log_count, last_thought.
            cancel_on_timeout: Whether to stop the run when the time is over.

        Raises:
            WaitTimeoutError: (a TimeoutError) with the id and the last known run; the run itself goes on.
            CodegenAPIError: when the run cannot be read.

        """

        def observe(seen: News) -> None:
            self._see_progress(seen)
            if progress_callback and seen.progress:
                progress_callback(seen.progress)

        limit, progress = self._wait_limit(timeout), progress_callback is not None
        order = self._client._order(self.org_id, self.id, poll_interval, limit, progress, self._present)
        self._client._watch_one(order, cancel_on_timeout, observe)
        return self

    wait = wait_for_completion

    @staticmethod
    def wait_all(tasks: Iterable[Task], poll_interval: float = 5.0, timeout: float | None = None) -> list[Task]:
        """Wait until all of these tasks have ended or are paused, and return them; failed runs are not raised.

        Args:
            tasks: Tasks, also of several organisations and clients.
            poll_interval: The longest pause between two looks at a run, in seconds, as the rate limit allows.
            timeout: Seconds to wait for all of them at most; a task's own `timeout` does not count here.

        Raises:
            WaitTimeoutError: (a TimeoutError) for the first task that is late, after all that were in time.
            CodegenAPIError: when a run cannot be read, after all others.

        """
        tasks = list(tasks)
        wait = GroupWait(tasks, poll_interval, timeout)
        for client, orders in wait.rounds():
            with closing(client._follow(orders)) as news:
                for seen in news:
                    wait.take(seen)
        wait.raise_first()
        return tasks

    def resume(self, prompt: str, images: Iterable[Image] | None = None) -> Self:
        """Give a paused or ended run a further prompt and let it go on.

        Raises:
            ValidationError: for a blank prompt or a picture that cannot be read.

        """
        self._see(self._client.resume_agent_run(**self._resume_arguments(prompt, images)))
        return self

    def cancel(self) -> Self:
        """Stop the run with the ban operation, which also bans the checks of its pull requests, and read it anew."""
        self._client.ban_agent_run(**self._ids)
        return self.refresh()
