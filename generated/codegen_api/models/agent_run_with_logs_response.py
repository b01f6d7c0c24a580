from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..enums import AgentRunStatus, to_agent_run_status
from ..pages import Page as _Page

if TYPE_CHECKING:
    from .agent_run_log_response import AgentRunLogResponse


@_define(on_setattr=_NO_OP)
class AgentRunWithLogsResponse(_Page["AgentRunLogResponse"]):
    """One agent run together with one page of its log."""

    id: int
    """Number that identifies the run in every other call."""
    organization_id: int
    """Number of the organization to which the run belongs."""
    logs: list[AgentRunLogResponse]
    """Log entries on this page."""
    status: AgentRunStatus | str | None = _field(default=None, converter=to_agent_run_status)
    """Word for the state the run is in; null or absent while the service names none."""
    created_at: str | None = None
    """Time at which the run was created, as ISO 8601 text; null or absent when the service sends none."""
    web_url: str | None = None
    """Web address of the page that shows the run; null or absent when there is none."""
    result: str | None = None
    """Text of the agent's final answer; null or absent as long as there is none."""
    metadata: dict[str, Any] | None = None
    """Free-form data that came with the run and is kept by the service; null or absent when none was given."""
    total_logs: int | None = None
    """How many log entries the run has on all pages together; null or absent when not known."""
    page: int | None = None
    """Which page of the log this is; null or absent when the service sends none."""
    size: int | None = None
    """Page size, as a number of log entries; null or absent when the service sends none."""
    pages: int | None = None
    """How many pages the whole log has; null or absent when not known."""
    raw_status: str | None = _field(default=None, kw_only=True, metadata={"raw": "status", "enum": "AgentRunStatus"})
    """The word as the service sent it, before it was normalized."""
    reserved_metadata: dict[str, Any] | None = _field(default=None, kw_only=True, metadata={"reserved": "metadata"})
    """What this package keeps there under the key `codegen_sdk`."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
    _items = "logs"
