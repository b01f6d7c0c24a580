"""Functions that a caller registers: one rule for all of them."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from .._io import asynchronous as io
from ..errors import ValidationError

C = TypeVar("C", bound=Callable[..., Any])

_logger = logging.getLogger("codegen_ext.callbacks")


def check_callback(name: str, callback: C) -> C:
    """Return a callback; raises ValidationError when it is no function, or is one that this client cannot call."""
    problem = None
    if not callable(callback):
        problem = f"expected a function, got {type(callback).__name__}"
    elif not io.AWAITS and inspect.iscoroutinefunction(callback):
        problem = "expected a plain function: this client cannot call a coroutine function"
    if problem is not None:
        raise ValidationError(f"{name}: {problem}", field_errors={name: [problem]})
    return callback


async def call_back(callback: Callable[..., object], *arguments: object) -> None:
    """Call a callback and wait for it; what it raises is logged and changes nothing."""
    try:
        await io.call(callback, *arguments)
    except Exception:  # the caller's own mistake must not end the work that it observes
        _logger.exception("a callback failed: %r", callback)
