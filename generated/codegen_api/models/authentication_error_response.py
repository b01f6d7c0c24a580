from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class AuthenticationErrorResponse(_Model):
    """Error body sent when the token is missing or not accepted."""

    message: str | None = None
    """Text that says why the caller was not recognized."""
    status_code: int | None = 401
    """HTTP status code, repeated in the body; 401 if absent."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
