from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model
from ..enums import AgentRunStatus, to_agent_run_status


@_define(on_setattr=_NO_OP)
class SetupCommandsResponse(_Model):
    """Run that was started to generate setup commands."""

    agent_run_id: int
    """Number that identifies the run in calls about agent runs."""
    status: AgentRunStatus | str = _field(converter=to_agent_run_status)
    """State word of a run in the upper case that the service sends; new words appear without notice, and clients see
    the normalized words listed in x-codegen."""
    url: str
    """Web address of the page that shows the new run."""
    raw_status: str | None = _field(default=None, kw_only=True, metadata={"raw": "status", "enum": "AgentRunStatus"})
    """The word as the service sent it, before it was normalized."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
