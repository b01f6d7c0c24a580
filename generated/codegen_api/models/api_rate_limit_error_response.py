from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class APIRateLimitErrorResponse(_Model):
    """Error body sent when too many requests came in too short a time."""

    message: str | None = None
    """Text that says which limit was exceeded."""
    status_code: int | None = 429
    """HTTP status code, repeated in the body; 429 if absent."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
