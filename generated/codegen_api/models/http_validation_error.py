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
from .validation_error import ValidationError


@define
class HTTPValidationError(Model):
    """Error body sent when values in a request are missing or have the wrong form."""

    detail: list[ValidationError] | None = None
    """One entry for each problem that was found."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("HTTPValidationError", src_dict)
        try:
            instance = cls(
                detail=None
                if (value := d.pop("detail", None)) is None
                else [ValidationError.from_dict(item) for item in as_list(value)],
            )
        except KeyError as missing:
            raise InvalidModel("HTTPValidationError", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("HTTPValidationError", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        if self.detail is not None:
            d["detail"] = [encode(item) for item in self.detail]
        return d
