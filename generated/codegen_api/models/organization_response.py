from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model

if TYPE_CHECKING:
    from .organization_settings import OrganizationSettings


@_define(on_setattr=_NO_OP)
class OrganizationResponse(_Model):
    """One organization that the caller can reach."""

    id: int
    """Number that identifies the organization in every other call."""
    name: str
    """What the organization is called."""
    settings: OrganizationSettings
    """Switches that hold for a whole organization."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
