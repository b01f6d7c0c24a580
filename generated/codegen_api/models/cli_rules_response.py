from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class CLIRulesResponse(_Model):
    """Rules and prompt for command line tools."""

    organization_rules: str | None
    """Text of the rules set by the organization; null when there are none."""
    user_custom_prompt: str | None
    """Text of the user's own prompt; null when there is none."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
