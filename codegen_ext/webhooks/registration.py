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
from .events import EVENTS, WebhookEvent

_PATTERN = re.compile(r"[A-Za-z0-9_.:*-]+")
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_USAGE = "a webhook handler takes the data, the event (event: WebhookEvent), or both in this order"


@dataclass(frozen=True, slots=True)
class RegisteredHandler:
    """A function and the pattern of the events that it handles."""

    pattern: str
    function: Callable[..., Any]
    name: str
    takes_data: bool
    takes_event: bool
    is_async: bool

    def handles(self, event: WebhookEvent) -> bool:
        """Return whether the pattern matches the event's type."""
        return fnmatchcase(event.type, self.pattern)

    def run(self, event: WebhookEvent) -> None:
        """Call the function in this thread; a coroutine runs on an event loop of its own."""
        outcome = self.function(*self._arguments(event))
        if inspect.isawaitable(outcome):
            asyncio.run(_finish(outcome))

    async def run_async(self, event: WebhookEvent) -> None:
        """Call the function: on this event loop if it is a coroutine function, otherwise in a thread."""
        arguments = self._arguments(event)
        outcome = self.function(*arguments) if self.is_async else await run_blocking(self.function, *arguments)
        if inspect.isawaitable(outcome):
            await outcome

    def _arguments(self, event: WebhookEvent) -> list[Any]:
        data = copy.deepcopy(event.data)
        return [*([data] if self.takes_data else []), *([replace(event, data=data)] if self.takes_event else [])]


def register(pattern: str, function: Callable[..., Any]) -> RegisteredHandler:
    """Return the handler of a pattern that `check_pattern` has accepted.

    Raises:
        ConfigurationError: for what is not callable with the data, the event or both.

    """
    if not callable(function):
        raise ConfigurationError(f"expected a function that handles {pattern}, got {function!r}", "function")
    name = getattr(function, "__qualname__", None) or repr(function)
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a builtin that does not tell its arguments
        return RegisteredHandler(pattern, function, name, True, False, False)
    required = [item for item in parameters if item.default is item.empty and item.kind in _POSITIONAL]
    accepted = [item for item in parameters if item.kind in (*_POSITIONAL, inspect.Parameter.VAR_POSITIONAL)]
    keywords = [item for item in parameters if item.default is item.empty and item.kind is item.KEYWORD_ONLY]
    if not accepted or len(required) > 2 or keywords:
        raise ConfigurationError(f"{name}{inspect.signature(function)} cannot handle {pattern}: {_USAGE}", "function")
    only_event = len(required) < 2 and _is_event(accepted[0].annotation)
    return RegisteredHandler(
        pattern, function, name, not only_event, only_event or len(required) == 2, is_async(function)
    )


def check_pattern(pattern: Any) -> str:
    """Return the name of an event, or a pattern with `*`.

    Raises:
        ConfigurationError: for another value, and for a name that no event of the contract has.

    """
    if not isinstance(pattern, str) or not _PATTERN.fullmatch(pattern):
        raise ConfigurationError(
            f'expected the name of an event, such as @on("agent_run.*"), got {pattern!r}', config_key="event"
        )
    if "*" not in pattern and pattern not in EVENTS:
        close = get_close_matches(pattern, EVENTS, 1)
        hint = f"did you mean {close[0]}?" if close else "a name with * may match events that are not known here"
        raise ConfigurationError(f"there is no event {pattern}; {hint}", config_key="event")
    return pattern


def is_async(function: Any) -> bool:
    """Return whether a function, or an object with `__call__`, is a coroutine function."""
    while hasattr(function, "func"):
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


def _is_event(annotation: Any) -> bool:
    name = annotation if isinstance(annotation, str) else None
    return annotation is WebhookEvent or (name is not None and name.rpartition(".")[2] == WebhookEvent.__name__)


async def _finish(outcome: Awaitable[Any]) -> Any:
    return await outcome
