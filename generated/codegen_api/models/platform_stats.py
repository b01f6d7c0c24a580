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
class PlatformStats(Model):
    """User and request counts of the whole platform, to which the service may add more."""

    total_users: int
    """How many users the platform has."""
    active_users: int
    """How many of the users count as active."""
    total_requests: int
    """How many requests the platform has counted."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("PlatformStats", src_dict)
        try:
            instance = cls(
                total_users=d.pop("total_users"),
                active_users=d.pop("active_users"),
                total_requests=d.pop("total_requests"),
            )
        except KeyError as missing:
            raise InvalidModel("PlatformStats", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("PlatformStats", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["total_users"] = self.total_users
        d["active_users"] = self.active_users
        d["total_requests"] = self.total_requests
        return d
