from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class OrganizationSettings(_Model):
    """Switches that hold for a whole organization."""

    enable_pr_creation: bool | None = True
    """Whether the creation of pull requests is switched on; true if absent."""
    enable_rules_detection: bool | None = True
    """Whether the detection of rules is switched on; true if absent."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
