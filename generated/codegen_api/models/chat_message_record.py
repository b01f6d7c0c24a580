from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self

from attrs import define, field

from ..decoding import (
    Model,
    as_object,
    known,
    parse_timestamp,
)
from ..errors import InvalidModel
from .chat_role import ChatRole


@define
class ChatMessageRecord(Model):
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
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("ChatMessageRecord", src_dict)
        try:
            instance = cls(
                id=d.pop("id"),
                session_id=d.pop("session_id"),
                message_index=d.pop("message_index"),
                role=known(ChatRole, d.pop("role")),
                content=d.pop("content"),
                metadata=d.pop("metadata"),
                created_at=parse_timestamp(d.pop("created_at")),
                updated_at=parse_timestamp(d.pop("updated_at")),
                tokens=d.pop("tokens", None),
            )
        except KeyError as missing:
            raise InvalidModel("ChatMessageRecord", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("ChatMessageRecord", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["id"] = self.id
        d["session_id"] = self.session_id
        d["message_index"] = self.message_index
        d["role"] = str(self.role)
        d["content"] = self.content
        d["metadata"] = self.metadata
        d["created_at"] = self.created_at.isoformat()
        d["updated_at"] = self.updated_at.isoformat()
        if self.tokens is not None:
            d["tokens"] = self.tokens
        return d
