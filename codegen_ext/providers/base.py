"""Requests and answers of providers."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from attrs import Factory, field, fields, frozen

from .._request import Deadline
from .errors import AIProviderError
from .options import NAMES

if TYPE_CHECKING:
    from ..clock import Clock

PSEUDO_MODEL = "codegen-agent"
"""The model that stands for the service's own choice; it is never sent."""
_logger = logging.getLogger("codegen_ext.providers")


def log(message: str, *args: object) -> None:
    """Log at DEBUG where either `codegen_ext` or the root logger is at DEBUG.

    Clients set the level of `codegen_ext`, so that `logging.basicConfig(level=logging.DEBUG)` alone would show nothing.
    """
    if _logger.isEnabledFor(logging.DEBUG) or logging.getLogger().isEnabledFor(logging.DEBUG):
        frame = sys._getframe(1)
        where = (frame.f_code.co_filename, frame.f_lineno)
        _logger.handle(
            _logger.makeRecord(_logger.name, logging.DEBUG, *where, message, args, None, frame.f_code.co_name)
        )


@frozen
class AIResponse:
    """An answer, and the provider that gave it."""

    content: str
    """The text."""
    provider_name: str
    """The provider that answered."""
    model: str | None
    """The model that answered, as far as the provider says."""
    usage: dict[str, int] = Factory(dict)
    """prompt_tokens, completion_tokens, total_tokens; empty where the provider does not count."""
    metadata: dict[str, Any] = Factory(dict)
    """`tried`: the providers that were asked before, and what went wrong; `ignored`: options that this provider has
    nothing for; `cost` where a price is set; and what the provider adds."""
    raw_response: Any = field(default=None, repr=False)
    """What the provider's client returned."""
    response_time: float = 0.0
    """Seconds that this provider took."""
    request_id: str | None = None
    """The service's id of the request, or of the answer."""


class Availability(NamedTuple):
    """What can be told without a request: whether there are credentials, and what is missing on this machine."""

    has_credentials: bool
    missing: str | None = None


@frozen
class Request:
    """What is asked; every provider takes from it what it has a field for."""

    prompt: str | None
    system_prompt: str | None = None
    model: str | Mapping[str, str] | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    tools: Sequence[Mapping[str, Any]] | None = None
    tool_choice: Any = None
    given_messages: Sequence[Mapping[str, Any]] | None = field(default=None, kw_only=True)
    timeout: float | None = field(default=None, kw_only=True)
    """Seconds for the whole of it, as the caller gave them."""
    deadline: Deadline = field(kw_only=True)
    may_repeat: bool = field(default=True, kw_only=True)
    """Whether the provider's client may repeat what failed in passing; not where another provider waits."""
    options: Mapping[str, Any] = field(factory=dict, kw_only=True)
    """Everything else, by the names of the provider's client."""

    @property
    def messages(self) -> list[Mapping[str, Any]]:
        """The conversation, as OpenAI's messages."""
        system = [{"role": "system", "content": self.system_prompt}] if self.system_prompt else []
        given = self.given_messages
        return [*system, *([{"role": "user", "content": self.prompt}] if given is None else given)]

    @property
    def text(self) -> str:
        """The conversation as one prompt; roles are named where more than one message is not the system's."""
        messages = self.messages
        is_single = sum(message["role"] != "system" for message in messages) == 1
        return "\n\n".join(
            _text_of(message) if is_single else f"{message['role']}: {_text_of(message)}" for message in messages
        )

    def model_for(self, provider: str) -> str | None:
        """Return the model that a provider is asked for, None for its default."""
        model = self.model.get(provider) if isinstance(self.model, Mapping) else self.model
        prefix, _, name = (model or "").partition("/")
        return (name if name and prefix == provider else model) if model != PSEUDO_MODEL else None

    def belongs_to(self) -> str | None:
        """Return the provider that the model's prefix names, None without one."""
        prefix, slash, _ = (self.model if isinstance(self.model, str) else "").partition("/")
        return prefix if slash and prefix in NAMES else None

    def allowance(self, most: float = math.inf) -> float | None:
        """Return the seconds that a call may take that otherwise takes `most`; None without a limit."""
        seconds = max(min(self.deadline.left(), most), 0.001)
        return None if seconds == math.inf else seconds


_NAMED = {one.name for one in fields(Request)} - {"options", "deadline", "given_messages", "may_repeat"}


def request_of(clock: Clock, longest: float | None, *args: Any, messages: Any = None, **kwargs: Any) -> Request:
    """Return the request that the arguments of `generate_response` make.

    Args:
        clock: Where time comes from.
        longest: Seconds for the answer where the caller names none.
        args: The arguments by position.
        messages: A conversation instead of a prompt.
        kwargs: The arguments by name.

    Raises:
        AIProviderError: for a blank prompt, messages that are none, or a timeout that is no number of seconds.

    """
    named = {name: kwargs.pop(name) for name in _NAMED & set(kwargs)}
    seconds = named.get("timeout")
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0):
        raise AIProviderError("timeout must be a number of seconds greater than 0")
    deadline = Deadline.after(clock, longest if seconds is None else seconds)
    if messages is not None:
        _check_messages(messages)
        named = {"prompt": None, **named} if not args else named
    request = Request(*args, **named, given_messages=messages, deadline=deadline, options=kwargs)
    if (request.prompt is None) is (messages is None):
        raise AIProviderError("pass either prompt or messages")
    if messages is None and not (isinstance(request.prompt, str) and request.prompt.strip()):
        raise AIProviderError("prompt must be text that is not blank")
    if not isinstance(request.model, str | Mapping | None):
        raise AIProviderError("model must be a name, or a dict of a name for each provider")
    return request


def _check_messages(messages: Any) -> None:
    is_list = isinstance(messages, Sequence) and not isinstance(messages, str) and len(messages) > 0
    if not is_list or not all(isinstance(one, Mapping) and isinstance(one.get("role"), str) for one in messages):
        raise AIProviderError("messages must be a list of at least one dict with role and content")


def _text_of(message: Mapping[str, Any]) -> str:
    """Return the text of a message, whose content may be a list of parts."""
    content = message.get("content")
    if isinstance(content, str | None):
        return content or ""
    return "\n".join(str(part["text"]) for part in content if isinstance(part, Mapping) and "text" in part)
