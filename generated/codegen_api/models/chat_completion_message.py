from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model
from ..enums import ChatRole


@_define(on_setattr=_NO_OP)
class ChatCompletionMessage(_Model):
    """Message that the model wrote."""

    role: ChatRole | str
    """Author of a chat message."""
    content: str | None
    """Text of the message; null when there is none."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
