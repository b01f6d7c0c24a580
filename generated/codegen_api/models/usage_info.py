from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class UsageInfo(_Model):
    """Token counts of one completion."""

    prompt_tokens: int
    """How many tokens the conversation sent to the model had."""
    completion_tokens: int
    """How many tokens the model wrote."""
    total_tokens: int
    """How many tokens were used in both directions."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
