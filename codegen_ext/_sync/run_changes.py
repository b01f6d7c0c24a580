# Generated from codegen_ext/_async/run_changes.py by make generate; edit there.
"""Follow the runs of an organization: what was created, what changed, what finished, from a cursor on."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from codegen_api import operations

from ..changes import Change, KnownRuns, has_finished, told_status
from ..errors import InvalidResponseError, NotFoundError
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
_MOST_STALLED = 3
"""Pages in a row that show no older run: more runs arrived than a page holds, or `skip` is not heeded."""


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
        unfinished = {run.id: told_status(run) for run in runs.values() if not has_finished(run)}
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
        skip = stalled = 0
        while True:
            page = self._page(skip, set(known.unfinished) if known else set())
            shown = [run.id for run in page.items]
            is_further = bool(shown) and (not runs or min(shown) < min(runs))
            stalled = 0 if is_further else stalled + 1
            # What was read first stays: a later page shows it a second time when new runs pushed it down.
            runs = {**{run.id: run for run in page.items}, **runs}
            skip += len(page.items)
            if not shown or skip == page.total:
                return runs
            if shown[-1] <= known.newest if known else all(has_finished(run) for run in page.items):
                return runs
            if stalled > _MOST_STALLED:
                problem = f"the list does not advance: {stalled} pages showed no older run"
                raise InvalidResponseError(problem, operation=operations.LIST_AGENT_RUNS.id)

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
