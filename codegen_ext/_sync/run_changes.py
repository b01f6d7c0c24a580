# Generated from codegen_ext/_async/run_changes.py by make generate; edit there.
"""Changes of an organisation's runs: what was created, what changed, what finished, from a cursor on."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from codegen_api import operations
from codegen_api.enums import AgentRunStatus

from ..errors import NotFoundError, ValidationError
from ..list_index import PAGE_SIZE, ListIndex
from .locks import sleep
from .run_logs import perform_patiently

if TYPE_CHECKING:
    from codegen_api.models import AgentRunResponse, AgentRunsResponse
    from codegen_api.operations import Operation

    from .base_client import BaseClient
    from .run_poller import RunPoller

_LONGEST_PAUSE = 30.0
"""Seconds between two attempts while the service is unavailable."""
_NOT_TOLD = ""
"""The status in a cursor of a run of which only the creation was told."""


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
        """Return what a cursor says; raises ValidationError when it is none, or of another organisation."""
        try:
            content = json.loads(cursor)
            unfinished = {int(run_id): str(status) for run_id, status in content["unfinished"].items()}
            known = cls(content["org_id"], content["newest"], unfinished)
            if not isinstance(known.newest, int):
                raise TypeError("newest is not a number")
        except (ValueError, TypeError, KeyError, AttributeError):
            raise _invalid_cursor("expected the cursor of a change") from None
        if known.org_id != org_id:
            raise _invalid_cursor(f"it is of organisation {known.org_id}, not {org_id}")
        return known

    @property
    def cursor(self) -> str:
        """The state as JSON."""
        return json.dumps({"org_id": self.org_id, "newest": self.newest, "unfinished": self.unfinished})

    def changes(self, run: AgentRunResponse) -> Iterator[Change]:
        """Yield what is new of a run, and take it in."""
        status = str(run.status)
        if run.id > self.newest:
            self.newest = run.id
            self.unfinished[run.id] = _NOT_TOLD if _has_finished(run) else status
            yield Change("created", run, None, self.cursor)
        before = self.unfinished.get(run.id)
        if before == status or (before is None and _has_finished(run)):
            return
        if _has_finished(run):
            del self.unfinished[run.id]
        else:
            self.unfinished[run.id] = status
        yield Change("finished" if _has_finished(run) else "status_changed", run, before or None, self.cursor)


def _invalid_cursor(problem: str) -> ValidationError:
    return ValidationError(f"cursor: {problem}", field_errors={"cursor": [problem]})


def _has_finished(run: AgentRunResponse) -> bool:
    return isinstance(run.status, AgentRunStatus) and run.status.is_terminal


def stream_run_changes(
    client: BaseClient, poller: RunPoller, org_id: int, known: KnownRuns | None, poll_interval: float
) -> Generator[Change, None, None]:
    """Yield changes for ever; without `known` those after the present state.

    The present state is read until all runs of a page have finished.

    Raises:
        CodegenAPIError: for a failure that the next request would not mend, or after an hour of failures.

    """
    reader = _Reader(client, poller, org_id)
    if known is None:
        runs = reader.newest(None)
        unfinished = {run.id: str(run.status) for run in runs.values() if not _has_finished(run)}
        known = KnownRuns(org_id, max(runs, default=0), unfinished)
        sleep(client.clock, poll_interval)
    while True:
        runs = reader.newest(known)
        reader.others(known, runs)
        for run_id in sorted(runs):
            for change in known.changes(runs[run_id]):
                yield change
        sleep(client.clock, poll_interval)


class _Reader:
    """Reads the runs that may have changed, by few requests that stand back from other calls."""

    def __init__(self, client: BaseClient, poller: RunPoller, org_id: int) -> None:
        self._client = client
        self._poller = poller
        self._org_id = org_id
        self._index = ListIndex()

    def newest(self, known: KnownRuns | None) -> dict[int, AgentRunResponse]:
        """Return the runs of the list as far as it may hold any that are not known."""
        runs: dict[int, AgentRunResponse] = {}
        skip = 0
        while True:
            page = self._page(skip, set(known.unfinished) if known else set())
            shown = [run.id for run in page.items]
            # A page without anything new ends it: the list is over, or `skip` is not heeded.
            is_over = runs.keys() >= set(shown)
            # What was read first stays: a later page shows it a second time when new runs pushed it down.
            runs = {**{run.id: run for run in page.items}, **runs}
            skip += len(page.items)
            if is_over or skip >= page.total:
                return runs
            if shown[-1] <= known.newest if known else all(_has_finished(run) for run in page.items):
                return runs

    def others(self, known: KnownRuns, runs: dict[int, AgentRunResponse]) -> None:
        """Add the unfinished runs that the newest pages did not show; those that are gone are no longer known."""
        missing = sorted(run_id for run_id in known.unfinished if run_id not in runs)
        while missing:
            asked = missing[-1]
            skip, count = self._index.best_page(asked, dict.fromkeys(missing, 1.0))
            if count > 1:
                page = self._page(skip, set(missing))
                runs.update({run.id: run for run in page.items if run.id in known.unfinished})
            if asked not in runs:
                try:
                    runs[asked] = self._ask(operations.GET_AGENT_RUN, {"org_id": self._org_id, "agent_run_id": asked})
                except NotFoundError:
                    del known.unfinished[missing.pop()]
            missing = [run_id for run_id in missing if run_id not in runs]

    def _page(self, skip: int, wanted: set[int]) -> AgentRunsResponse:
        arguments = {"org_id": self._org_id, "skip": skip, "limit": PAGE_SIZE}
        page: AgentRunsResponse = self._ask(operations.LIST_AGENT_RUNS, arguments)
        self._index.learn(skip, [run.id for run in page.items], page.total, wanted)
        return page

    def _ask(self, operation: Operation[Any], arguments: dict[str, Any]) -> Any:
        self._poller.stand_back(operation)
        return (perform_patiently(self._client, operation, arguments, _LONGEST_PAUSE)).parsed
