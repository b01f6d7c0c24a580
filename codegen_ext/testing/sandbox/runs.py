"""One agent run: where it stands is computed from the time at each look, so nothing has to run in the background."""

from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter
from threading import RLock

from .contract import load_contract
from .logs import OPENING, log_entry, story
from .script import Script
from .timing import Timeline
from .wire import Json

_AT = attrgetter("at")


@dataclass(frozen=True, slots=True)
class Step:
    """What a run says about itself from a moment on."""

    at: float
    status: str | None
    result: str | None = None
    summary: str | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """A log entry and when it appears."""

    at: float
    entry: Json


@dataclass(slots=True)
class PullRequest:
    """A pull request; it exists from `at` on."""

    id: int
    at: float
    repo_id: int
    title: str
    url: str
    head_branch_name: str
    state: str = "open"


@dataclass(frozen=True, slots=True)
class Order:
    """What a run was asked for."""

    prompt: str
    source_type: str
    repo_id: int
    metadata: Json | None = None
    images: list[str] = field(default_factory=list)
    model: str | None = None
    agent_type: str | None = None


class Run:
    """An agent run of the sandbox; safe to use from any thread, while requests are served too."""

    def __init__(
        self,
        run_id: int,
        organization_id: int,
        user_id: int,
        order: Order,
        timeline: Timeline,
        lock: RLock,
        open_pull_request: Callable[["Run", float], PullRequest],
        on_change: Callable[[], object] = lambda: None,
    ) -> None:
        self.id = run_id
        self.organization_id = organization_id
        self.user_id = user_id
        self.order = order
        self.banned = False
        self._timeline = timeline
        self._lock = lock
        self._open_pull_request = open_pull_request
        self._on_change = on_change
        self._created = timeline.now()
        self._steps: list[Step] = []
        self._logs: list[LogLine] = []
        self._pull_requests: list[PullRequest] = []

    @property
    def prompt(self) -> str:
        """The prompt that it was created with."""
        return self.order.prompt

    @property
    def metadata(self) -> Json | None:
        """The metadata that it was created with."""
        return self.order.metadata

    @property
    def status(self) -> str | None:
        """The status word as it stands on the wire."""
        return self._step(self._timeline.now()).status

    @property
    def result(self) -> str | None:
        """What it says about its outcome; None before the end."""
        return self._step(self._timeline.now()).result

    @property
    def created_at(self) -> str:
        """When it was created, in ISO 8601."""
        return self._timeline.stamp(self._created)

    @property
    def web_url(self) -> str:
        """The page of this run, which does not exist."""
        return f"https://sandbox.invalid/{self.organization_id}/{self.id}"

    @property
    def logs(self) -> list[Json]:
        """The log entries so far, oldest first."""
        return self.visible_logs(self._timeline.now())

    @property
    def pull_requests(self) -> list[PullRequest]:
        """The pull requests so far."""
        now = self._timeline.now()
        with self._lock:
            return [pull for pull in self._pull_requests if pull.at <= now]

    @property
    def steps(self) -> list[Step]:
        """What it says from which moment on, oldest first; later ones are plans."""
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
        """Begin to live by a script."""
        self._play(script, run_seconds, self.prompt, resumed=False)

    def resume(self, script: Script, run_seconds: float, prompt: str) -> None:
        """Go on with another prompt; a run that is under way only takes note of it."""
        with self._lock:
            now = self._timeline.now()
            if load_contract().meaning(self._step(now).status) in ("pending", "running"):
                insort(self._logs, LogLine(now, log_entry(self.id, OPENING, 0, prompt)), key=_AT)
            else:
                self._play(script, run_seconds, prompt, resumed=True)

    def ban(self) -> None:
        """Cancel the run, unless it has ended, and mark it as banned."""
        with self._lock:
            self.banned = True
            if not load_contract().is_terminal(self.status):
                self.finish("CANCELLED")

    def unban(self) -> None:
        """Take the mark away; what was cancelled stays so until it is resumed."""
        self.banned = False

    def visible_logs(self, now: float) -> list[Json]:
        """Return the log entries that have been written by then, oldest first."""
        with self._lock:
            return [
                {**line.entry, "created_at": self._timeline.stamp(line.at)} for line in self._logs if line.at <= now
            ]

    def as_json(self, now: float) -> Json:
        """Return what the API says about this run."""
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
        contract = load_contract()
        with self._lock:
            now = self._timeline.now()
            self._forget_future(now)
            stages = script.timeline(run_seconds, resumed)
            length = script.length(run_seconds)
            answer = "Done: " + prompt.strip().partition("\n")[0][:200] if script.result is None else script.result
            meaning = contract.meaning(stages[-1][1])
            entries = story(contract, self.id, prompt, meaning, answer, script.logs)
            pace = length / max(len(entries) - 1, 1)
            # Not a hair after the end, whatever the rounding: readers stop when they see the run end.
            self._logs += [LogLine(now + min(index * pace, length), entry) for index, entry in enumerate(entries)]
            for offset, word in stages:
                self._steps.append(_step(now + offset, word, script, answer, len(entries)))
            if script.pull_request or (script.pull_request is None and meaning == "completed" and self.id % 2):
                self._pull_requests.append(self._open_pull_request(self, now + length))
        self._on_change()


def _step(at: float, word: str | None, script: Script, answer: str, count: int) -> Step:
    meaning = load_contract().meaning(word)
    if meaning == "completed":
        return Step(at, word, answer, f"Completed in {count} steps.")
    if load_contract().is_terminal(word):
        return Step(at, word, script.result, f"The run ended with {word}.")
    return Step(at, word)
