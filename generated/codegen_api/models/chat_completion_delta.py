from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model
from ..enums import ChatRole


@_define(on_setattr=_NO_OP)
class ChatCompletionDelta(_Model):
    """What one chunk adds to a streamed message."""

    role: ChatRole | str | None = None
    """Author of the message; null or absent in chunks that do not repeat it."""
    content: str | None = None
    """Text to append to the message; null or absent when this chunk adds none."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
