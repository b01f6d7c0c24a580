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
from .chat_session_summary import ChatSessionSummary


@define
class ChatSessionListResponse(Model):
    """One page of chat sessions."""

    sessions: list[ChatSessionSummary]
    """Sessions on this page."""
    total: int
    """How many sessions there are on all pages together."""
    page: int
    """Which page this is, counted from 1."""
    page_size: int
    """Largest number of sessions this page can hold."""
    has_more: bool
    """Whether a further page follows this one."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("ChatSessionListResponse", src_dict)
        try:
            instance = cls(
                sessions=[ChatSessionSummary.from_dict(item) for item in as_list(d.pop("sessions"))],
                total=d.pop("total"),
                page=d.pop("page"),
                page_size=d.pop("page_size"),
                has_more=d.pop("has_more"),
            )
        except KeyError as missing:
            raise InvalidModel("ChatSessionListResponse", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("ChatSessionListResponse", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["sessions"] = [encode(item) for item in self.sessions]
        d["total"] = self.total
        d["page"] = self.page
        d["page_size"] = self.page_size
        d["has_more"] = self.has_more
        return d
