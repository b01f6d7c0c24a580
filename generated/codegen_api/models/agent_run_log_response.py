from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define, field

from ..decoding import (
    Model,
    as_object,
)
from ..enums import MessageType, to_message_type
from ..errors import InvalidModel


@define
class AgentRunLogResponse(Model):
    """One step of an agent run, as recorded in its log."""

    agent_run_id: int
    """Number of the run to which this entry belongs."""
    created_at: str | None = None
    """Time at which the entry was written, as ISO 8601 text; null or absent when the service sends none."""
    tool_name: str | None = None
    """Name of the tool the agent used; null or absent when the entry is not about a tool."""
    message_type: MessageType | str | None = field(default=None, converter=to_message_type)
    """Word for the kind of entry; null or absent when the service names none."""
    thought: str | None = None
    """Agent's reasoning at this step, as text; null or absent when there is none."""
    observation: dict[str, Any] | str | None = None
    """What the agent saw after the step, as an object or as text; null or absent when there is nothing."""
    tool_input: dict[str, Any] | None = None
    """Arguments given to the tool; null or absent when no tool was called."""
    tool_output: dict[str, Any] | None = None
    """Answer of the tool; null or absent when there is none."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("AgentRunLogResponse", src_dict)
        try:
            instance = cls(
                agent_run_id=d.pop("agent_run_id"),
                created_at=d.pop("created_at", None),
                tool_name=d.pop("tool_name", None),
                message_type=d.pop("message_type", None),
                thought=d.pop("thought", None),
                observation=d.pop("observation", None),
                tool_input=d.pop("tool_input", None),
                tool_output=d.pop("tool_output", None),
            )
        except KeyError as missing:
            raise InvalidModel("AgentRunLogResponse", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("AgentRunLogResponse", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["agent_run_id"] = self.agent_run_id
        if self.created_at is not None:
            d["created_at"] = self.created_at
        if self.tool_name is not None:
            d["tool_name"] = self.tool_name
        if self.message_type is not None:
            d["message_type"] = self.message_type
        if self.thought is not None:
            d["thought"] = self.thought
        if self.observation is not None:
            d["observation"] = self.observation
        if self.tool_input is not None:
            d["tool_input"] = self.tool_input
        if self.tool_output is not None:
            d["tool_output"] = self.tool_output
        return d
