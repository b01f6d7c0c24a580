"""Registered handlers: which events a function takes, with which arguments, and how it is called."""

from __future__ import annotations

import asyncio
import copy
import inspect
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

from .._io.asynchronous import run_blocking
from ..errors import ConfigurationError
from ..redact import shown
from .events import EVENTS, WebhookEvent
from .results import HandlerOutcome

_PATTERN = re.compile(r"[A-Za-z0-9_.:*-]+")
_USAGE = "a webhook handler takes the data, the event (event: WebhookEvent), or both in this order"


@dataclass(frozen=True, slots=True)
class RegisteredHandler:
    """A function and the pattern of the events that it handles; what the function raises is its outcome."""

    pattern: str
    function: Callable[..., Any]
    name: str
    is_async: bool
    takes_data: bool = True
    takes_event: bool = False

    def handles(self, event: WebhookEvent) -> bool:
        """Return whether the pattern matches the event's type."""
        return fnmatchcase(event.type, self.pattern)

    def run(self, event: WebhookEvent) -> HandlerOutcome:
        """Call the function in this thread; a coroutine runs on an event loop of its own."""
        try:
            result = self.function(*self._arguments(event))
            if inspect.isawaitable(result):
                asyncio.run(_wait_for(result))
        except Exception as error:  # noqa: BLE001
            return HandlerOutcome(self.name, error)
        return HandlerOutcome(self.name)

    async def run_async(self, event: WebhookEvent) -> HandlerOutcome:
        """Call the function: on this event loop if it is a coroutine function, otherwise in a thread."""
        try:
            arguments = self._arguments(event)
            result = self.function(*arguments) if self.is_async else await run_blocking(self.function, *arguments)
            if inspect.isawaitable(result):
                await result
        except Exception as error:  # noqa: BLE001
            return HandlerOutcome(self.name, error)
        return HandlerOutcome(self.name)

    def _arguments(self, event: WebhookEvent) -> list[Any]:
        data = copy.deepcopy(event.data)
        return [*([data] if self.takes_data else []), *([replace(event, data=data)] if self.takes_event else [])]


def register(pattern: str, function: Callable[..., Any]) -> RegisteredHandler:
    """Return the handler of a pattern that `check_pattern` has accepted.

    Raises:
        ConfigurationError: for what is not callable with the data, the event or both.

    """
    if not callable(function):
        raise ConfigurationError(f"expected a function that handles {pattern}, got {shown(function)}", "function")
    name = getattr(function, "__qualname__", None) or repr(function)
    is_async = any(map(inspect.iscoroutinefunction, (function, getattr(function, "__call__", None))))  # noqa: B004
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a builtin that does not tell its arguments
        return RegisteredHandler(pattern, function, name, is_async)
    takes_one = _accepts(signature, 1)
    if not takes_one and not _accepts(signature, 2):
        raise ConfigurationError(f"{name}{signature} cannot handle {pattern}: {_USAGE}", "function")
    only_event = takes_one and _is_event(next(iter(signature.parameters.values())).annotation)
    return RegisteredHandler(pattern, function, name, is_async, not only_event, only_event or not takes_one)


def check_pattern(pattern: Any) -> str:
    """Return the name of an event, or a pattern with `*`.

    Raises:
        ConfigurationError: for another value, and for a name that no event of the contract has.

    """
    if not isinstance(pattern, str) or not _PATTERN.fullmatch(pattern):
        raise ConfigurationError(
            f'expected the name of an event, such as @on("agent_run.*"), got {shown(pattern)}', "event"
        )
    if "*" not in pattern and pattern not in EVENTS:
        close = get_close_matches(pattern, EVENTS, 1)
        hint = f"did you mean {close[0]}?" if close else "a name with * may match events that are not known here"
        raise ConfigurationError(f"there is no event {pattern}; {hint}", "event")
    return pattern


def _accepts(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def _is_event(annotation: Any) -> bool:
    name = annotation if isinstance(annotation, str) else ""
    return annotation is WebhookEvent or name.rpartition(".")[2] == WebhookEvent.__name__


async def _wait_for(result: Awaitable[Any]) -> None:
    await result
