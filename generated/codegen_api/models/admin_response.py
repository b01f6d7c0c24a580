from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model

if TYPE_CHECKING:
    from .platform_admin import PlatformAdmin


@_define(on_setattr=_NO_OP)
class AdminResponse(_Model):
    """Outcome of adding or removing a platform administrator."""

    success: bool
    """Whether the change was made."""
    message: str
    """Text that tells people what happened."""
    admin: PlatformAdmin | None = None
    """Administrator who was added or removed; null or absent when the service does not repeat the record."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
