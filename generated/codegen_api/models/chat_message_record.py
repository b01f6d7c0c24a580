from __future__ import annotations

import datetime
from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model
from ..enums import ChatRole


@_define(on_setattr=_NO_OP)
class ChatMessageRecord(_Model):
    """One message of a recorded chat session."""

    id: str
    """Id of the recorded message."""
    session_id: str
    """Id of the session to which the message belongs."""
    message_index: int
    """Position of the message within its session."""
    role: ChatRole | str
    """Author of a chat message."""
    content: str
    """Text of the message."""
    metadata: dict[str, Any]
    """JSON object with any keys and values."""
    created_at: datetime.datetime
    """Time at which the message was recorded, as ISO 8601 text."""
    updated_at: datetime.datetime
    """Time of the last change to the message, as ISO 8601 text."""
    tokens: int | None = None
    """Size of the message in tokens; null or absent when it was not counted."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
