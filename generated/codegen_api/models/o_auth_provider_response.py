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
class OAuthProviderResponse(Model):
    """Provider from which OAuth tokens can be obtained."""

    id: int
    """Number that identifies the provider."""
    name: str
    """What the provider is called."""
    issuer: str
    """Identifier of the authorization server that issues the tokens."""
    authorization_endpoint: str
    """URL at which a user grants access."""
    token_endpoint: str
    """URL at which a grant is exchanged for a token."""
    default_scopes: list[str] | None
    """Scopes asked for when none are named; null when there is no such list."""
    is_mcp: bool
    """Whether the provider serves MCP (Model Context Protocol)."""
    meta: dict[str, Any] | None = None
    """Free-form facts about the provider; null or absent when there are none."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("OAuthProviderResponse", src_dict)
        try:
            instance = cls(
                id=d.pop("id"),
                name=d.pop("name"),
                issuer=d.pop("issuer"),
                authorization_endpoint=d.pop("authorization_endpoint"),
                token_endpoint=d.pop("token_endpoint"),
                default_scopes=d.pop("default_scopes"),
                is_mcp=d.pop("is_mcp"),
                meta=d.pop("meta", None),
            )
        except KeyError as missing:
            raise InvalidModel("OAuthProviderResponse", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("OAuthProviderResponse", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["id"] = self.id
        d["name"] = self.name
        d["issuer"] = self.issuer
        d["authorization_endpoint"] = self.authorization_endpoint
        d["token_endpoint"] = self.token_endpoint
        d["default_scopes"] = self.default_scopes
        d["is_mcp"] = self.is_mcp
        if self.meta is not None:
            d["meta"] = self.meta
        return d
