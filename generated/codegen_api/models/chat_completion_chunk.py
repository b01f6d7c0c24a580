from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model

if TYPE_CHECKING:
    from .chat_completion_chunk_choice import ChatCompletionChunkChoice
    from .usage_info import UsageInfo


@_define(on_setattr=_NO_OP)
class ChatCompletionChunk(_Model):
    """One event of a streamed answer."""

    object: str
    """Word for the type of this object, chat.completion.chunk in the OpenAI API."""
    choices: list[ChatCompletionChunkChoice]
    """Next pieces of text, one for each answer that goes on."""
    id: str | None = None
    """Id of the completion to which the chunk belongs."""
    created: int | None = None
    """Time at which the completion was created, in seconds since 1970 (Unix time)."""
    model: str | None = None
    """Name of the model that writes the answer."""
    usage: UsageInfo | None = None
    """Token counts of the whole exchange; null or absent in chunks that carry none."""
    system_fingerprint: str | None = None
    """Id of the chat session in which the exchange was recorded; null or absent when the service sends none."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
