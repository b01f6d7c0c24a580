from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model

if TYPE_CHECKING:
    from .platform_admin import PlatformAdmin


@_define(on_setattr=_NO_OP)
class AdminsResponse(_Model):
    """Every platform administrator, and how many there are."""

    admins: list[PlatformAdmin]
    """People with administrator rights."""
    count: int
    """How many people are in the list."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
