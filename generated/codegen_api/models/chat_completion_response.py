from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model

if TYPE_CHECKING:
    from .chat_completion_choice import ChatCompletionChoice
    from .usage_info import UsageInfo


@_define(on_setattr=_NO_OP)
class ChatCompletionResponse(_Model):
    """Complete answer to a conversation."""

    id: str
    """Id of this completion."""
    object: str
    """Word for the type of this object, chat.completion in the OpenAI API."""
    model: str
    """Name of the model that wrote the answer."""
    choices: list[ChatCompletionChoice]
    """Answers that the model generated."""
    created: int | None = None
    """Time at which the completion was created, in seconds since 1970 (Unix time)."""
    usage: UsageInfo | None = None
    """Token counts of the exchange; null or absent when the service sends none."""
    system_fingerprint: str | None = None
    """Id of the chat session in which the exchange was recorded; null or absent when the service sends none."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
