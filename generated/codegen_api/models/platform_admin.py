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
class PlatformAdmin(Model):
    """Person with administrator rights on the platform."""

    email: str
    """Email address by which the person can be removed."""
    workos_id: str | None = None
    """Id that WorkOS, the login provider, gave the person; null or absent when not known."""
    name: str | None = None
    """Name to show for the person; null or absent when not known."""
    created_at: datetime.datetime | None = None
    """Time at which the person was added, as ISO 8601 text; null or absent when not known."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("PlatformAdmin", src_dict)
        try:
            instance = cls(
                email=d.pop("email"),
                workos_id=d.pop("workos_id", None),
                name=d.pop("name", None),
                created_at=None if (value := d.pop("created_at", None)) is None else parse_timestamp(value),
            )
        except KeyError as missing:
            raise InvalidModel("PlatformAdmin", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("PlatformAdmin", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["email"] = self.email
        if self.workos_id is not None:
            d["workos_id"] = self.workos_id
        if self.name is not None:
            d["name"] = self.name
        if self.created_at is not None:
            d["created_at"] = self.created_at.isoformat()
        return d
