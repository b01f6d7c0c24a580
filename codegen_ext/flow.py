"""Decisions over time, written once: a flow is a generator that yields effects and is sent their outcomes.

A flow never performs anything itself, so the same one serves threads and event loops, and tests can drive it by hand.
The model is httpx's `Auth.auth_flow`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from codegen_api.options import NO_OPTIONS, RequestOptions

if TYPE_CHECKING:
    from codegen_api.operations import Operation

    from .clock import Clock

T = TypeVar("T")
R = TypeVar("R")


class Perform(NamedTuple, Generic[T]):
    """Perform an operation; the flow is sent the `Response` with the model in `parsed`, or its error is thrown in.

    Everything together, repetitions included, takes at most `timeout` seconds where the client allows more. With
    `past_cache` the service is asked, whatever is kept.
    """

    operation: Operation[T]
    arguments: dict[str, Any]
    timeout: float | None = None
    options: RequestOptions = NO_OPTIONS
    past_cache: bool = False


class Sleep(NamedTuple):
    """Let `seconds` pass."""

    seconds: float


class Call(NamedTuple):
    """Call a function that may block for a moment; the flow is sent its result."""

    function: Callable[[], Any]


class Emit(NamedTuple, Generic[T]):
    """Hand `item` to whoever runs the flow."""

    item: T


Flow = Generator[Perform[Any] | Sleep | Call | Emit[T], Any, R]
"""A flow that emits items of T and returns R."""


def gather(flow: Flow[T, Any], limit: int | None = None, *, close: bool = True) -> Flow[Any, list[T]]:
    """Run a flow within another and return what it emits, at most `limit` items; errors are thrown into it first.

    Without `close` the flow may be gathered from again.
    """
    items: list[T] = []
    resume: Callable[[Any], Any] = flow.send
    outcome: Any = None
    try:
        while limit is None or len(items) < limit:
            effect = resume(outcome)
            resume, outcome = flow.send, None
            if isinstance(effect, Emit):
                items.append(effect.item)
                continue
            try:
                outcome = yield effect
            except Exception as error:  # noqa: BLE001 - the inner flow decides
                resume, outcome = flow.throw, error
    except StopIteration:
        pass
    finally:
        if close:
            flow.close()
    return items


def iterate(flow: Flow[T, R], perform: Callable[[Perform[Any]], Any], clock: Clock) -> Iterator[T]:
    """Run a flow in this thread and yield what it emits.

    Closing the iterator, or any interruption, closes the flow.
    """
    try:
        effect = next(flow)
        while True:
            outcome = None
            try:
                if isinstance(effect, Perform):
                    outcome = perform(effect)
                elif isinstance(effect, Sleep):
                    clock.sleep(effect.seconds)
                elif isinstance(effect, Call):
                    outcome = effect.function()
                else:
                    yield effect.item
            except Exception as error:  # noqa: BLE001 - the flow decides
                effect = flow.throw(error)
            else:
                effect = flow.send(outcome)
    except StopIteration:
        return
    finally:
        flow.close()


async def iterate_async(
    flow: Flow[T, R], perform: Callable[[Perform[Any]], Awaitable[Any]], clock: Clock
) -> AsyncGenerator[T]:
    """Run a flow in this task and yield what it emits; otherwise like `iterate`."""
    try:
        effect = next(flow)
        while True:
            outcome = None
            try:
                if isinstance(effect, Perform):
                    outcome = await perform(effect)
                elif isinstance(effect, Sleep):
                    await clock.sleep_async(effect.seconds)
                elif isinstance(effect, Call):
                    outcome = await _in_thread(effect.function)
                else:
                    yield effect.item
            except Exception as error:  # noqa: BLE001 - the flow decides
                effect = flow.throw(error)
            else:
                effect = flow.send(outcome)
    except StopIteration:
        return
    finally:
        flow.close()


async def _in_thread(function: Callable[[], T]) -> T:
    from asyncio import to_thread

    return await to_thread(function)


def capture(flow: Flow[T, R], results: list[R]) -> Flow[T, None]:
    """Wrap a flow so that what it returns is appended to `results`."""
    results.append((yield from flow))


def _ignore(item: object) -> None:
    pass


def run(
    flow: Flow[T, R],
    perform: Callable[[Perform[Any]], Any],
    clock: Clock,
    on_emit: Callable[[T], object] = _ignore,
) -> R:
    """Run a flow to its end in this thread and return its result; `on_emit` gets what it emits."""
    results: list[R] = []
    for item in iterate(capture(flow, results), perform, clock):
        on_emit(item)
    return results[0]


async def run_async(
    flow: Flow[T, R],
    perform: Callable[[Perform[Any]], Awaitable[Any]],
    clock: Clock,
    on_emit: Callable[[T], object] = _ignore,
) -> R:
    """Run a flow to its end in this task and return its result; what `on_emit` returns is awaited if it can be."""
    results: list[R] = []
    async for item in iterate_async(capture(flow, results), perform, clock):
        outcome = on_emit(item)
        if isinstance(outcome, Awaitable):
            await outcome
    return results[0]
