"""An agent run; its state is computed from the time at each read, so that nothing runs in the background."""

import math
from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter
from threading import RLock
from typing import NamedTuple

from codegen_ext.clock import Clock

from .logs import OPENING, log_entry, log_kinds
from .messages import Json
from .schema import is_terminal, status_meaning
from .script import Script


class Timeline:
    """Seconds since the sandbox was made, `speed` of them to each second of the clock."""

    def __init__(self, clock: Clock, speed: float) -> None:
        if not 0 < speed < math.inf:
            raise ValueError(f"speed must be a positive number: {speed}")
        self._clock = clock
        self._speed = speed
        self._epoch = clock.time()
        self._origin = clock.monotonic()

    def now(self) -> float:
        """Return the present in the sandbox's seconds."""
        return (self._clock.monotonic() - self._origin) * self._speed

    def real(self, seconds: float) -> float:
        """Return how many of the clock's seconds these seconds of the sandbox are."""
        return seconds / self._speed

    def epoch(self, at: float) -> float:
        """Return a time of the sandbox as seconds since the epoch."""
        return self._epoch + self.real(at)

    def stamp(self, at: float) -> str:
        """Return a time of the sandbox in ISO 8601."""
        return datetime.fromtimestamp(self.epoch(at), UTC).isoformat(timespec="milliseconds")


class Step(NamedTuple):
    """The status of a run from `at` on."""

    at: float
    status: str | None
    result: str | None = None
    summary: str | None = None


class LogLine(NamedTuple):
    """When a log entry appears, and the arguments of `log_entry` for it."""

    at: float
    kind: str
    position: int
    prompt: str
    result: str


@dataclass(slots=True)
class PullRequest:
    """A pull request; it exists from `at` on."""

    id: int
    at: float
    repo_id: int
    url: str
    head_branch_name: str
    state: str = "open"

    @property
    def title(self) -> str:
        """Its title."""
        return f"Change {self.id}"


@dataclass(frozen=True, slots=True)
class Order:
    """The arguments with which a run was created."""

    prompt: str
    source_type: str
    repo_id: int
    metadata: Json | None = None
    images: list[str] = field(default_factory=list)
    model: str | None = None
    agent_type: str | None = None


class Run:
    """An agent run of the sandbox; may be used from any thread while requests are served."""

    def __init__(
        self,
        run_id: int,
        organization_id: int,
        user_id: int,
        order: Order,
        timeline: Timeline,
        lock: RLock,
        open_pull_request: Callable[["Run", float], PullRequest],
        on_change: Callable[[], object],
    ) -> None:
        self.id = run_id
        self.organization_id = organization_id
        self.user_id = user_id
        self.order = order
        self.prompt = order.prompt
        self.metadata = order.metadata
        self.banned = False
        self.web_url = f"https://sandbox.invalid/{organization_id}/{run_id}"
        self._timeline = timeline
        self._lock = lock
        self._open_pull_request = open_pull_request
        self._on_change = on_change
        self._created = timeline.now()
        self._steps: list[Step] = []
        self._logs: list[LogLine] = []
        self._pull_requests: list[PullRequest] = []

    @property
    def status(self) -> str | None:
        """The status as the service sends it."""
        return self._step(self._timeline.now()).status

    @property
    def result(self) -> str | None:
        """The result; None before the end."""
        return self._step(self._timeline.now()).result

    @property
    def created_at(self) -> str:
        """The time of creation, in ISO 8601."""
        return self._timeline.stamp(self._created)

    @property
    def logs(self) -> list[Json]:
        """The log entries so far, oldest first."""
        return self.logs_at(self._timeline.now())

    @property
    def pull_requests(self) -> list[PullRequest]:
        """The pull requests so far."""
        now = self._timeline.now()
        with self._lock:
            return [pull for pull in self._pull_requests if pull.at <= now]

    @property
    def steps(self) -> list[Step]:
        """The statuses, oldest first; later ones are plans."""
        with self._lock:
            return list(self._steps)

    def finish(self, status: str = "COMPLETE", result: str | None = None, summary: str | None = None) -> None:
        """Put the run into a status at once; it stays there until it is resumed."""
        with self._lock:
            now = self._timeline.now()
            self._forget_future(now)
            self._steps.append(Step(now, status, result, summary))
        self._on_change()

    def start(self, script: Script, run_seconds: float) -> None:
        """Begin to follow a script."""
        self._play(script, run_seconds, self.prompt, resumed=False)

    def resume(self, script: Script, run_seconds: float, prompt: str) -> None:
        """Go on with another prompt; a pending or running run only logs it."""
        with self._lock:
            now = self._timeline.now()
            if status_meaning(self._step(now).status) in ("pending", "running"):
                insort(self._logs, LogLine(now, OPENING, 0, prompt, ""), key=attrgetter("at"))
            else:
                self._play(script, run_seconds, prompt, resumed=True)

    def ban(self) -> None:
        """Mark the run as banned, and cancel it unless it has ended."""
        with self._lock:
            self.banned = True
            if not is_terminal(self.status):
                self.finish("CANCELLED")

    def unban(self) -> None:
        """Remove the mark; the run stays cancelled until it is resumed."""
        self.banned = False

    def logs_at(self, now: float) -> list[Json]:
        """Return the log entries until a time, oldest first."""
        with self._lock:
            lines = [line for line in self._logs if line.at <= now]
        return [
            {
                **log_entry(self.id, line.kind, line.position, line.prompt, line.result),
                "created_at": self._timeline.stamp(line.at),
            }
            for line in lines
        ]

    def as_json(self, now: float) -> Json:
        """Return the run as the API does at a time."""
        with self._lock:
            step = self._step(now)
            pulls = [pull for pull in self._pull_requests if pull.at <= now]
        return {
            "id": self.id,
            "organization_id": self.organization_id,
            "status": step.status,
            "created_at": self.created_at,
            "web_url": self.web_url,
            "result": step.result,
            "summary": step.summary,
            "source_type": self.order.source_type,
            "github_pull_requests": [
                {
                    "id": pull.id,
                    "title": pull.title,
                    "url": pull.url,
                    "created_at": self._timeline.stamp(pull.at),
                    "head_branch_name": pull.head_branch_name,
                }
                for pull in pulls
            ],
            "metadata": self.metadata,
        }

    def _step(self, now: float) -> Step:
        with self._lock:
            return next(step for step in reversed(self._steps) if step.at <= now)

    def _forget_future(self, now: float) -> None:
        self._steps = [step for step in self._steps if step.at <= now]
        self._logs = [line for line in self._logs if line.at <= now]
        self._pull_requests = [pull for pull in self._pull_requests if pull.at <= now]

    def _play(self, script: Script, run_seconds: float, prompt: str, *, resumed: bool) -> None:
        with self._lock:
            now = self._timeline.now()
            self._forget_future(now)
            stages = script.timeline(run_seconds, resumed=resumed)
            length, last = stages[-1]
            result = "Done: " + prompt.strip().partition("\n")[0][:200] if script.result is None else script.result
            meaning = status_meaning(last)
            kinds = log_kinds(meaning, script.logs)
            pace = length / max(len(kinds) - 1, 1)
            # Not a hair after the end, whatever the rounding: readers stop when they see the run end.
            self._logs += [
                LogLine(now + min(index * pace, length), kind, index, prompt, result)
                for index, kind in enumerate(kinds)
            ]
            for offset, status in stages:
                step = Step(now + offset, status)
                if status_meaning(status) == "completed":
                    step = step._replace(result=result, summary=f"Completed in {len(kinds)} steps.")
                elif is_terminal(status):
                    step = step._replace(result=script.result, summary=f"The run ended with {status}.")
                self._steps.append(step)
            if script.pull_request or (script.pull_request is None and meaning == "completed" and self.id % 2):
                self._pull_requests.append(self._open_pull_request(self, now + length))
        self._on_change()
