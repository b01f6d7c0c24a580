"""Waiting for what another thread does."""

import asyncio
import threading
import time
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
