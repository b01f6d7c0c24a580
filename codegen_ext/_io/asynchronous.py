"""Primitives of waiting for event loops; `synchronous` has the same names for threads."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Hashable,
    Iterable,
)
from typing import Any, Generic, TypeVar

from ..clock import Clock

T = TypeVar("T")

AWAITS = True
"""Whether a callback may be a coroutine function."""
Mutex = threading.Lock
"""A lock that is held for a moment only, never across a wait; also between several loops and threads."""


class Waiter:
    """Signal that is given once, from any thread, to the one task that waits for it."""

    __slots__ = ("_future", "_loop", "woken")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[None] | None = None
        self.woken = False

    def wake(self) -> bool:
        """Give the signal; return whether the loop of the task can still hear it."""
        self.woken = True
        try:
            if asyncio.get_running_loop() is self._loop:
                self._end()  # without a wake-up of the loop, which is a system call
                return True
        except RuntimeError:  # no loop runs in this thread
            pass
        try:
            self._loop.call_soon_threadsafe(self._end)
        except RuntimeError:  # the loop is closed
            self.woken = False
            return False
        return True

    def _end(self) -> None:
        if self._future is not None and not self._future.done():
            self._future.set_result(None)

    async def wait(self, clock: Clock | None, seconds: float | None) -> bool:
        """Wait for the signal, for `seconds` at the longest; return whether it was given.

        Without a clock they are real seconds, also where a test has replaced the clock of the machine.
        """
        if self.woken:
            return True
        self._future = self._loop.create_future()
        if seconds is None:
            await self._future
        elif clock is None:
            timer = self._loop.call_later(seconds, self._end)
            try:
                await self._future
            finally:
                timer.cancel()
        else:
            timeout = asyncio.ensure_future(clock.sleep_async(seconds))
            try:
                await asyncio.wait([self._future, timeout], return_when=asyncio.FIRST_COMPLETED)
            finally:
                timeout.cancel()
        return self.woken


class Worker(Generic[T]):
    """Coroutine that runs beside its starter, in a context of its own."""

    def __init__(self, task: asyncio.Task[T]) -> None:
        self._task = task

    def done(self) -> bool:
        """Return whether it has ended."""
        return self._task.done()

    async def join(self) -> T:
        """Wait for its end and return its result; raises what it raised."""
        await asyncio.wait([self._task])
        return self._task.result()


def start(function: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> Worker[T]:
    """Start a worker on the running loop."""
    context = contextvars.Context()
    return Worker(asyncio.get_running_loop().create_task(function(*args), context=context))


def start_in_context(function: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> Worker[T]:
    """Start a worker that sees the starter's context, such as a trace."""
    return Worker(asyncio.get_running_loop().create_task(function(*args)))


class Reader(Generic[T]):
    """Iteration over a caller's items, plain or asynchronous, one at a time and beside other work."""

    def __init__(
        self, items: Iterable[T] | AsyncIterable[T], deliver: Callable[[T | None, bool, Exception | None], object]
    ) -> None:
        """Deliver each item as `deliver(item, True, None)`, the end and an error with False."""
        self._source = aiter(items) if isinstance(items, AsyncIterable) else iter(items)
        self._deliver = deliver
        self._task: asyncio.Task[None] | None = None

    def read_next(self) -> None:
        """Begin to read one item."""
        self._task = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        source = self._source
        try:
            item = await anext(source) if isinstance(source, AsyncIterator) else next(source)
        except (StopIteration, StopAsyncIteration):
            self._deliver(None, False, None)
        except Exception as error:  # noqa: BLE001 - the caller's own, raised where the items are used
            self._deliver(None, False, error)
        else:
            self._deliver(item, True, None)

    def stop(self) -> None:
        """Give up what is being read."""
        if self._task is not None:
            self._task.cancel()


async def run_blocking(function: Callable[..., T], *args: Any) -> T:
    """Call a function that may block, in a daemon thread with the caller's context; raises what it raises.

    An executor would refuse new work as soon as the main thread has ended. When the caller is cancelled the thread
    runs on, and what it returns is dropped.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
    context = contextvars.copy_context()

    def deliver(result: Any, error: BaseException | None) -> None:
        if not done.done():
            done.set_result((result, error))  # in a pair, because a future cannot hold a StopIteration

    def work() -> None:
        result, error = None, None
        try:
            result = context.run(function, *args)
        except BaseException as raised:  # noqa: BLE001 - raised again where the function was called
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(deliver, result, error)

    threading.Thread(target=work, name="codegen-blocking", daemon=True).start()
    result, error = await done
    if error is not None:
        raise error
    return result  # type: ignore[no-any-return]


async def call(function: Callable[..., Awaitable[T] | T], *args: Any) -> T:
    """Call a user's function, which may be a coroutine function."""
    result = function(*args)
    return await result if isinstance(result, Awaitable) else result


async def sleep(clock: Clock, seconds: float) -> None:
    """Let time pass."""
    await clock.sleep_async(seconds)


def scope() -> Hashable:
    """Return what connections and locks belong to: the running loop."""
    return asyncio.get_running_loop()


def is_over(scope: Hashable) -> bool:
    """Return whether a scope has ended: a loop that is closed."""
    return isinstance(scope, asyncio.AbstractEventLoop) and scope.is_closed()


async def at_end_of_scope(close: Callable[[], Awaitable[None]]) -> object:
    """Have a function awaited when `asyncio.run` ends the running loop; return what it depends on.

    `asyncio.run` ends the generators that its loop has left before it closes the loop.
    """
    guard = _guard(close)
    await anext(guard)
    return guard


async def _guard(close: Callable[[], Awaitable[None]]) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await close()
