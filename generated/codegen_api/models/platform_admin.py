from __future__ import annotations

import datetime
from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class PlatformAdmin(_Model):
    """Person with administrator rights on the platform."""

    email: str
    """Email address by which the person can be removed."""
    workos_id: str | None = None
    """Id that WorkOS, the login provider, gave the person; null or absent when not known."""
    name: str | None = None
    """Name to show for the person; null or absent when not known."""
    created_at: datetime.datetime | None = None
    """Time at which the person was added, as ISO 8601 text; null or absent when not known."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
