from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model
from ..enums import AgentType


@_define(on_setattr=_NO_OP)
class CreateAgentRunInput(_Model):
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
    reserved_metadata: dict[str, Any] | None = _field(default=None, kw_only=True, metadata={"reserved": "metadata"})
    """What this package keeps there under the key `codegen_sdk`."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
