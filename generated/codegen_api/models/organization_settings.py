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
class OrganizationSettings(Model):
    """Switches that hold for a whole organization."""

    enable_pr_creation: bool | None = True
    """Whether the creation of pull requests is switched on; true if absent."""
    enable_rules_detection: bool | None = True
    """Whether the detection of rules is switched on; true if absent."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("OrganizationSettings", src_dict)
        try:
            instance = cls(
                enable_pr_creation=d.pop("enable_pr_creation", None),
                enable_rules_detection=d.pop("enable_rules_detection", None),
            )
        except KeyError as missing:
            raise InvalidModel("OrganizationSettings", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("OrganizationSettings", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        if self.enable_pr_creation is not None:
            d["enable_pr_creation"] = self.enable_pr_creation
        if self.enable_rules_detection is not None:
            d["enable_rules_detection"] = self.enable_rules_detection
        return d
