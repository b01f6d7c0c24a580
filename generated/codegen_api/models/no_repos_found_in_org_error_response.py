from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class NoReposFoundInOrgErrorResponse(_Model):
    """Error body sent when the organization has no repository to work in."""

    message: str | None = None
    """Text that says what was not found."""
    status_code: int | None = 404
    """HTTP status code, repeated in the body; 404 if absent."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
