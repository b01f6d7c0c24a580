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
class CLIRulesResponse(Model):
    """Rules and prompt for command line tools."""

    organization_rules: str | None
    """Text of the rules set by the organization; null when there are none."""
    user_custom_prompt: str | None
    """Text of the user's own prompt; null when there is none."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("CLIRulesResponse", src_dict)
        try:
            instance = cls(
                organization_rules=d.pop("organization_rules"),
                user_custom_prompt=d.pop("user_custom_prompt"),
            )
        except KeyError as missing:
            raise InvalidModel("CLIRulesResponse", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("CLIRulesResponse", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["organization_rules"] = self.organization_rules
        d["user_custom_prompt"] = self.user_custom_prompt
        return d
