"""What is known of a run: the part of a task that needs no request."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from codegen_api.codec import parse_timestamp
from codegen_api.enums import AgentRunStatus

from ..errors import TaskError
from ..waiting import is_settled

if TYPE_CHECKING:
    from codegen_api.models import AgentRunResponse, GithubPullRequestResponse

    from ..clock import Clock
    from ..watching.tickets import News

_FRESH = 1.0
"""Seconds for which a state that was read counts as the present one."""

StatusCallback = Callable[[Any, Any], object]

_LINK = re.compile(r"\[(?P<title>[^\]\n]+)\]\((?P<target>https?://[^\s)]+)\)|(?P<bare>https?://[^\s<>()\[\]\"'`]+)")


class TaskState:
    """The last known state of a run, with everything that follows from it."""

    def __init__(self, org_id: int, run: AgentRunResponse, clock: Clock, wait_timeout: float | None) -> None:
        self.org_id = org_id
        self._run = run
        self._clock = clock
        self._wait_timeout = wait_timeout
        self._first_seen = clock.time()
        self._seen_at = clock.monotonic()
        self._ended_at: float | None = None
        self._refresh_count = 0
        self._last_refresh: float | None = None
        self._logs_count: int | None = None
        self._last_thought: str | None = None
        self._callbacks: list[StatusCallback] = []
        self._note_end()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(id={self.id}, status={self._word()!r})"

    __str__ = __repr__

    def _word(self) -> str | None:
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
        """The normalised state; a word that is not known stays as the service sent it."""
        return self._run.status

    @property
    def raw_status(self) -> str | None:
        """The state as the service sent it."""
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
        """Where a person can look at the run."""
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
        for match in _LINK.finditer(self.result or ""):
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

    def add_status_callback(self, callback: StatusCallback) -> None:
        """Call `callback(old, new)` whenever a later look finds another status; what it raises is not caught."""
        self._callbacks.append(callback)

    def raise_for_status(self) -> None:
        """Raise TaskError when the run has failed or was cancelled; do nothing otherwise."""
        if self.is_terminal and self.status is not AgentRunStatus.COMPLETED:
            reason = f": {self.error}" if self.error else ""
            raise TaskError(f"agent run {self.id} {self._word()}{reason}", task_id=self.id, task_status=self._word())

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

    def _see(self, run: AgentRunResponse) -> None:
        """Take in a newer state of the run."""
        old, self._run = self._run.status, run
        self._refresh_count += 1
        self._last_refresh = self._clock.time()
        self._seen_at = self._clock.monotonic()
        self._note_end()
        if run.status != old:
            for callback in self._callbacks:
                callback(old, run.status)

    def _see_progress(self, seen: News) -> None:
        if seen.progress:
            self._logs_count = seen.progress["log_count"]
            self._last_thought = seen.progress["last_thought"]
        if seen.run is not None:
            self._see(seen.run)

    def _wait_limit(self, timeout: float | None) -> float | None:
        return self._wait_timeout if timeout is None else timeout

    @property
    def _present(self) -> AgentRunResponse | None:
        """The run, if it goes on and was read just now; otherwise None."""
        is_present = not is_settled(self.status) and self._clock.monotonic() - self._seen_at < _FRESH
        return self._run if is_present else None
