from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self

from attrs import define, field

from ..decoding import (
    Model,
    as_object,
    parse_timestamp,
)
from ..errors import InvalidModel


@define
class ChatSessionSummary(Model):
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
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("ChatSessionSummary", src_dict)
        try:
            instance = cls(
                id=d.pop("id"),
                user_id=d.pop("user_id"),
                created_at=parse_timestamp(d.pop("created_at")),
                updated_at=parse_timestamp(d.pop("updated_at")),
                message_count=d.pop("message_count"),
                tokens_in=d.pop("tokens_in"),
                tokens_out=d.pop("tokens_out"),
                tokens_total=d.pop("tokens_total"),
                metadata=d.pop("metadata"),
                archived=d.pop("archived"),
                organization_id=d.pop("organization_id", None),
                title=d.pop("title", None),
                model=d.pop("model", None),
                agent_type=d.pop("agent_type", None),
                last_message_at=None if (value := d.pop("last_message_at", None)) is None else parse_timestamp(value),
            )
        except KeyError as missing:
            raise InvalidModel("ChatSessionSummary", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("ChatSessionSummary", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["id"] = self.id
        d["user_id"] = self.user_id
        d["created_at"] = self.created_at.isoformat()
        d["updated_at"] = self.updated_at.isoformat()
        d["message_count"] = self.message_count
        d["tokens_in"] = self.tokens_in
        d["tokens_out"] = self.tokens_out
        d["tokens_total"] = self.tokens_total
        d["metadata"] = self.metadata
        d["archived"] = self.archived
        if self.organization_id is not None:
            d["organization_id"] = self.organization_id
        if self.title is not None:
            d["title"] = self.title
        if self.model is not None:
            d["model"] = self.model
        if self.agent_type is not None:
            d["agent_type"] = self.agent_type
        if self.last_message_at is not None:
            d["last_message_at"] = self.last_message_at.isoformat()
        return d
