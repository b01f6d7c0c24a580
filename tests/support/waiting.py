"""Waiting for what another thread or process does."""

import asyncio
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


def in_background(function: Callable[..., Any], *positional: Any, **named: Any) -> "Future[Any]":
    """Call a function in a thread that holds up nothing when the test fails; the future has its result or error."""
    future: Future[Any] = Future()

    def work() -> None:
        try:
            future.set_result(function(*positional, **named))
        except BaseException as error:  # noqa: BLE001 - raised where the result is taken
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future


def in_child(function: Callable[[], object]) -> int:
    """Call a function in a forked child; return the child's exit status, 0 when the function says yes."""
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # Python warns beside threads
        child = os.fork()
    if child == 0:
        signal.alarm(30)
        try:
            os._exit(0 if function() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def interrupt_when(condition: Callable[[], object]) -> "Future[Any]":
    """Send SIGINT to this process, as Ctrl-C does, as soon as a condition holds."""

    def interrupt() -> None:
        until(condition)
        os.kill(os.getpid(), signal.SIGINT)  # unlike `raise_signal` also to a thread that waits in the system

    return in_background(interrupt)


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Return as soon as a condition holds; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


async def until_async(condition: Callable[[], object], seconds: float = 30) -> None:
    """Return as soon as a condition holds that another task brings about; fail after so many seconds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the condition has no event
            await asyncio.sleep(0.005)
