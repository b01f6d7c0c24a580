"""An agent run; its state is computed from the time at each read, so that nothing runs in the background."""

from bisect import insort
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from operator import itemgetter
from typing import NamedTuple

from .logs import OPENING, log_entry, log_kinds
from .messages import Json
from .schema import is_terminal, status_meaning
from .script import Script
from .state import State


class Step(NamedTuple):
    """The status of a run from `at` on."""

    at: float
    status: str | None
    result: str | None = None
    summary: str | None = None


@dataclass(eq=False, repr=False)
class Run:
    """An agent run of the sandbox, with what it was created with; may be used from any thread."""

    id: int
    user_id: int
    prompt: str
    source_type: str
    repo_id: int
    repository: str
    """The full name of the repository."""
    state: InitVar[State]
    script: InitVar[Script]
    on_change: InitVar[Callable[[], object]]
    metadata: Json | None = None
    images: list[str] = field(default_factory=list)
    model: str | None = None
    agent_type: str | None = None
    banned: bool = False

    def __post_init__(self, state: State, script: Script, on_change: Callable[[], object]) -> None:
        self.organization_id = state.settings.org_id
        self.created_at = state.stamp(state.now())
        self.web_url = f"https://sandbox.invalid/{self.organization_id}/{self.id}"
        self._state = state
        self._on_change = on_change
        # Each with the time from which on it is there; later ones are plans.
        self._steps: list[Step] = []
        self._logs: list[tuple[float, Json]] = []
        self._pull_requests: list[tuple[float, Json]] = []
        self._play(script, self.prompt, resumed=False)

    @property
    def status(self) -> str | None:
        """The status as the service sends it."""
        return self._step(self._state.now()).status

    @property
    def result(self) -> str | None:
        """The result; None before the end."""
        return self._step(self._state.now()).result

    @property
    def logs(self) -> list[Json]:
        """The log entries so far, oldest first."""
        return self.logs_at(self._state.now())

    @property
    def steps(self) -> list[Step]:
        """The statuses, oldest first; later ones are plans."""
        with self._state.lock:
            return list(self._steps)

    def finish(self, status: str = "COMPLETE", result: str | None = None, summary: str | None = None) -> None:
        """Put the run into a status at once; it stays there until it is resumed."""
        with self._state.lock:
            now = self._state.now()
            self._forget_plans(now)
            self._steps.append(Step(now, status, result, summary))
        self._on_change()

    def resume(self, script: Script, prompt: str) -> None:
        """Go on with another prompt; a pending or running run only logs it."""
        with self._state.lock:
            if status_meaning(self.status) in ("pending", "running"):
                log = (self._state.now(), log_entry(self.id, OPENING, 0, prompt, ""))
                insort(self._logs, log, key=itemgetter(0))
            else:
                self._play(script, prompt, resumed=True)

    def ban(self) -> None:
        """Mark the run as banned, and cancel it unless it has ended."""
        with self._state.lock:
            self.banned = True
            if not is_terminal(self.status):
                self.finish("CANCELLED")

    def unban(self) -> None:
        """Remove the mark; the run stays cancelled until it is resumed."""
        self.banned = False

    def logs_at(self, now: float) -> list[Json]:
        """Return the log entries until a time, oldest first."""
        with self._state.lock:
            return [{**entry, "created_at": self._state.stamp(at)} for at, entry in self._logs if at <= now]

    def as_json(self, now: float) -> Json:
        """Return the run as the API does at a time."""
        with self._state.lock:
            step = self._step(now)
            pulls = [pull for at, pull in self._pull_requests if at <= now]
        return {
            "id": self.id,
            "organization_id": self.organization_id,
            "status": step.status,
            "created_at": self.created_at,
            "web_url": self.web_url,
            "result": step.result,
            "summary": step.summary,
            "source_type": self.source_type,
            "github_pull_requests": pulls,
            "metadata": self.metadata,
        }

    def _step(self, now: float) -> Step:
        with self._state.lock:
            return next(step for step in reversed(self._steps) if step.at <= now)

    def _forget_plans(self, now: float) -> None:
        self._steps = [step for step in self._steps if step.at <= now]
        self._logs = [log for log in self._logs if log[0] <= now]
        self._pull_requests = [pull for pull in self._pull_requests if pull[0] <= now]

    def _play(self, script: Script, prompt: str, *, resumed: bool) -> None:
        now = self._state.now()
        self._forget_plans(now)
        stages = script.timeline(self._state.settings.run_seconds, resumed=resumed)
        length, last = stages[-1]
        result = "Done: " + prompt.strip().partition("\n")[0][:200] if script.result is None else script.result
        meaning = status_meaning(last)
        kinds = log_kinds(meaning, script.logs)
        pace = length / max(len(kinds) - 1, 1)
        # Not a hair after the end, whatever the rounding: readers stop when they see the run end.
        self._logs += [
            (now + min(index * pace, length), log_entry(self.id, kind, index, prompt, result))
            for index, kind in enumerate(kinds)
        ]
        for offset, status in stages:
            step = Step(now + offset, status)
            if status_meaning(status) == "completed":
                step = step._replace(result=result, summary=f"Completed in {len(kinds)} steps.")
            elif is_terminal(status):
                step = step._replace(result=script.result, summary=f"The run ended with {status}.")
            self._steps.append(step)
        opens_one = meaning == "completed" and self.id % 2 if script.pull_request is None else script.pull_request
        if opens_one and not self._pull_requests:
            pull = {
                "id": self.id,
                "title": f"Change {self.id}",
                "url": f"https://sandbox.invalid/{self.repository}/pull/{self.id}",
                "created_at": self._state.stamp(now + length),
                "head_branch_name": f"codegen/run-{self.id}",
            }
            self._pull_requests.append((now + length, pull))
        self._on_change()
