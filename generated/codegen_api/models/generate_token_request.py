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
class GenerateTokenRequest(Model):
    """Organization that is to be connected to Slack."""

    org_id: int
    """Number of the organization for which the token is made."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("GenerateTokenRequest", src_dict)
        try:
            instance = cls(
                org_id=d.pop("org_id"),
            )
        except KeyError as missing:
            raise InvalidModel("GenerateTokenRequest", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("GenerateTokenRequest", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["org_id"] = self.org_id
        return d
