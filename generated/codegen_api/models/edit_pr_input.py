from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model
from ..enums import PullRequestState


@_define(on_setattr=_NO_OP)
class EditPRInput(_Model):
    """Change to make to a pull request."""

    state: PullRequestState | str
    """State to which a pull request can be set."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
