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
from .platform_admin import PlatformAdmin


@define
class AdminsResponse(Model):
    """Every platform administrator, and how many there are."""

    admins: list[PlatformAdmin]
    """People with administrator rights."""
    count: int
    """How many people are in the list."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("AdminsResponse", src_dict)
        try:
            instance = cls(
                admins=[PlatformAdmin.from_dict(item) for item in as_list(d.pop("admins"))],
                count=d.pop("count"),
            )
        except KeyError as missing:
            raise InvalidModel("AdminsResponse", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("AdminsResponse", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["admins"] = [encode(item) for item in self.admins]
        d["count"] = self.count
        return d
