"""Bulk jobs in tasks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Self

from .. import flow
from .ending import Ending
from .job import Config, Job, JournalPath, sized
from .progress import bar
from .results import BulkResult, by_index

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

        When the task is cancelled, creates in flight end before the cancellation goes on; a second one cancels them.
        """
        items = sized(configs)
        finished: list[BulkResult] = []
        job = Job(self._client, org_id, max_concurrent, journal)
        try:
            await asyncio.to_thread(job.check, items)
            with bar(len(items)) as advance:
                async with aclosing(self._results(job, items, False)) as results:
                    async for result in results:
                        finished.append(result)
                        advance(result)
                        if not wait:
                            await _tell(on_result, result)
        finally:
            job.close()
        return await self._ended(org_id, finished, on_result) if wait else by_index(finished)

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
        self._client.config.require("bulk_operations")

        async def results() -> AsyncIterator[BulkResult]:
            job = Job(self._client, org_id, max_concurrent, journal)
            try:
                async with aclosing(self._results(job, configs, ordered)) as inner:
                    async for result in inner:
                        yield result
            finally:
                job.close()

        return results()

    async def _results(
        self, job: Job, configs: Iterable[Config] | AsyncIterable[Config], ordered: bool
    ) -> AsyncGenerator[BulkResult, None]:
        window, source = job.window(ordered), _async_iterator(configs)
        client, gate = self._client, asyncio.Semaphore(job.width)
        stopping = False

        async def work(index: int, config: Config) -> BulkResult | None:
            async with gate:
                if stopping:
                    return None
                return await flow.run_async(job.item(index, config), client._perform, client._clock)

        pending: set[asyncio.Task[BulkResult | None]] = set()
        ended = False
        try:
            while True:
                while not ended and window.has_room:
                    if (config := await anext(source, _END)) is _END:
                        ended = True
                    else:
                        pending.add(asyncio.create_task(work(window.read(), config)))
                if (result := window.take()) is not None:
                    yield result
                elif window.is_empty:
                    return
                else:
                    done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        if (outcome := task.result()) is not None:
                            window.put(outcome)
        finally:
            stopping = True
            try:
                if pending:
                    await asyncio.wait(pending)
            finally:
                for task in pending:
                    task.cancel()
                await asyncio.gather(*pending, return_exceptions=True)

    async def _ended(
        self,
        org_id: int | str,
        created: list[BulkResult],
        on_result: Callable[[BulkResult], Awaitable[object] | object] | None,
    ) -> list[BulkResult]:
        ending = Ending(org_id, created, self._client._clock)
        for result in ending.failed:
            await _tell(on_result, result)
        async with aclosing(self._client._follow(ending.orders)) as news:
            async for seen in news:
                if (ended := ending.note(seen)) is not None:
                    await _tell(on_result, ended)
        return ending.results


async def _tell(on_result: Callable[[BulkResult], Awaitable[object] | object] | None, result: BulkResult) -> None:
    if on_result is not None and isawaitable(outcome := on_result(result)):
        await outcome


async def _async_iterator(items: Iterable[Config] | AsyncIterable[Config]) -> AsyncIterator[Config]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
