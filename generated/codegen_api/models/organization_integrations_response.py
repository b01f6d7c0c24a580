from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define, field

from ..decoding import (
    Model,
    as_list,
    as_object,
    encode,
)
from ..errors import InvalidModel
from .integration_status import IntegrationStatus


@define
class OrganizationIntegrationsResponse(Model):
    """Integrations of one organization."""

    organization_id: int
    """Number of the organization to which the integrations belong."""
    organization_name: str
    """What the organization is called."""
    integrations: list[IntegrationStatus]
    """Integrations with the state of each."""
    total_active_integrations: int
    """How many of the integrations are active."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("OrganizationIntegrationsResponse", src_dict)
        try:
            instance = cls(
                organization_id=d.pop("organization_id"),
                organization_name=d.pop("organization_name"),
                integrations=[IntegrationStatus.from_dict(item) for item in as_list(d.pop("integrations"))],
                total_active_integrations=d.pop("total_active_integrations"),
            )
        except KeyError as missing:
            raise InvalidModel("OrganizationIntegrationsResponse", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("OrganizationIntegrationsResponse", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["organization_id"] = self.organization_id
        d["organization_name"] = self.organization_name
        d["integrations"] = [encode(item) for item in self.integrations]
        d["total_active_integrations"] = self.total_active_integrations
        return d
