from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class PlatformStats(_Model):
    """User and request counts of the whole platform, to which the service may add more."""

    total_users: int
    """How many users the platform has."""
    active_users: int
    """How many of the users count as active."""
    total_requests: int
    """How many requests the platform has counted."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
