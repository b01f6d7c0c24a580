from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define, field

from ..decoding import (
    Model,
    as_object,
    encode,
)
from ..errors import InvalidModel
from .organization_settings import OrganizationSettings


@define
class OrganizationResponse(Model):
    """One organization that the caller can reach."""

    id: int
    """Number that identifies the organization in every other call."""
    name: str
    """What the organization is called."""
    settings: OrganizationSettings
    """Switches that hold for a whole organization."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("OrganizationResponse", src_dict)
        try:
            instance = cls(
                id=d.pop("id"),
                name=d.pop("name"),
                settings=OrganizationSettings.from_dict(d.pop("settings")),
            )
        except KeyError as missing:
            raise InvalidModel("OrganizationResponse", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("OrganizationResponse", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["id"] = self.id
        d["name"] = self.name
        d["settings"] = encode(self.settings)
        return d
