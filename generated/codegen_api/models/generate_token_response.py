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
class GenerateTokenResponse(Model):
    """New token that connects Slack to an organization."""

    message: str
    """Text for people that comes with the token."""
    expires_in_minutes: int
    """Minutes for which the token is valid."""
    token: str = field(repr=False)
    """Secret text that proves the right to connect."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("GenerateTokenResponse", src_dict)
        try:
            instance = cls(
                message=d.pop("message"),
                expires_in_minutes=d.pop("expires_in_minutes"),
                token=d.pop("token"),
            )
        except KeyError as missing:
            raise InvalidModel("GenerateTokenResponse", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("GenerateTokenResponse", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["message"] = self.message
        d["expires_in_minutes"] = self.expires_in_minutes
        d["token"] = self.token
        return d
