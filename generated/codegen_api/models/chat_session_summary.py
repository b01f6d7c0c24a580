from __future__ import annotations

import datetime
from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class ChatSessionSummary(_Model):
    """Facts about one recorded chat session, without its messages."""

    id: str
    """Id by which the session can be fetched or continued."""
    user_id: str
    """Id of the user to whom the session belongs."""
    created_at: datetime.datetime
    """Time at which the session began, as ISO 8601 text."""
    updated_at: datetime.datetime
    """Time of the last change to the session, as ISO 8601 text."""
    message_count: int
    """How many messages the session has."""
    tokens_in: int
    """How many tokens were sent to the model in the whole session."""
    tokens_out: int
    """How many tokens the model wrote in the whole session."""
    tokens_total: int
    """How many tokens the whole session took in both directions."""
    metadata: dict[str, Any]
    """JSON object with any keys and values."""
    archived: bool
    """Whether the session has been put into the archive."""
    organization_id: str | None = None
    """Id of the organization to which the session belongs; null or absent when there is none."""
    title: str | None = None
    """Heading of the session; null or absent when it has none."""
    model: str | None = None
    """Name of the model used in the session; null or absent when not known."""
    agent_type: str | None = None
    """Word for the kind of agent behind the session; null or absent when not known."""
    last_message_at: datetime.datetime | None = None
    """Time of the latest message, as ISO 8601 text; null or absent when not known."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
