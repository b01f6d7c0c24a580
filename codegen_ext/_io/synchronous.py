"""Primitives of waiting for threads; `asynchronous` has the same names for event loops."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, TypeVar

from ..clock import Clock

T = TypeVar("T")

AWAITS = False
"""Whether a callback may be a coroutine function."""
Mutex = threading.Lock
"""A lock that is held for a moment only, never across a wait."""


class Waiter:
    """Signal that is given once, from any thread, to the one thread that waits for it."""

    __slots__ = ("_condition", "woken")

    def __init__(self) -> None:
        self._condition: threading.Condition | None = None  # made by wait, since most signals are never waited for
        self.woken = False

    def wake(self) -> bool:
        """Give the signal; return True, because a thread always hears it."""
        self.woken = True
        condition = self._condition
        if condition is not None:
            with condition:
                condition.notify_all()
        return True

    def wait(self, clock: Clock | None, seconds: float | None) -> bool:
        """Wait for the signal, for `seconds` at the longest; return whether it was given.

        Without a clock they are real seconds, also where a test has replaced the clock of the machine.
        """
        condition = self._condition = threading.Condition(threading.Lock())
        with condition:
            if not self.woken:  # looked at after the condition can be seen, so that no wake is lost
                if seconds is None or clock is None:
                    condition.wait(seconds)
                else:
                    clock.wait(condition, seconds)
            return self.woken


class Worker(Generic[T]):
    """Function that runs in a daemon thread, in a context of its own."""

    def __init__(self, function: Callable[..., T], args: tuple[Any, ...], context: contextvars.Context) -> None:
        self._context = context
        self._result: T
        self._error: BaseException | None = None
        self._ended = threading.Event()  # CPython 3.11 takes a thread for ended when Ctrl-C interrupts its join
        self._thread = threading.Thread(target=self._run, args=(function, args), name="codegen-worker", daemon=True)
        self._thread.start()

    def _run(self, function: Callable[..., T], args: tuple[Any, ...]) -> None:
        try:
            self._result = self._context.run(function, *args)
        except BaseException as error:  # noqa: BLE001 - raised again by join
            self._error = error
        finally:
            self._ended.set()

    def done(self) -> bool:
        """Return whether it has ended."""
        return self._ended.is_set()

    def join(self) -> T:
        """Wait for its end and return its result; raises what it raised, and RuntimeError in a forked child."""
        if not (self._thread.is_alive() or self._ended.is_set()):
            raise RuntimeError("this was begun by a thread of the parent process; begin it again here")
        self._ended.wait()
        if self._error is not None:
            raise self._error
        return self._result


def start(function: Callable[..., T], *args: Any) -> Worker[T]:
    """Start a worker."""
    return Worker(function, args, contextvars.Context())


def start_in_context(function: Callable[..., T], *args: Any) -> Worker[T]:
    """Start a worker that sees the starter's context, such as a trace."""
    return Worker(function, args, contextvars.copy_context())


class Reader(Generic[T]):
    """Iteration over a caller's items, one at a time and in the caller's thread, to which they may belong."""

    def __init__(self, items: Iterable[T], deliver: Callable[[T | None, bool, Exception | None], object]) -> None:
        """Deliver each item as `deliver(item, True, None)`, the end and an error with False."""
        self._source = iter(items)
        self._deliver = deliver

    def read_next(self) -> None:
        """Read one item."""
        try:
            item = next(self._source)
        except StopIteration:
            self._deliver(None, False, None)
        except Exception as error:  # noqa: BLE001 - the caller's own, raised where the items are used
            self._deliver(None, False, error)
        else:
            self._deliver(item, True, None)

    def stop(self) -> None:
        """Do nothing: nothing is being read."""


def run_blocking(function: Callable[..., T], *args: Any) -> T:
    """Call a function that may block; a thread may wait."""
    return function(*args)


def call(function: Callable[..., T], *args: Any) -> T:
    """Call a user's function."""
    return function(*args)


def sleep(clock: Clock, seconds: float) -> None:
    """Let time pass."""
    clock.sleep(seconds)


def scope() -> Hashable:
    """Return what connections and locks belong to: all threads of the process share them."""
    return None


def is_over(scope: Hashable) -> bool:  # noqa: ARG001 - as for event loops
    """Return whether a scope has ended: threads end with the process."""
    return False


def at_end_of_scope(close: Callable[[], None]) -> object:  # noqa: ARG001 - as for event loops
    """Do nothing: the process ends its connections."""
    return None
