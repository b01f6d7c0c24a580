from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..pages import Page as _Page

if TYPE_CHECKING:
    from .agent_run_response import AgentRunResponse


@_define(on_setattr=_NO_OP)
class AgentRunsResponse(_Page["AgentRunResponse"]):
    """One page of agent runs."""

    items: list[AgentRunResponse]
    """Runs on this page."""
    total: int
    """How many agent runs there are on all pages together."""
    page: int
    """Which page this is within the whole list."""
    size: int
    """Page size, as a number of agent runs."""
    pages: int
    """How many pages the whole list has."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
