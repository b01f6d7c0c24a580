"""An agent run; its state is computed from the time at each read, so that nothing runs in the background."""

from bisect import insort
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from itertools import cycle, islice
from operator import itemgetter
from typing import NamedTuple

from codegen_api.enums import MessageType

from .messages import Json
from .schema import is_terminal, status_meaning
from .script import Script
from .state import State

_OPENING = "USER_MESSAGE"
_ACTION, _FINAL = "ACTION", "FINAL_ANSWER"
_CLOSINGS = {"completed": _FINAL, "failed": "ERROR", "paused": "PLAN_EVALUATION"}
_THOUGHTS = {
    "PLAN_EVALUATION": "The plan has three steps; I begin with the first.",
    "ERROR": "A command failed; I try another way.",
}
_TOOLS: tuple[tuple[str, Json, Json], ...] = (
    ("ripgrep_search", {"query": "def main", "file_pattern": "*.py"}, {"matches": 3, "status": "success"}),
    ("view_file", {"filepath": "src/main.py", "start_line": 1}, {"lines": 42, "status": "success"}),
    ("edit_file", {"filepath": "src/main.py", "edit": "..."}, {"changed": True, "status": "success"}),
    ("run_command", {"command": "pytest -q"}, {"exit_code": 0, "stdout": "12 passed", "status": "success"}),
)


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
                log = (self._state.now(), _log_entry(self.id, _OPENING, 0, prompt, ""))
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
        kinds = _log_kinds(meaning, script.logs)
        pace = length / max(len(kinds) - 1, 1)
        # Not a hair after the end, whatever the rounding: readers stop when they see the run end.
        self._logs += [
            (now + min(index * pace, length), _log_entry(self.id, kind, index, prompt, result))
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


def _log_kinds(meaning: str | None, count: int | None) -> list[str]:
    """Return the types of the log entries from a prompt to a status; without a count, every type occurs."""
    closing = _CLOSINGS.get(meaning or "", _ACTION)
    others = [str(kind) for kind in MessageType if kind not in (_OPENING, _ACTION, _FINAL, closing)]
    middle = [kind for other in others for kind in (_ACTION, other)]
    count = len(middle) + 2 if count is None else count
    return [_OPENING, *islice(cycle(middle), max(count - 2, 0)), closing][:count]


def _log_entry(run_id: int, kind: str, index: int, prompt: str, result: str) -> Json:
    """Return one log entry without its time."""
    entry: Json = {
        "agent_run_id": run_id,
        "tool_name": None,
        "message_type": kind,
        "thought": _THOUGHTS.get(kind, f"Step {index}: {kind.replace('_', ' ').lower()}."),
        "observation": None,
        "tool_input": None,
        "tool_output": None,
    }
    if kind == _ACTION:
        # Each tool twice in turn, so that each reports in both of the shapes that the contract allows.
        name, tool_input, tool_output = _TOOLS[index // 4 % len(_TOOLS)]
        observation = dict(tool_output) if index // 2 % 2 else f"{name} succeeded"
        entry |= {"tool_name": name, "thought": f"Step {index}: I use {name}.", "observation": observation}
        entry |= {"tool_input": dict(tool_input), "tool_output": dict(tool_output)}
    elif kind in (_OPENING, _FINAL):
        entry["observation"] = prompt if kind == _OPENING else result
        entry["thought"] = None if kind == _OPENING else "The task is done."
    return entry
