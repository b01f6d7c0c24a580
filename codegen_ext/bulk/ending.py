"""From runs that were created to runs that have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..agents.state import TaskState
from ..errors import TaskError
from ..watching.tickets import News, Order
from .results import BulkResult, by_index

if TYPE_CHECKING:
    from ..clock import Clock


class Ending:
    """Turns what the watcher says of the created runs into results."""

    def __init__(self, org_id: int, results: list[BulkResult], clock: Clock) -> None:
        self._org_id = org_id
        self._clock = clock
        self._results = {result.index: result for result in results}
        self._indexes = {result.data.id: result.index for result in results if result.data is not None}
        self.failed = [result for result in results if result.data is None]
        """Results for which there is nothing to wait."""

    @property
    def orders(self) -> list[Order]:
        """What to ask the watcher for."""
        return [Order(self._org_id, run_id) for run_id in self._indexes]

    @property
    def results(self) -> list[BulkResult]:
        """All results, by index, as far as they are known."""
        return by_index(list(self._results.values()))

    def note(self, news: News) -> BulkResult | None:
        """Return the result of a run that has ended, or that can no longer be waited for; None for other news."""
        if not news.final:
            return None
        index = self._indexes[news.run_id]
        run, error = news.run or self._results[index].data, news.error
        if error is None and run is not None:
            try:
                TaskState(self._org_id, run, self._clock, None).raise_for_status()
            except TaskError as failed:
                error = failed
        result = self._results[index] = BulkResult(index, run, error)  # type: ignore[arg-type]
        return result
