"""Scripts: what a run will do, said in Python or inside its prompt."""

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from .contract import load_contract

_DIRECTIVE = re.compile(r"\[\[\s*([a-z_]+=.*?)\]\]", re.DOTALL)
_FLAGS = {"yes": True, "true": True, "no": False, "false": False}
_PENDING_SHARE = 0.1
MOST_LOGS = 100_000

LIMIT_REACHED = "limit_reached"
NEVER = "never"


@dataclass(frozen=True, slots=True)
class Script:
    """What a run will do; what is None is left to the sandbox."""

    outcome: str = "completed"
    """`completed`, `failed`, `paused`, `cancelled`, `never` (it stays running) or `limit_reached` (402, no run)."""
    seconds: float | None = None
    """From creation to the outcome."""
    logs: int | None = None
    """How many log entries it writes on the way."""
    result: str | None = None
    """What it says when it has ended."""
    status: str | None = None
    """The last status word as it stands on the wire, whatever the outcome."""
    pull_request: bool | None = None
    """Whether it ends with a pull request."""
    states: Sequence[tuple[str | None, float]] | None = None
    """Status words and how many seconds each lasts, instead of the usual ones; the last one stays."""

    def __post_init__(self) -> None:
        """Raise ValueError for what no run can do."""
        outcomes = {*load_contract().run_words, NEVER, LIMIT_REACHED} - {"pending", "running"}
        if self.outcome not in outcomes:
            raise ValueError(f"outcome {self.outcome!r} is none of {', '.join(sorted(outcomes))}")
        if not all(0 <= seconds < float("inf") for seconds in (self.seconds or 0, *(s for _, s in self.states or ()))):
            raise ValueError("seconds must be a number that is not negative")
        if not 0 <= (self.logs or 0) <= MOST_LOGS:
            raise ValueError(f"logs must be between 0 and {MOST_LOGS}")
        if self.states is not None and not self.states:
            raise ValueError("states must name at least one state")

    def length(self, run_seconds: float) -> float:
        """Return how many seconds there are from the start to the last change."""
        if self.states is not None:
            return sum(seconds for _, seconds in self.states[:-1])
        return run_seconds if self.seconds is None else self.seconds

    def timeline(self, run_seconds: float, resumed: bool) -> list[tuple[float, str | None]]:
        """Return the status words with the seconds after the start at which each begins."""
        if self.states is not None:
            begins = accumulate((seconds for _, seconds in self.states[:-1]), initial=0.0)
            return [(begin, word) for begin, (word, _) in zip(begins, self.states, strict=True)]
        words = load_contract().run_words
        length = self.length(run_seconds)
        stages: list[tuple[float, str | None]] = [(0.0, words["running"][0])]
        if not resumed:
            stages = [(0.0, words["pending"][0]), (_PENDING_SHARE * length, words["running"][0])]
        if self.outcome != NEVER or self.status is not None:
            stages.append((length, self.status or words[self.outcome][0]))
        return stages


def script_in(prompt: str) -> Script | None:
    """Return the script that a prompt carries as `[[key=value ...]]`, or None; raise ValueError for a wrong one."""
    found = _DIRECTIVE.search(prompt)
    if found is None:
        return None
    given: dict[str, Any] = {}
    for word in shlex.split(found[1]):
        key, equals, text = word.partition("=")
        if not equals or key not in _READERS:
            raise ValueError(f"{word!r} is no directive; the keys are {', '.join(_READERS)}")
        given[key] = _READERS[key](text)
    return Script(**given)


def _flag(text: str) -> bool:
    if text not in _FLAGS:
        raise ValueError(f"{text!r} is neither yes nor no")
    return _FLAGS[text]


def _states(text: str) -> list[tuple[str | None, float]]:
    pairs = (state.rpartition(":") for state in text.split(","))
    return [(word or None, float(seconds)) for word, _, seconds in pairs]


_READERS: dict[str, Callable[[str], Any]] = {
    "outcome": str,
    "seconds": float,
    "logs": int,
    "result": str,
    "status": str,
    "pull_request": _flag,
    "states": _states,
}
