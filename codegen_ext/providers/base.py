"""Requests and answers of providers."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import Factory, field, frozen

from .._request import Deadline, is_seconds
from .errors import AIProviderError

if TYPE_CHECKING:
    from ..clock import Clock

NAMES = ("codegen", "openai", "codex", "chatserver")
"""The providers of this package, in the order of preference."""
PSEUDO_MODEL = "codegen-agent"
"""The model that stands for the service's own choice; it is never sent."""
logger = logging.getLogger("codegen_ext.providers")


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


@frozen
class Request:
    """What is asked; every provider takes from it what it has a field for."""

    prompt: str | None = None
    system_prompt: str | None = None
    model: str | Mapping[str, str] | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    tools: Sequence[Mapping[str, Any]] | None = None
    tool_choice: Any = None
    conversation: Sequence[Mapping[str, Any]] | None = field(default=None, kw_only=True)
    """The messages that were given instead of a prompt."""
    timeout: float | None = field(default=None, kw_only=True)
    """Seconds for the whole of it, as the caller gave them."""
    deadline: Deadline = field(kw_only=True)
    streams: bool = field(default=False, kw_only=True)
    """Whether the answer is wanted in pieces."""
    options: Mapping[str, Any] = field(factory=dict, kw_only=True)
    """Everything else, by the names of the provider's client."""
    may_repeat: bool = field(default=True, kw_only=True)
    """Whether the provider's client may repeat what failed in passing; not where another provider waits."""

    @property
    def messages(self) -> list[Mapping[str, Any]]:
        """The conversation, as OpenAI's messages."""
        system = [{"role": "system", "content": self.system_prompt}] if self.system_prompt else []
        given = self.conversation
        return [*system, *([{"role": "user", "content": self.prompt}] if given is None else given)]

    @property
    def text(self) -> str:
        """The conversation as one prompt; roles are named where more than one message is not the system's."""
        messages = self.messages
        is_single = sum(message["role"] != "system" for message in messages) == 1
        return "\n\n".join(
            _text_of(message) if is_single else f"{message['role']}: {_text_of(message)}" for message in messages
        )

    def given(self, *names: str) -> dict[str, Any]:
        """Return those of the fields that have a value, by name."""
        return {name: value for name in names if (value := getattr(self, name)) is not None}

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


_ASKED = ("prompt", "system_prompt", "model", "temperature", "max_tokens", "tools", "tool_choice")


def request_of(
    clock: Clock,
    longest: float | None,
    streams: bool,
    *args: Any,
    messages: Any = None,
    timeout: Any = None,
    **options: Any,
) -> Request:
    """Return the request that the arguments of `generate_response` make; without `timeout` it has `longest` seconds.

    Raises:
        AIProviderError: for a blank prompt, messages that are none, a model that is no name, or a timeout that is no
            number of seconds.

    """
    if timeout is not None and not is_seconds(timeout):
        raise AIProviderError("timeout must be a number of seconds greater than 0, at most a year")
    deadline = Deadline.after(clock, longest if timeout is None else timeout)
    named = {name: options.pop(name) for name in _ASKED if name in options}
    named |= {"conversation": messages, "timeout": timeout, "deadline": deadline, "streams": streams}
    request = Request(*args, **named, options=options)
    if (request.prompt is None) is (messages is None):
        raise AIProviderError("pass either prompt or messages")
    if messages is None and not (isinstance(request.prompt, str) and request.prompt.strip()):
        raise AIProviderError("prompt must be text that is not blank")
    if messages is not None and not _are_messages(messages):
        raise AIProviderError("messages must be a list of at least one dict with role and content")
    if not isinstance(request.system_prompt, str | None):
        raise AIProviderError("system_prompt must be text")
    models = request.model.values() if isinstance(request.model, Mapping) else [request.model]
    if not all(isinstance(model, str | None) for model in models):
        raise AIProviderError("model must be a name, or a dict of a name for each provider")
    return request


def _are_messages(value: Any) -> bool:
    is_list = isinstance(value, Sequence) and not isinstance(value, str) and len(value) > 0
    return is_list and all(
        isinstance(one, Mapping)
        and isinstance(one.get("role"), str)
        and isinstance(one.get("content"), Sequence | None)  # a text, or a list of parts
        for one in value
    )


def _text_of(message: Mapping[str, Any]) -> str:
    """Return the text of a message, whose content may be a list of parts."""
    content = message.get("content")
    if isinstance(content, str | None):
        return content or ""
    return "\n".join(str(part["text"]) for part in content if isinstance(part, Mapping) and "text" in part)
