"""Functions that a caller registers: one rule for all of them."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from .._io import asynchronous as io
from ..errors import invalid_argument, kind_of

C = TypeVar("C", bound=Callable[..., Any])

_logger = logging.getLogger("codegen_ext.callbacks")


def check_callback(name: str, callback: C, arguments: int) -> C:
    """Return a callback; raises ValidationError for what cannot be called with so many arguments, or not here."""
    if not callable(callback):
        raise invalid_argument(name, f"expected a function, got {kind_of(callback)}")
    if not io.AWAITS and inspect.iscoroutinefunction(callback):
        raise invalid_argument(name, "expected a plain function: this client cannot call a coroutine function")
    try:
        signature = inspect.signature(callback)
    except (TypeError, ValueError):  # a builtin that does not tell
        return callback
    try:
        signature.bind(*[None] * arguments)
    except TypeError:
        takes = f"{arguments} argument{'s' * (arguments != 1)}"
        raise invalid_argument(name, f"expected a function that takes {takes}, got one with {signature}") from None
    return callback


async def call_back(callback: Callable[..., object], *arguments: object) -> None:
    """Call a callback and wait for it; what it raises is logged and changes nothing."""
    try:
        await io.call(callback, *arguments)
    except Exception:  # the caller's own mistake must not end the work that it observes
        _logger.exception("a callback failed: %r", callback)
