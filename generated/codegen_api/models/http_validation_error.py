from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model

if TYPE_CHECKING:
    from .validation_error import ValidationError


@_define(on_setattr=_NO_OP)
class HTTPValidationError(_Model):
    """Error body sent when values in a request are missing or have the wrong form."""

    detail: list[ValidationError] | None = None
    """One entry for each problem that was found."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
