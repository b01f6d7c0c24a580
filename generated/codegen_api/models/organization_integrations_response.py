from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model

if TYPE_CHECKING:
    from .integration_status import IntegrationStatus


@_define(on_setattr=_NO_OP)
class OrganizationIntegrationsResponse(_Model):
    """Integrations of one organization."""

    organization_id: int
    """Number of the organization to which the integrations belong."""
    organization_name: str
    """What the organization is called."""
    integrations: list[IntegrationStatus]
    """Integrations with the state of each."""
    total_active_integrations: int
    """How many of the integrations are active."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
