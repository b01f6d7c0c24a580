from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class OAuthProviderResponse(_Model):
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
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
