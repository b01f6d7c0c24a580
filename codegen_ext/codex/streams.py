"""Iterators over what a conversation emits; ending one early interrupts the turn."""

from __future__ import annotations

from typing import Any, Generic, Self, TypeVar

from .conversation import AsyncRun, Run

T = TypeVar("T")
R = TypeVar("R")


class Stream(Generic[T, R]):
    """Yields items as they arrive, usable once and by one thread at a time; also a context manager.

    Raises, while iterating, the errors of the call. Leaving the context, `close`, and losing the last reference
    interrupt a turn that goes on.
    """

    def __init__(self, run: Run[R], first: list[T]) -> None:
        self._run = run
        self._ahead = first

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        item: T = self._ahead.pop() if self._ahead else next(self._run)
        return item

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def result(self) -> R:
        """Go on to the end and return the whole, as a call without a stream does."""
        self._ahead.clear()
        return self._run.result()

    def close(self) -> None:
        """End it; a turn that goes on is interrupted."""
        self._ahead.clear()
        self._run.close()


class AsyncStream(Generic[T, R]):
    """`Stream` for asyncio."""

    def __init__(self, run: AsyncRun[R], first: list[T]) -> None:
        self._run = run
        self._ahead = first

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        item: T = self._ahead.pop() if self._ahead else await anext(self._run)
        return item

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def result(self) -> R:
        """Go on to the end and return the whole, as a call without a stream does."""
        self._ahead.clear()
        return await self._run.result()

    async def close(self) -> None:
        """End it; a turn that goes on is interrupted."""
        self._ahead.clear()
        await self._run.close()


def begin(run: Run[R]) -> Stream[Any, R]:
    """Return a stream whose first item is there, so that what fails before it is raised by the call itself."""
    return Stream(run, [next(run)])


async def begin_async(run: AsyncRun[R]) -> AsyncStream[Any, R]:
    """Return a stream whose first item is there, so that what fails before it is raised by the call itself."""
    return AsyncStream(run, [await anext(run)])
