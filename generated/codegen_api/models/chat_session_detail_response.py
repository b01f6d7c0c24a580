from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model

if TYPE_CHECKING:
    from .chat_message_record import ChatMessageRecord
    from .chat_session_summary import ChatSessionSummary


@_define(on_setattr=_NO_OP)
class ChatSessionDetailResponse(_Model):
    """One recorded chat session with its messages."""

    session: ChatSessionSummary
    """Facts about one recorded chat session, without its messages."""
    messages: list[ChatMessageRecord]
    """Recorded messages of the session."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
