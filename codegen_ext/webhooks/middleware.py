"""What runs around the handlers of an event: a function before them, or a generator before and after."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

Middleware = Callable[[Any], Any]
"""Gets the event. What a generator function does after its one `yield`, which gives it the result, comes afterwards."""


class Layer:
    """One middleware at work on one event; each step returns something to await if the middleware is async."""

    def __init__(self, middleware: Middleware) -> None:
        self.name = name_of(middleware)
        self.is_async = is_async(middleware)
        self._middleware = middleware
        self._generator: Any = None

    def begin(self, event: Any) -> Any:
        """Run up to the `yield`, or all of a plain function."""
        outcome = self._middleware(event)
        if inspect.isasyncgen(outcome):
            self._generator = outcome
            return anext(outcome, None)
        if inspect.isgenerator(outcome):
            self._generator = outcome
            return next(outcome, None)
        return outcome

    def end(self, result: Any) -> Any:
        """Run what stands after the `yield`."""
        generator, self._generator = self._generator, None
        if inspect.isasyncgen(generator):
            return _end(generator, result)
        if generator is not None:
            try:
                generator.send(result)
            except StopIteration:
                return None
            generator.close()
            raise _second_yield()
        return None

    def abandon(self) -> Any:
        """End at the `yield`, because the handlers will not run."""
        generator, self._generator = self._generator, None
        if generator is None:
            return None
        return generator.aclose() if inspect.isasyncgen(generator) else generator.close()


async def _end(generator: Any, result: Any) -> None:
    try:
        await generator.asend(result)
    except StopAsyncIteration:
        return
    await generator.aclose()
    raise _second_yield()


def _second_yield() -> RuntimeError:
    return RuntimeError("a webhook middleware must yield once")


def is_async(function: Any) -> bool:
    """Whether calling a function gives something to await."""
    while hasattr(function, "func"):
        function = function.func
    functions = (function, getattr(function, "__call__", None))  # noqa: B004 - it is inspected, not called
    return any(inspect.iscoroutinefunction(item) or inspect.isasyncgenfunction(item) for item in functions)


def name_of(function: Any) -> str:
    """Return what reports call a function."""
    return getattr(function, "__qualname__", None) or repr(function)


def takes_two(function: Callable[..., Any]) -> bool:
    """Whether a function asks for two arguments."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    required = [
        item
        for item in parameters
        if item.kind in (item.POSITIONAL_ONLY, item.POSITIONAL_OR_KEYWORD) and item.default is item.empty
    ]
    return len(required) >= 2
