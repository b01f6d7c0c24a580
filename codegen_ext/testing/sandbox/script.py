"""Scripts: what a run will do, from Python or from a directive in its prompt."""

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from codegen_ext.errors import ConfigurationError
from codegen_ext.testing.arguments import check

from .schema import status_value

_DIRECTIVE = re.compile(r"\[\[\s*([a-z_]+=.*?)\]\]", re.DOTALL)
_FLAGS = {"yes": True, "true": True, "no": False, "false": False}
_PENDING_SHARE = 0.1
_MAX_LOGS = 100_000

LIMIT_REACHED = "limit_reached"
NEVER = "never"
_OUTCOMES = ("completed", "failed", "paused", "cancelled", NEVER, LIMIT_REACHED)


@dataclass(frozen=True, slots=True)
class Script:
    """What a run will do; what is None is left to the sandbox."""

    outcome: str = "completed"
    """`completed`, `failed`, `paused`, `cancelled`, `never` (it stays running) or `limit_reached` (402, no run)."""
    seconds: float | None = None
    """From creation to the outcome."""
    logs: int | None = None
    """The number of log entries."""
    result: str | None = None
    """The result when it has ended."""
    status: str | None = None
    """The last status as the service sends it, whatever the outcome."""
    pull_request: bool | None = None
    """Whether it ends with a pull request."""
    states: Sequence[tuple[str | None, float]] | None = None
    """Statuses and how many seconds each lasts, instead of the usual ones; the last one stays."""

    def __post_init__(self) -> None:
        """Raise ConfigurationError for what no run can do."""
        if self.outcome not in _OUTCOMES:
            raise ConfigurationError(f"outcome {self.outcome!r} is none of {', '.join(_OUTCOMES)}", "outcome")
        check(int | float | None, least=0, seconds=self.seconds)
        check(int | None, least=0, most=_MAX_LOGS, logs=self.logs)
        check(str | None, result=self.result, status=self.status)
        check(bool | None, pull_request=self.pull_request)
        check(Sequence | None, states=self.states)
        for state in self.states or ():
            check(tuple | list, states=state)
            if len(state) != 2:
                raise ConfigurationError(f"states must be pairs of a status and its seconds: {state}", "states")
            check(str | None, states=state[0])
            check(int | float, least=0, states=state[1])
        if self.states is not None and not self.states:
            raise ConfigurationError("states must name at least one state", "states")

    def timeline(self, run_seconds: float, *, resumed: bool) -> list[tuple[float, str | None]]:
        """Return each status with the seconds from the start until it begins; `run_seconds` is the default length."""
        if self.states is not None:
            begins = accumulate((seconds for _, seconds in self.states[:-1]), initial=0.0)
            return [(begin, status) for begin, (status, _) in zip(begins, self.states, strict=True)]
        length = run_seconds if self.seconds is None else self.seconds
        running = status_value("running")
        stages: list[tuple[float, str | None]] = [(0.0, running)]
        if not resumed:
            stages = [(0.0, status_value("pending")), (_PENDING_SHARE * length, running)]
        is_endless = self.outcome == NEVER and self.status is None
        return [*stages, (length, running if is_endless else self.status or status_value(self.outcome))]


def script_in(prompt: str) -> Script | None:
    """Return the script that a prompt carries as `[[key=value ...]]`, or None.

    Raises:
        ValueError: for a wrong directive, a second one, or a key given twice.

    """
    found = _DIRECTIVE.findall(prompt)
    if len(found) > 1:
        raise ValueError(f"a prompt may carry one directive, not {len(found)}")
    given: dict[str, Any] = {}
    for word in shlex.split(found[0]) if found else ():
        key, equals, text = word.partition("=")
        if not equals or key not in _READERS:
            raise ValueError(f"{word!r} is no directive; the keys are {', '.join(_READERS)}")
        if key in given:
            raise ValueError(f"{key} is given twice")
        given[key] = _READERS[key](text)
    return Script(**given) if found else None


def _flag(text: str) -> bool:
    if text not in _FLAGS:
        raise ValueError(f"{text!r} is neither yes nor no")
    return _FLAGS[text]


def _states(text: str) -> list[tuple[str | None, float]]:
    pairs = (state.rpartition(":") for state in text.split(","))
    return [(status or None, float(seconds)) for status, _, seconds in pairs]


_READERS: dict[str, Callable[[str], Any]] = {
    "outcome": str,
    "seconds": float,
    "logs": int,
    "result": str,
    "status": str,
    "pull_request": _flag,
    "states": _states,
}
