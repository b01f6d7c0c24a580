"""Bulk jobs in threads."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent import futures
from contextlib import closing
from itertools import chain
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Self

from .. import flow
from .ending import Ending
from .job import Config, Job, JournalPath, sized
from .progress import bar
from .results import BulkInterrupted, BulkResult, by_index

if TYPE_CHECKING:
    from ..client import CodegenClient

_END: Any = object()


class BulkOperations:
    """Creates many runs with one client; made by `CodegenClient.bulk_operations`."""

    def __init__(self, client: CodegenClient) -> None:
        client.config.require("bulk_operations")
        self._client = client

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def create_agent_runs(
        self,
        org_id: int | str,
        configs: Sequence[Config],
        max_concurrent: int | None = None,
        *,
        wait: bool = False,
        on_result: Callable[[BulkResult], object] | None = None,
        journal: JournalPath | None = None,
    ) -> list[BulkResult]:
        """Create a run for each configuration and return the results in the same order; one failure stops nothing.

        Args:
            org_id: The organisation.
            configs: Each a dict with the options of `Agent.run` but for its timeout.
            max_concurrent: Creates in flight at once; default `bulk_max_workers`.
            wait: Whether to return only when the runs have ended, with what they ended as.
            on_result: Called in this thread with each result as it comes.
            journal: A file that remembers the job. A later call with the same list goes on, and creates nothing twice.

        Raises:
            BulkOperationError: when the journal belongs to another list, organisation or service; before anything
                is created.
            BulkInterrupted: (a KeyboardInterrupt) after Ctrl-C, when the creates in flight have ended; a second Ctrl-C
                does not wait for those.

        """
        items = sized(configs)
        finished: list[BulkResult] = []
        try:
            with closing(Job(self._client, org_id, max_concurrent, journal)) as job:
                job.check(items)
                new = self._results(job, items, False, finished.append)
                with bar(len(items), "creating runs") as advance, closing(new) as results:
                    for result in results:
                        advance(result)
                        if on_result is not None and not wait:
                            on_result(result)
        except KeyboardInterrupt:
            raise BulkInterrupted(by_index(finished)) from None
        return self._ended(job.org_id, finished, on_result or _ignore) if wait else by_index(finished)

    def iter_create_agent_runs(
        self,
        org_id: int | str,
        configs: Iterable[Config],
        max_concurrent: int | None = None,
        *,
        ordered: bool = True,
        journal: JournalPath | None = None,
    ) -> Iterator[BulkResult]:
        """Yield results while runs are created; `configs` may be unending and is read as results are consumed.

        At most `bulk_batch_size` items are read ahead. Closing the iterator stops reading and waits for the creates in
        flight. Otherwise like `create_agent_runs`.

        Args:
            org_id: The organisation.
            configs: Configurations as in `create_agent_runs`.
            max_concurrent: Creates in flight at once; default `bulk_max_workers`.
            ordered: Whether results come in the order of the input, or as they are completed.
            journal: A file that remembers the job.

        Raises:
            BulkOperationError: when the journal knows another configuration at the same index.

        """

        def results() -> Iterator[BulkResult]:
            with closing(Job(self._client, org_id, max_concurrent, journal)) as job:
                yield from self._results(job, configs, ordered, _ignore)

        return results()

    def _results(
        self, job: Job, configs: Iterable[Config], ordered: bool, settled: Callable[[BulkResult], object]
    ) -> Generator[BulkResult, None, None]:
        window, source, client = job.window(ordered), iter(configs), self._client._on_clock(job.clock)

        def work(index: int, config: Config) -> BulkResult:
            result = flow.run(job.item(index, config), client._perform_effect, job.clock)
            settled(result)
            return result

        pool = futures.ThreadPoolExecutor(job.width, "codegen-bulk")
        done: SimpleQueue[futures.Future[BulkResult]] = SimpleQueue()
        ended = False
        try:
            while True:
                if (result := window.take()) is not None:
                    yield result
                elif ended and window.is_empty:
                    return
                # One item for each result: a slow source does not hold results back, nor they the source.
                if not ended and window.has_room:
                    if (config := next(source, _END)) is _END:
                        ended = True
                    else:
                        pool.submit(work, window.read(), config).add_done_callback(done.put)
                elif result is None:
                    window.put(done.get().result())
                while not done.empty():
                    window.put(done.get().result())
        finally:
            job.clock.stop()
            pool.shutdown(wait=True, cancel_futures=True)

    def _ended(
        self, org_id: int, created: list[BulkResult], on_result: Callable[[BulkResult], object]
    ) -> list[BulkResult]:
        ending = Ending(org_id, created, self._client._clock)
        try:
            with bar(len(created), "waiting for runs") as advance, closing(self._client._follow(ending.orders)) as news:
                for result in chain(ending.failed, filter(None, map(ending.note, news))):
                    advance(result)
                    on_result(result)
        except KeyboardInterrupt:
            raise BulkInterrupted(ending.results) from None
        return ending.results


def _ignore(_result: BulkResult) -> None:
    pass
