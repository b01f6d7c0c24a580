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
from .audit_log_entry import AuditLogEntry


@define
class AuditLogResponse(Model):
    """One part of the audit log."""

    entries: list[AuditLogEntry]
    """Entries in this part of the log."""
    total: int
    """How many entries the whole log has."""
    limit: int | None = None
    """Largest number of entries this answer could hold; null or absent when not sent."""
    offset: int | None = None
    """Number of entries left out before the first one here; null or absent when not sent."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("AuditLogResponse", src_dict)
        try:
            instance = cls(
                entries=[AuditLogEntry.from_dict(item) for item in as_list(d.pop("entries"))],
                total=d.pop("total"),
                limit=d.pop("limit", None),
                offset=d.pop("offset", None),
            )
        except KeyError as missing:
            raise InvalidModel("AuditLogResponse", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("AuditLogResponse", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["entries"] = [encode(item) for item in self.entries]
        d["total"] = self.total
        if self.limit is not None:
            d["limit"] = self.limit
        if self.offset is not None:
            d["offset"] = self.offset
        return d
