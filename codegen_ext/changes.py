"""Changes of runs, and the cursor from which another watch goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from codegen_api.enums import AgentRunStatus

from .errors import invalid_argument

if TYPE_CHECKING:
    from codegen_api.models import AgentRunResponse

_NOT_TOLD = ""
"""The status in a cursor of a run of which only the creation was told, or whose status the service did not say."""


class Change(NamedTuple):
    """What happened to a run: `kind` is "created", "status_changed" or "finished".

    `previous` is the status before, None when it is not known. `cursor` is a string from which another `watch` goes on
    after this change.
    """

    kind: str
    run: AgentRunResponse
    previous: str | None
    cursor: str


class KnownRuns:
    """What was told so far: the newest run, and the last told status of each that has not finished."""

    def __init__(self, org_id: int, newest: int, unfinished: dict[int, str]) -> None:
        self.org_id = org_id
        self.newest = newest
        self.unfinished = unfinished

    @classmethod
    def from_cursor(cls, cursor: str, org_id: int) -> KnownRuns:
        """Return what a cursor says; raises ValidationError when it is none, or of another organization."""
        try:
            content = json.loads(cursor)
            unfinished = {int(run_id): str(status) for run_id, status in content["unfinished"].items()}
            known = cls(content["org_id"], content["newest"], unfinished)
            if not isinstance(known.newest, int):
                raise TypeError("newest is not a number")
        except (ValueError, TypeError, KeyError, AttributeError):
            raise invalid_argument("cursor", "expected the cursor of a change") from None
        if known.org_id != org_id:
            raise invalid_argument("cursor", f"it is of organization {known.org_id}, not {org_id}")
        return known

    @property
    def cursor(self) -> str:
        """The state as JSON."""
        return json.dumps({"org_id": self.org_id, "newest": self.newest, "unfinished": self.unfinished})

    def changes(self, run: AgentRunResponse) -> Iterator[Change]:
        """Yield what is new of a run, and take it in."""
        status = told_status(run)
        if run.id > self.newest:
            self.newest = run.id
            self.unfinished[run.id] = _NOT_TOLD if has_finished(run) else status
            yield Change("created", run, None, self.cursor)
        before = self.unfinished.get(run.id)
        if not status or before == status or (before is None and has_finished(run)):
            return
        if has_finished(run):
            del self.unfinished[run.id]
        else:
            self.unfinished[run.id] = status
        yield Change("finished" if has_finished(run) else "status_changed", run, before or None, self.cursor)


def told_status(run: AgentRunResponse) -> str:
    """Return the status of a run as a cursor has it."""
    return _NOT_TOLD if run.status is None else str(run.status)


def has_finished(run: AgentRunResponse) -> bool:
    """Return whether a run has ended for good."""
    return isinstance(run.status, AgentRunStatus) and run.status.is_terminal
