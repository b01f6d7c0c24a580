from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model
from ..enums import MessageType, to_message_type


@_define(on_setattr=_NO_OP)
class AgentRunLogResponse(_Model):
    """One step of an agent run, as recorded in its log."""

    agent_run_id: int
    """Number of the run to which this entry belongs."""
    created_at: str | None = None
    """Time at which the entry was written, as ISO 8601 text; null or absent when the service sends none."""
    tool_name: str | None = None
    """Name of the tool the agent used; null or absent when the entry is not about a tool."""
    message_type: MessageType | str | None = _field(default=None, converter=to_message_type)
    """Word for the kind of entry; null or absent when the service names none."""
    thought: str | None = None
    """Agent's reasoning at this step, as text; null or absent when there is none."""
    observation: dict[str, Any] | str | None = None
    """What the agent saw after the step, as an object or as text; null or absent when there is nothing."""
    tool_input: dict[str, Any] | None = None
    """Arguments given to the tool; null or absent when no tool was called."""
    tool_output: dict[str, Any] | None = None
    """Answer of the tool; null or absent when there is none."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
