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
from .platform_admin import PlatformAdmin


@define
class AdminResponse(Model):
    """Outcome of adding or removing a platform administrator."""

    success: bool
    """Whether the change was made."""
    message: str
    """Text that tells people what happened."""
    admin: PlatformAdmin | None = None
    """Administrator who was added or removed; null or absent when the service does not repeat the record."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("AdminResponse", src_dict)
        try:
            instance = cls(
                success=d.pop("success"),
                message=d.pop("message"),
                admin=None if (value := d.pop("admin", None)) is None else PlatformAdmin.from_dict(value),
            )
        except KeyError as missing:
            raise InvalidModel("AdminResponse", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("AdminResponse", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["success"] = self.success
        d["message"] = self.message
        if self.admin is not None:
            d["admin"] = encode(self.admin)
        return d
