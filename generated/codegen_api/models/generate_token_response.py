from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class GenerateTokenResponse(_Model):
    """New token that connects Slack to an organization."""

    token: str = _field(repr=False)
    """Secret text that proves the right to connect."""
    message: str
    """Text for people that comes with the token."""
    expires_in_minutes: int
    """Minutes for which the token is valid."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
