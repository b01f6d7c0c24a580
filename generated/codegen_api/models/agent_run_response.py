from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model
from ..enums import AgentRunStatus, SourceType, to_agent_run_status

if TYPE_CHECKING:
    from .github_pull_request_response import GithubPullRequestResponse


@_define(on_setattr=_NO_OP)
class AgentRunResponse(_Model):
    """One agent run, with its state and its outcome."""

    id: int
    """Number that identifies the run in every other call."""
    organization_id: int
    """Number of the organization to which the run belongs."""
    status: AgentRunStatus | str | None = _field(default=None, converter=to_agent_run_status)
    """Word for the state the run is in; null or absent while the service names none."""
    created_at: str | None = None
    """Time at which the run was created, as ISO 8601 text; null or absent when the service sends none."""
    web_url: str | None = None
    """Web address of the page that shows the run; null or absent when there is none."""
    result: str | None = None
    """Text of the agent's final answer; null or absent as long as there is none."""
    summary: str | None = None
    """Short account of what the run did; null or absent as long as there is none."""
    source_type: SourceType | str | None = None
    """Place from which the run was started; null or absent when not known."""
    github_pull_requests: list[GithubPullRequestResponse] | None = None
    """Pull requests that came out of the run; null or absent when the service sends no list."""
    metadata: dict[str, Any] | None = None
    """Free-form data that came with the run and is kept by the service; null or absent when none was given."""
    raw_status: str | None = _field(default=None, kw_only=True, metadata={"raw": "status", "enum": "AgentRunStatus"})
    """The word as the service sent it, before it was normalized."""
    reserved_metadata: dict[str, Any] | None = _field(default=None, kw_only=True, metadata={"reserved": "metadata"})
    """What this package keeps there under the key `codegen_sdk`."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
