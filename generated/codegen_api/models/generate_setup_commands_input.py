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
class GenerateSetupCommandsInput(Model):
    """Repository for which setup commands are to be generated."""

    repo_id: int
    """Number of the repository that is to be set up."""
    prompt: str | None = None
    """Further instructions for the agent; null or absent gives none."""
    trigger_source: str | None = "setup-commands"
    """Word that names what set off the generation; setup-commands if absent."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("GenerateSetupCommandsInput", src_dict)
        try:
            instance = cls(
                repo_id=d.pop("repo_id"),
                prompt=d.pop("prompt", None),
                trigger_source=d.pop("trigger_source", None),
            )
        except KeyError as missing:
            raise InvalidModel("GenerateSetupCommandsInput", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("GenerateSetupCommandsInput", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["repo_id"] = self.repo_id
        if self.prompt is not None:
            d["prompt"] = self.prompt
        if self.trigger_source is not None:
            d["trigger_source"] = self.trigger_source
        return d
