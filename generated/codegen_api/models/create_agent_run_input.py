from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define, field

from ..decoding import (
    Model,
    as_object,
    known,
    only_reserved,
    with_reserved,
    without_reserved,
)
from ..errors import InvalidModel
from .agent_type import AgentType


@define
class CreateAgentRunInput(Model):
    """What a new agent run is to do, and with what."""

    prompt: str
    """Task for the agent, in plain language."""
    images: list[str] | None = None
    """Images that belong to the prompt, each as text; null or absent sends none."""
    metadata: dict[str, Any] | None = None
    """Free-form data that the service keeps and returns with the run; null or absent gives none."""
    repo_id: int | None = None
    """Number of the repository to work in; null or absent names none."""
    model: str | None = None
    """Name of the language model to use; null or absent names none."""
    agent_type: AgentType | str | None = None
    """Kind of agent to use; null or absent names none."""
    reserved_metadata: dict[str, Any] | None = field(default=None, kw_only=True)
    """What this package keeps there under the key `codegen_sdk`."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("CreateAgentRunInput", src_dict)
        try:
            instance = cls(
                prompt=d.pop("prompt"),
                images=d.pop("images", None),
                metadata=without_reserved(value := d.pop("metadata", None)),
                reserved_metadata=only_reserved(value),
                repo_id=d.pop("repo_id", None),
                model=d.pop("model", None),
                agent_type=None if (value := d.pop("agent_type", None)) is None else known(AgentType, value),
            )
        except KeyError as missing:
            raise InvalidModel("CreateAgentRunInput", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("CreateAgentRunInput", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["prompt"] = self.prompt
        if self.images is not None:
            d["images"] = self.images
        if (value := with_reserved(self.metadata, self.reserved_metadata)) is not None:
            d["metadata"] = value
        if self.repo_id is not None:
            d["repo_id"] = self.repo_id
        if self.model is not None:
            d["model"] = self.model
        if self.agent_type is not None:
            d["agent_type"] = str(self.agent_type)
        return d
