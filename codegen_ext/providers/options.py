"""Names of the further arguments that a request may have, for each provider: those of its client."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

from .base import NAMES

OF_A_WAIT = frozenset({"poll_interval", "progress_callback"})
_OF_A_REQUEST = {"prompt", "system_prompt", "messages", "model", "temperature", "max_tokens", "tools", "tool_choice"}
_NO_OPTIONS = {"self", "stream", "n", "timeout", *_OF_A_REQUEST}


@cache
def of(provider: str) -> frozenset[str] | None:
    """Return what a provider takes; None for one of another package, which takes what it is given."""
    if provider == "codegen":
        from .._sync.agent import Agent

        return _arguments_of(Agent.run) | OF_A_WAIT
    if provider == "chatserver":
        from ..chatserver import ChatServerClient

        return _arguments_of(ChatServerClient.create_completion)
    if provider not in NAMES:
        return None
    if not find_spec("openai"):
        return frozenset()
    from openai.resources.chat.completions import Completions

    return _arguments_of(Completions.create)


def known() -> frozenset[str]:
    """Return the names that some provider of this package takes."""
    return frozenset().union(*(of(name) or () for name in NAMES))


def _arguments_of(function: Callable[..., Any]) -> frozenset[str]:
    return frozenset(inspect.signature(function).parameters) - _NO_OPTIONS
