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
class AuditLogEntry(Model):
    """One recorded action on the platform."""

    timestamp: datetime.datetime
    """Time of the action, as ISO 8601 text."""
    action: str
    """What was done, as a word or a short text."""
    resource: str
    """What the action was done to."""
    id: str | None = None
    """Id of the entry; null or absent when the service gives none."""
    actor: str | None = None
    """Who did it; null or absent when not known."""
    details: dict[str, Any] | None = None
    """More facts about the action, in no fixed form; null or absent when there are none."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("AuditLogEntry", src_dict)
        try:
            instance = cls(
                timestamp=parse_timestamp(d.pop("timestamp")),
                action=d.pop("action"),
                resource=d.pop("resource"),
                id=d.pop("id", None),
                actor=d.pop("actor", None),
                details=d.pop("details", None),
            )
        except KeyError as missing:
            raise InvalidModel("AuditLogEntry", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("AuditLogEntry", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["timestamp"] = self.timestamp.isoformat()
        d["action"] = self.action
        d["resource"] = self.resource
        if self.id is not None:
            d["id"] = self.id
        if self.actor is not None:
            d["actor"] = self.actor
        if self.details is not None:
            d["details"] = self.details
        return d
