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
class ResumeAgentRunInput(Model):
    """Agent run to continue, and what it is to do next."""

    agent_run_id: int
    """Number of the run to continue."""
    prompt: str
    """Further task for the agent, in plain language."""
    images: list[str] | None = None
    """Images that belong to the prompt, each as text; null or absent sends none."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("ResumeAgentRunInput", src_dict)
        try:
            instance = cls(
                agent_run_id=d.pop("agent_run_id"),
                prompt=d.pop("prompt"),
                images=d.pop("images", None),
            )
        except KeyError as missing:
            raise InvalidModel("ResumeAgentRunInput", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("ResumeAgentRunInput", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["agent_run_id"] = self.agent_run_id
        d["prompt"] = self.prompt
        if self.images is not None:
            d["images"] = self.images
        return d
