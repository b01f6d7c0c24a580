from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class ValidationError(_Model):
    """One problem found in a request."""

    loc: list[str | int]
    """Path to the value at fault, as names and list positions from the outside in."""
    msg: str
    """Text that tells people what is wrong with the value."""
    type: str
    """Word for the kind of problem, for programs to compare."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
