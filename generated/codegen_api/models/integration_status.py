from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define, field

from ..decoding import (
    Model,
    as_object,
)
from ..errors import InvalidModel


@define
class IntegrationStatus(Model):
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
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("IntegrationStatus", src_dict)
        try:
            instance = cls(
                integration_type=d.pop("integration_type"),
                active=d.pop("active"),
                token_id=d.pop("token_id", None),
                installation_id=d.pop("installation_id", None),
                metadata=d.pop("metadata", None),
            )
        except KeyError as missing:
            raise InvalidModel("IntegrationStatus", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("IntegrationStatus", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["integration_type"] = self.integration_type
        d["active"] = self.active
        if self.token_id is not None:
            d["token_id"] = self.token_id
        if self.installation_id is not None:
            d["installation_id"] = self.installation_id
        if self.metadata is not None:
            d["metadata"] = self.metadata
        return d
