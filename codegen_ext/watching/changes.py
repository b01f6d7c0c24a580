"""Following the runs of an organisation: what was created, what changed, what finished, from a cursor on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from codegen_api import operations
from codegen_api.enums import AgentRunStatus

from ..errors import NotFoundError, ValidationError
from ..flow import Emit, Flow, Perform, Sleep
from ..paging import PAGE_SIZE
from ..waiting import patiently
from .plan import GetRun, Layout, choose

if TYPE_CHECKING:
    from codegen_api.models import AgentRunResponse
    from codegen_api.operations import Operation

    from ..clock import Clock
    from .budget import Budget

_LONGEST_PAUSE = 30.0
"""Seconds between two attempts while the service is away."""
_NOT_SAID = ""
"""The status in a cursor of a run of which only its creation was told."""


class Change(NamedTuple):
    """What happened to a run: `kind` is "created", "status_changed" or "finished".

    `previous` is the status before, None when it is not known. `cursor` is a text from which another `watch` goes on
    after this change.
    """

    kind: str
    run: AgentRunResponse
    previous: str | None
    cursor: str


class _Known:
    """What was told so far: the newest run, and the last told status of each that has not finished."""

    def __init__(self, org_id: int, newest: int, unfinished: dict[int, str]) -> None:
        self.org_id = org_id
        self.newest = newest
        self.unfinished = unfinished

    @property
    def cursor(self) -> str:
        return json.dumps({"org_id": self.org_id, "newest": self.newest, "unfinished": self.unfinished})

    def changes(self, run: AgentRunResponse) -> Iterator[Change]:
        """Tell what is new of a run, and take it in."""
        status = str(run.status)
        if run.id > self.newest:
            self.newest = run.id
            self.unfinished[run.id] = _NOT_SAID if _has_finished(run) else status
            yield Change("created", run, None, self.cursor)
        before = self.unfinished.get(run.id)
        if before == status or (before is None and _has_finished(run)):
            return
        if _has_finished(run):
            del self.unfinished[run.id]
        else:
            self.unfinished[run.id] = status
        yield Change("finished" if _has_finished(run) else "status_changed", run, before or None, self.cursor)


def parse_cursor(cursor: str, org_id: int) -> _Known:
    """Return what a cursor says; raises ValidationError for a text that is none, or is of another organisation."""
    try:
        content = json.loads(cursor)
        known = _Known(content["org_id"], content["newest"], {int(k): str(v) for k, v in content["unfinished"].items()})
        if not isinstance(known.newest, int):
            raise TypeError("newest is no number")
    except (ValueError, TypeError, KeyError, AttributeError):
        raise _refused("expected the cursor of a change") from None
    if known.org_id != org_id:
        raise _refused(f"it is of organisation {known.org_id}, not {org_id}")
    return known


def _refused(problem: str) -> ValidationError:
    return ValidationError(f"cursor: {problem}", field_errors={"cursor": [problem]})


def _has_finished(run: AgentRunResponse) -> bool:
    return isinstance(run.status, AgentRunStatus) and run.status.is_terminal


def changes(
    org_id: int,
    known: _Known | None,
    *,
    clock: Clock,
    poll_interval: float,
    budgets: Mapping[str, Budget],
) -> Flow[Change, None]:
    """Emit changes for ever; without `known` those after the present state, which is read until all runs of a page
    have finished.

    Raises:
        CodegenAPIError: for a failure that the next request would not mend, or after an hour of failures.

    """  # noqa: D205 - one sentence
    layout, ask = Layout(), _Asking(clock, budgets)
    if known is None:
        runs = yield from _newest(org_id, ask, layout, None)
        unfinished = {run.id: str(run.status) for run in runs.values() if not _has_finished(run)}
        known = _Known(org_id, max(runs, default=0), unfinished)
        yield Sleep(poll_interval)
    while True:
        runs = yield from _newest(org_id, ask, layout, known)
        yield from _others(org_id, ask, layout, known, runs)
        for run_id in sorted(runs):
            for change in known.changes(runs[run_id]):
                yield Emit(change)
        yield Sleep(poll_interval)


def _newest(org_id: int, ask: _Asking, layout: Layout, known: _Known | None) -> Flow[Any, dict[int, AgentRunResponse]]:
    """Read the list as far as it may hold runs that are not known."""
    runs: dict[int, AgentRunResponse] = {}
    skip = 0
    while True:
        page = yield from ask(operations.LIST_AGENT_RUNS, {"org_id": org_id, "skip": skip, "limit": PAGE_SIZE})
        wanted = set(known.unfinished) if known else set[int]()
        layout.learn(skip, [run.id for run in page.items], page.total, wanted)
        # What was read first stays: a later page shows it a second time when new runs pushed it down.
        runs = {**{run.id: run for run in page.items}, **runs}
        skip += len(page.items)
        if not page.items or skip >= page.total:
            return runs
        if page.items[-1].id <= known.newest if known else all(_has_finished(run) for run in page.items):
            return runs


def _others(
    org_id: int, ask: _Asking, layout: Layout, known: _Known, runs: dict[int, AgentRunResponse]
) -> Flow[Any, None]:
    """Read the unfinished runs that the newest pages did not show, by the cheapest requests."""
    rest = sorted(run_id for run_id in known.unfinished if run_id not in runs)
    while rest:
        action = choose(org_id, rest[-1], rest, layout)
        shown: dict[int, AgentRunResponse] = {}
        if not isinstance(action, GetRun):
            arguments = {"org_id": org_id, "skip": action.skip, "limit": PAGE_SIZE}
            page = yield from ask(operations.LIST_AGENT_RUNS, arguments)
            layout.learn(action.skip, [run.id for run in page.items], page.total, set(rest))
            shown = {run.id: run for run in page.items if run.id in known.unfinished}
        if rest[-1] not in shown:
            try:
                run = yield from ask(operations.GET_AGENT_RUN, {"org_id": org_id, "agent_run_id": rest[-1]})
                shown[run.id] = run
            except NotFoundError:
                del known.unfinished[rest.pop()]
        runs.update(shown)
        rest = [run_id for run_id in rest if run_id not in shown]


class _Asking:
    """Requests that wait for their place in the budget, and are repeated after failures in passing."""

    def __init__(self, clock: Clock, budgets: Mapping[str, Budget]) -> None:
        self._clock = clock
        self._budgets = budgets

    def __call__(self, operation: Operation[Any], arguments: dict[str, Any]) -> Flow[Any, Any]:
        budget = self._budgets[operation.rate_limit.group]
        while wait := budget.take(self._clock.monotonic(), page=operation.paging is not None):
            yield Sleep(wait)
        return (yield from patiently(Perform(operation, arguments), self._clock, _LONGEST_PAUSE))
