"""Async clients, agents and tasks as if they were the sync ones, so that one test serves both."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any, Self

import httpx


def real(client: Any) -> Any:
    """Return the client itself, without the blocking front of an async one."""
    return getattr(client, "_target", client)


def finish(awaitable: Any, runner: asyncio.Runner) -> Any:
    """Return the result of any awaitable; a runner takes coroutines alone."""

    async def wait() -> Any:
        return await awaitable

    return runner.run(wait())


class Blocking:
    """Awaits what the wrapped object makes awaitable, and turns its streams into iterators."""

    def __init__(self, target: Any, runner: asyncio.Runner) -> None:
        self._target = target
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        return self._settle(getattr(self._target, name))

    def __repr__(self) -> str:
        return repr(self._target)  # a test that looks for a secret in it would find none in this object's own

    def __enter__(self) -> Self:
        finish(self._target.__aenter__(), self._runner)
        return self

    def __exit__(self, *exception: object) -> None:
        finish(self._target.__aexit__(*exception), self._runner)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        try:
            return self._settle(anext(self._target))
        except StopAsyncIteration:
            raise StopIteration from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blocking) and other._target is self._target

    def __hash__(self) -> int:
        return hash(self._target)

    def _settle(self, value: Any) -> Any:
        if inspect.isawaitable(value):
            return self._settle(finish(value, self._runner))
        kind = type(value)
        ours = kind.__module__.startswith("codegen_ext") and kind.__name__.startswith("Async")
        ours = ours and not isinstance(value, httpx.AsyncClient)
        if isinstance(value, AsyncIterator) and not ours:
            return self._iterate(value)
        if inspect.ismethod(value):
            return lambda *args, **kwargs: self._settle(value(*args, **kwargs))
        if isinstance(value, list):
            return [self._settle(item) for item in value]
        return type(self)(value, self._runner) if ours else value

    def _iterate(self, stream: Any) -> Iterator[Any]:
        try:
            while True:
                try:
                    item = finish(anext(stream), self._runner)
                except StopAsyncIteration:
                    return
                yield self._settle(item)
        finally:
            finish(stream.aclose(), self._runner)
