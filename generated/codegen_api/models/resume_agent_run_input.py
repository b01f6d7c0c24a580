from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class ResumeAgentRunInput(_Model):
    """Agent run to continue, and what it is to do next."""

    agent_run_id: int
    """Number of the run to continue."""
    prompt: str
    """Further task for the agent, in plain language."""
    images: list[str] | None = None
    """Images that belong to the prompt, each as text; null or absent sends none."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
