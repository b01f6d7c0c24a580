from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model

if TYPE_CHECKING:
    from .chat_completion_delta import ChatCompletionDelta


@_define(on_setattr=_NO_OP)
class ChatCompletionChunkChoice(_Model):
    """Piece of one streamed answer."""

    index: int
    """Position of the answer to which this piece belongs, counted from 0."""
    delta: ChatCompletionDelta
    """What one chunk adds to a streamed message."""
    finish_reason: str | None = None
    """Word for why the text ended, such as stop or length; null or absent until the last piece."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
