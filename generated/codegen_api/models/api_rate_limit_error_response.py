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
class APIRateLimitErrorResponse(Model):
    """Error body sent when too many requests came in too short a time."""

    message: str | None = None
    """Text that says which limit was exceeded."""
    status_code: int | None = 429
    """HTTP status code, repeated in the body; 429 if absent."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("APIRateLimitErrorResponse", src_dict)
        try:
            instance = cls(
                message=d.pop("message", None),
                status_code=d.pop("status_code", None),
            )
        except KeyError as missing:
            raise InvalidModel("APIRateLimitErrorResponse", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("APIRateLimitErrorResponse", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        if self.message is not None:
            d["message"] = self.message
        if self.status_code is not None:
            d["status_code"] = self.status_code
        return d
