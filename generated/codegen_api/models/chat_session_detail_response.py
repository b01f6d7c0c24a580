from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define, field

from ..decoding import (
    Model,
    as_list,
    as_object,
    encode,
)
from ..errors import InvalidModel
from .chat_message_record import ChatMessageRecord
from .chat_session_summary import ChatSessionSummary


@define
class ChatSessionDetailResponse(Model):
    """One recorded chat session with its messages."""

    session: ChatSessionSummary
    """Facts about one recorded chat session, without its messages."""
    messages: list[ChatMessageRecord]
    """Recorded messages of the session."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("ChatSessionDetailResponse", src_dict)
        try:
            instance = cls(
                session=ChatSessionSummary.from_dict(d.pop("session")),
                messages=[ChatMessageRecord.from_dict(item) for item in as_list(d.pop("messages"))],
            )
        except KeyError as missing:
            raise InvalidModel("ChatSessionDetailResponse", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("ChatSessionDetailResponse", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["session"] = encode(self.session)
        d["messages"] = [encode(item) for item in self.messages]
        return d
