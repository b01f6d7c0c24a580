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
class ValidationError(Model):
    """One problem found in a request."""

    loc: list[str | int]
    """Path to the value at fault, as names and list positions from the outside in."""
    msg: str
    """Text that tells people what is wrong with the value."""
    type: str
    """Word for the kind of problem, for programs to compare."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("ValidationError", src_dict)
        try:
            instance = cls(
                loc=d.pop("loc"),
                msg=d.pop("msg"),
                type=d.pop("type"),
            )
        except KeyError as missing:
            raise InvalidModel("ValidationError", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("ValidationError", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["loc"] = self.loc
        d["msg"] = self.msg
        d["type"] = self.type
        return d
