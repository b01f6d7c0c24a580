"""What sync and async providers share: steps that say what to call, and the drivers that call it.

The sync and the async client of a service have the same names, so one generator serves both: it yields what to call,
and the driver awaits the outcome where that is needed.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, NamedTuple, TypeVar

R = TypeVar("R")

END = object()
"""What `advance` brings when a stream is over."""


class LeftError(BaseException):
    """Whoever ran the steps has left. GeneratorExit itself would close what a `yield from` waits for."""


class Call(NamedTuple):
    """Call a function without arguments; the steps are sent what it returns, awaited where it is awaitable."""

    function: Callable[[], Any]


class Emit(NamedTuple):
    """Hand an item to whoever runs the steps."""

    item: Any


Steps = Generator[Call | Emit, Any, R]
"""Steps that return R; what a call raises is thrown into them."""


def advance(stream: Any) -> Call:
    """Bring the next item of an iterator or async iterator, or `END`."""
    return Call(lambda: anext(stream, END) if hasattr(stream, "__anext__") else next(stream, END))


def relay(steps: Generator[Any, Any, R], through: Callable[[Any], Any]) -> Generator[Any, Any, R]:
    """Run steps within others; each effect goes through a function first, which may raise."""
    resume: Callable[[Any], Any] = steps.send
    outcome: Any = None
    try:
        while True:
            try:
                effect = resume(outcome)
            except StopIteration as end:
                result: R = end.value
                return result
            effect = through(effect)
            resume, outcome = steps.send, None
            try:
                outcome = yield effect
            except BaseException as error:  # noqa: BLE001 - the inner steps decide
                resume, outcome = steps.throw, error
    finally:
        steps.close()


def iterate(steps: Steps[R]) -> Generator[Any, None, R]:
    """Run steps in this thread, yield what they emit, and return their result.

    Whatever ends the iteration early is thrown into the steps, which may still make calls to clean up.
    """
    resume: Callable[[Any], Any] = steps.send
    outcome: Any = None
    while True:
        try:
            effect = resume(outcome)
        except StopIteration as end:
            result: R = end.value
            return result
        except LeftError:
            raise GeneratorExit from None
        resume, outcome = steps.send, None
        try:
            if isinstance(effect, Emit):
                yield effect.item
            else:
                outcome = effect.function()
        except GeneratorExit:
            resume, outcome = steps.throw, LeftError()
        except BaseException as error:  # noqa: BLE001 - the steps decide
            resume, outcome = steps.throw, error


def run(steps: Steps[R]) -> R:
    """Run steps that emit nothing in this thread and return their result."""
    running = iterate(steps)
    try:
        next(running)
    except StopIteration as end:
        result: R = end.value
        return result
    raise TypeError("these steps emit items: use iterate")


async def iterate_async(steps: Steps[R], results: list[R]) -> AsyncGenerator[Any, None]:
    """Run steps in this task as `iterate` does; their result is appended to `results`."""
    resume: Callable[[Any], Any] = steps.send
    outcome: Any = None
    while True:
        try:
            effect = resume(outcome)
        except StopIteration as end:
            results.append(end.value)
            return
        except LeftError:
            raise GeneratorExit from None
        resume, outcome = steps.send, None
        try:
            if isinstance(effect, Emit):
                yield effect.item
                continue
            outcome = effect.function()
            if inspect.isawaitable(outcome):
                outcome = await outcome
        except GeneratorExit:
            resume, outcome = steps.throw, LeftError()
        except BaseException as error:  # noqa: BLE001 - the steps decide
            resume, outcome = steps.throw, error


async def run_async(steps: Steps[R]) -> R:
    """Run steps that emit nothing in this task and return their result."""
    results: list[R] = []
    async for _ in iterate_async(steps, results):
        raise TypeError("these steps emit items: use iterate_async")
    return results[0]
