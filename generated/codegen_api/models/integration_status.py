from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class IntegrationStatus(_Model):
    """State of one integration of an organization."""

    integration_type: str
    """Word for the outside service that is connected."""
    active: bool
    """Whether the integration is switched on."""
    token_id: int | None = None
    """Number of the token that the integration uses; null or absent when there is none."""
    installation_id: int | None = None
    """Number of the app installation that the integration uses; null or absent when there is none."""
    metadata: dict[str, Any] | None = None
    """Free-form facts about the integration; null or absent when there are none."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
