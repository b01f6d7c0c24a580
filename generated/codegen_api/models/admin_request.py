from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class AdminRequest(_Model):
    """Person who is to become a platform administrator."""

    workos_id: str
    """Id that WorkOS, the login provider, gave the person."""
    email: str
    """Email address of the person."""
    name: str | None = ""
    """Name to show for the person; empty text if absent."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
