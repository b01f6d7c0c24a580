"""Bulk jobs in tasks."""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Sequence,
)
from contextlib import aclosing, closing
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Self

from .. import flow
from ..clock import Stopped
from .ending import Ending
from .job import Config, Job, JournalPath, sized
from .progress import bar
from .results import BulkInterrupted, BulkResult, by_index

if TYPE_CHECKING:
    from ..async_client import AsyncCodegenClient

_END: Any = object()


class AsyncBulkOperations:
    """`BulkOperations` for asyncio: the same names, awaitable."""

    def __init__(self, client: AsyncCodegenClient) -> None:
        client.config.require("bulk_operations")
        self._client = client

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        pass

    async def create_agent_runs(
        self,
        org_id: int | str,
        configs: Sequence[Config],
        max_concurrent: int | None = None,
        *,
        wait: bool = False,
        on_result: Callable[[BulkResult], Awaitable[object] | object] | None = None,
        journal: JournalPath | None = None,
    ) -> list[BulkResult]:
        """Create runs as `BulkOperations.create_agent_runs` does; `on_result` may be a coroutine function.

        When the task is cancelled, or Ctrl-C pressed, creates in flight end before the cancellation goes on; a second
        one cancels them. The `CancelledError` has a `BulkInterrupted` as its `__cause__`.
        """
        items = sized(configs)
        finished: list[BulkResult] = []
        try:
            with closing(Job(self._client, org_id, max_concurrent, journal)) as job:
                await asyncio.to_thread(job.check, items)
                new = self._results(job, items, False, finished.append)
                with bar(len(items), "creating runs") as advance:
                    async with aclosing(new) as results:
                        async for result in results:
                            advance(result)
                            if not wait:
                                await _tell(on_result, result)
        except asyncio.CancelledError as cancelled:
            raise cancelled from BulkInterrupted(by_index(finished))
        return await self._ended(job.org_id, finished, on_result) if wait else by_index(finished)

    def iter_create_agent_runs(
        self,
        org_id: int | str,
        configs: Iterable[Config] | AsyncIterable[Config],
        max_concurrent: int | None = None,
        *,
        ordered: bool = True,
        journal: JournalPath | None = None,
    ) -> AsyncIterator[BulkResult]:
        """Yield results as `BulkOperations.iter_create_agent_runs` does; `configs` may be an async iterable."""

        async def results() -> AsyncIterator[BulkResult]:
            with closing(Job(self._client, org_id, max_concurrent, journal)) as job:
                async with aclosing(self._results(job, configs, ordered, _ignore)) as inner:
                    async for result in inner:
                        yield result

        return results()

    async def _results(
        self,
        job: Job,
        configs: Iterable[Config] | AsyncIterable[Config],
        ordered: bool,
        settled: Callable[[BulkResult], object],
    ) -> AsyncGenerator[BulkResult, None]:
        window, client = job.window(ordered), self._client._on_clock(job.clock)
        source = aiter(configs) if isinstance(configs, AsyncIterable) else iter(configs)
        gate = asyncio.Semaphore(job.width)

        async def read() -> Config:
            return await anext(source, _END) if isinstance(source, AsyncIterator) else next(source, _END)

        async def work(index: int, config: Config) -> BulkResult:
            async with gate:
                if job.clock.is_stopped:
                    raise Stopped
                result = await flow.run_async(job.item(index, config), client._perform_effect, job.clock)
            settled(result)
            return result

        pending: set[asyncio.Task[Any]] = set()
        done: asyncio.Queue[asyncio.Task[Any]] = asyncio.Queue()

        def begin(steps: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
            task = asyncio.create_task(steps)
            pending.add(task)
            task.add_done_callback(done.put_nowait)
            return task

        reading: asyncio.Task[Any] | None = None
        ended = False
        try:
            while True:
                if reading is None and not ended and window.has_room:
                    reading = begin(read())
                if (result := window.take()) is not None:
                    yield result
                elif ended and window.is_empty:
                    return
                if result is None or not done.empty():
                    task = await done.get()
                    pending.discard(task)
                    if task is not reading:
                        window.put(task.result())
                    else:
                        reading = None
                        if (config := task.result()) is _END:
                            ended = True
                        else:
                            begin(work(window.read(), config))
        finally:
            job.clock.stop()
            if reading is not None:
                reading.cancel()
            try:
                if pending:
                    await asyncio.wait(pending)
            finally:
                for task in pending:
                    task.cancel()
                await asyncio.gather(*pending, return_exceptions=True)

    async def _ended(
        self,
        org_id: int,
        created: list[BulkResult],
        on_result: Callable[[BulkResult], Awaitable[object] | object] | None,
    ) -> list[BulkResult]:
        ending = Ending(org_id, created, self._client._clock)
        try:
            with bar(len(created), "waiting for runs") as advance:
                for result in ending.failed:
                    advance(result)
                    await _tell(on_result, result)
                async with aclosing(self._client._follow(ending.orders)) as news:
                    async for seen in news:
                        if (ended := ending.note(seen)) is not None:
                            advance(ended)
                            await _tell(on_result, ended)
        except asyncio.CancelledError as cancelled:
            raise cancelled from BulkInterrupted(ending.results)
        return ending.results


async def _tell(on_result: Callable[[BulkResult], Awaitable[object] | object] | None, result: BulkResult) -> None:
    if on_result is not None and isawaitable(outcome := on_result(result)):
        await outcome


def _ignore(_result: BulkResult) -> None:
    pass
