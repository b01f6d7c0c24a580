"""Positions of runs in a list that is read by offsets while it grows."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Container, Mapping, Sequence
from itertools import accumulate

PAGE_SIZE = 100
_MOST_EDGES = 400


class ListIndex:
    """Ranks of the runs of one organization, whose list is newest first.

    A rank counts from the oldest run, which has 1. Runs that arrive change positions but not ranks, so a rank that was
    seen once stays true; between known ranks it is interpolated from the ids, which grow with time. What deletions
    make wrong is put right by the next page.
    """

    def __init__(self) -> None:
        self.total: int | None = None
        self._ranks: dict[int, int] = {}
        self._ids: list[int] = []

    def learn(self, skip: int, run_ids: Sequence[int], total: int, watched: Container[int]) -> None:
        """Take in a page: the ranks of its first and last run, and of those that are watched."""
        self.total = total
        if len(self._ids) > _MOST_EDGES:
            self._ids = [run_id for run_id in self._ids if run_id in watched]
            self._ranks = {run_id: self._ranks[run_id] for run_id in self._ids}
        for index, run_id in enumerate(run_ids):
            if index in (0, len(run_ids) - 1) or run_id in watched:
                if run_id not in self._ranks:
                    insort(self._ids, run_id)
                self._ranks[run_id] = total - skip - index

    def forget(self, run_id: int) -> None:
        """Drop the rank of a run."""
        if self._ranks.pop(run_id, None) is not None:
            self._ids.remove(run_id)

    def position(self, run_id: int) -> int:
        """Return the offset at which a run stands, or probably stands."""
        rank = self._ranks.get(run_id)
        return max(0, (self.total or 0) - (self._estimate(run_id) if rank is None else rank))

    def _estimate(self, run_id: int) -> int:
        at = bisect_left(self._ids, run_id)
        if at == len(self._ids):
            return self.total or 0
        newer_id, newer = self._ids[at], self._ranks[self._ids[at]]
        older_id, older = (self._ids[at - 1], self._ranks[self._ids[at - 1]]) if at else (0, 0)
        share = (run_id - older_id) / (newer_id - older_id)
        return min(max(older + round((newer - older) * share), older + 1), newer - 1)

    def best_page(self, run_id: int, staleness: Mapping[int, float]) -> tuple[int, int]:
        """Return the offset of the page to read for a run, and how many of the runs of `staleness` it shows.

        Of the pages that show the run, that with the greatest sum of staleness is chosen; it may begin anywhere.
        """
        position = self.position(run_id)
        found = [(self.position(other), value) for other, value in staleness.items()]
        near = sorted((at, value) for at, value in found if abs(at - position) < PAGE_SIZE)
        positions = [at for at, _ in near]
        sums = [0.0, *accumulate(value for _, value in near)]

        def shown(start: int) -> tuple[float, int, int]:
            first, end = bisect_left(positions, start), bisect_left(positions, start + PAGE_SIZE)
            return sums[end] - sums[first], start, end - first

        _, start, count = max(shown(start) for start in {*positions} if position - PAGE_SIZE < start <= position)
        return start, count
