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
class UsageInfo(Model):
    """Token counts of one completion."""

    prompt_tokens: int
    """How many tokens the conversation sent to the model had."""
    completion_tokens: int
    """How many tokens the model wrote."""
    total_tokens: int
    """How many tokens were used in both directions."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("UsageInfo", src_dict)
        try:
            instance = cls(
                prompt_tokens=d.pop("prompt_tokens"),
                completion_tokens=d.pop("completion_tokens"),
                total_tokens=d.pop("total_tokens"),
            )
        except KeyError as missing:
            raise InvalidModel("UsageInfo", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("UsageInfo", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["prompt_tokens"] = self.prompt_tokens
        d["completion_tokens"] = self.completion_tokens
        d["total_tokens"] = self.total_tokens
        return d
