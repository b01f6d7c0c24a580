from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model

if TYPE_CHECKING:
    from .chat_completion_message import ChatCompletionMessage


@_define(on_setattr=_NO_OP)
class ChatCompletionChoice(_Model):
    """One of the answers that the model generated."""

    message: ChatCompletionMessage
    """Message that the model wrote."""
    index: int | None = None
    """Position of this answer among all answers, counted from 0."""
    finish_reason: str | None = None
    """Word for why the text ended, such as stop or length; null or absent when not given."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
