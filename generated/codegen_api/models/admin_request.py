from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define, field

from ..decoding import (
    Model,
    as_object,
)
from ..errors import InvalidModel


@define
class AdminRequest(Model):
    """Person who is to become a platform administrator."""

    workos_id: str
    """Id that WorkOS, the login provider, gave the person."""
    email: str
    """Email address of the person."""
    name: str | None = ""
    """Name to show for the person; empty text if absent."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("AdminRequest", src_dict)
        try:
            instance = cls(
                workos_id=d.pop("workos_id"),
                email=d.pop("email"),
                name=d.pop("name", None),
            )
        except KeyError as missing:
            raise InvalidModel("AdminRequest", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("AdminRequest", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["workos_id"] = self.workos_id
        d["email"] = self.email
        if self.name is not None:
            d["name"] = self.name
        return d
