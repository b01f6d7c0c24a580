from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class GenerateSetupCommandsInput(_Model):
    """Repository for which setup commands are to be generated."""

    repo_id: int
    """Number of the repository that is to be set up."""
    prompt: str | None = None
    """Further instructions for the agent; null or absent gives none."""
    trigger_source: str | None = "setup-commands"
    """Word that names what set off the generation; setup-commands if absent."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
