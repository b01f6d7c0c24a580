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
from .organization_response import OrganizationResponse


@define
class OrganizationsResponse(Model):
    """One page of organizations."""

    items: list[OrganizationResponse]
    """Organizations on this page."""
    total: int
    """How many organizations there are on all pages together."""
    page: int
    """Which page this is within the whole list."""
    size: int
    """Page size, as a number of organizations."""
    pages: int
    """How many pages the whole list has."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("OrganizationsResponse", src_dict)
        try:
            instance = cls(
                items=[OrganizationResponse.from_dict(item) for item in as_list(d.pop("items"))],
                total=d.pop("total"),
                page=d.pop("page"),
                size=d.pop("size"),
                pages=d.pop("pages"),
            )
        except KeyError as missing:
            raise InvalidModel("OrganizationsResponse", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("OrganizationsResponse", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["items"] = [encode(item) for item in self.items]
        d["total"] = self.total
        d["page"] = self.page
        d["size"] = self.size
        d["pages"] = self.pages
        return d
