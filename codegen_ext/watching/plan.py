"""Which request shows the most runs: a page of the list, or one run."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from codegen_api import operations

from ..flow import Perform
from ..paging import PAGE_SIZE
from .budget import Budget

if TYPE_CHECKING:
    from codegen_api.operations import Operation

_MOST_EDGES = 400
_LEAST = 0.001
"""Seconds that a request gets even when the deadline is nearer."""


def _same(_: int) -> float:
    return 1.0


class GetRun(NamedTuple):
    """Read one run."""

    org_id: int
    run_id: int


class ListRuns(NamedTuple):
    """Read the page of an organisation's list that begins at `skip`."""

    org_id: int
    skip: int


class ReadLog(NamedTuple):
    """Read the newest entry of a run's log, and how many there are."""

    org_id: int
    run_id: int


class Rest(NamedTuple):
    """Nothing is to be asked for so many seconds, unless somebody comes."""

    seconds: float


Action = GetRun | ListRuns | ReadLog


class Layout:
    """Where the runs of an organisation stand in its list, which is newest first.

    A rank counts from the oldest run, which has 1. Runs that arrive change places but not ranks, so a rank that was
    seen once stays true; between known ranks it is estimated from the ids, which grow with time.
    """

    def __init__(self) -> None:
        self.total: int | None = None
        self._ranks: dict[int, int] = {}
        self._edges: list[tuple[int, int]] = []
        self._density = 1.0

    def learn(self, skip: int, run_ids: Sequence[int], total: int, wanted: set[int]) -> None:
        """Take in a page; exact ranks are kept for the `wanted` ids alone."""
        self.total = total
        for index, run_id in enumerate(run_ids):
            if run_id in wanted:
                self._ranks[run_id] = total - skip - index
        if run_ids:
            first, last = run_ids[0], run_ids[-1]
            if first > last:
                self._density = min(1.0, (len(run_ids) - 1) / (first - last))
            if len(self._edges) >= _MOST_EDGES:
                self._edges = self._edges[::2]
            for index, run_id in ((0, first), (len(run_ids) - 1, last)):
                edge = (run_id, total - skip - index)
                at = bisect_left(self._edges, edge)
                if self._edges[at : at + 1] != [edge]:
                    insort(self._edges, edge)

    def forget(self, run_id: int) -> None:
        """Drop the rank of a run."""
        self._ranks.pop(run_id, None)

    def place(self, run_id: int, newest: int) -> int:
        """Return the index in the list at which a run stands, or probably stands; `newest` is the largest id wanted."""
        if self.total is None:
            return max(0, newest - run_id)
        rank = self._ranks.get(run_id)
        return max(0, self.total - (self._estimate(run_id) if rank is None else rank))

    def shows(self, run_id: int, skip: int, count: int) -> bool:
        """Whether a page that was just learnt must have shown this run, going by its rank."""
        rank = self._ranks.get(run_id)
        return rank is None or self.total is None or skip <= self.total - rank < skip + count

    def _estimate(self, run_id: int) -> int:
        at = bisect_left(self._edges, (run_id, 0))
        newer = self._edges[at] if at < len(self._edges) else None
        older = self._edges[at - 1] if at else None
        if newer is None:
            return self.total or 0 if older is None else older[1] + max(1, round((run_id - older[0]) * self._density))
        guess = newer[1] - max(1, round((newer[0] - run_id) * self._density))
        return max(guess, 1 if older is None else older[1] + 1)


def choose(
    org_id: int, run_id: int, wanted: Sequence[int], layout: Layout, worth: Callable[[int], float] = _same
) -> GetRun | ListRuns:
    """Return the cheapest request that shows `run_id`: a page that shows more `wanted` ids (ascending), or one run.

    A page and a run cost one request each, so a page is read as soon as a second wanted run is likely to be on it. Of
    the pages that show the run, that with the greatest sum of `worth` is chosen; it may begin anywhere.
    """
    at = bisect_left(wanted, run_id)
    newest = wanted[-1]
    place = layout.place(run_id, newest)
    near = wanted[max(0, at - PAGE_SIZE + 1) : at + PAGE_SIZE]
    places = sorted((layout.place(other, newest), worth(other)) for other in near)
    best, shown, start, end, value = -1.0, 1, place, 0, 0.0
    for index, (first, gone) in enumerate(places):
        if first > place:
            break
        while end < len(places) and places[end][0] < first + PAGE_SIZE:
            value += places[end][1]
            end += 1
        if first + PAGE_SIZE > place and value > best:
            best, shown, start = value, end - index, first
        value -= gone
    return GetRun(org_id, run_id) if shown < 2 else ListRuns(org_id, start)


def budgets() -> dict[str, Budget]:
    """Return a budget for each limit group that watching uses."""
    used = (operations.GET_AGENT_RUN, operations.LIST_AGENT_RUNS, operations.GET_AGENT_RUN_LOGS)
    return {operation.rate_limit.group: Budget(operation.rate_limit) for operation in used}


OPERATIONS: dict[type[Action], Operation[Any]] = {
    GetRun: operations.GET_AGENT_RUN,
    ListRuns: operations.LIST_AGENT_RUNS,
    ReadLog: operations.GET_AGENT_RUN_LOGS,
}


def request_of(action: Action, deadline: float, now: float) -> Perform[Any]:
    """Return the request of an action, which may take until `deadline`."""
    if isinstance(action, ListRuns):
        arguments: dict[str, Any] = {"org_id": action.org_id, "skip": action.skip, "limit": PAGE_SIZE}
    else:
        arguments = {"org_id": action.org_id, "agent_run_id": action.run_id}
        if isinstance(action, ReadLog):
            arguments |= {"limit": 1, "reverse": True}
    return Perform(OPERATIONS[type(action)], arguments, None if deadline == math.inf else max(deadline - now, _LEAST))
