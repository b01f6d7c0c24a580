from __future__ import annotations

import datetime
from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class AuditLogEntry(_Model):
    """One recorded action on the platform."""

    timestamp: datetime.datetime
    """Time of the action, as ISO 8601 text."""
    action: str
    """What was done, as a word or a short text."""
    resource: str
    """What the action was done to."""
    id: str | None = None
    """Id of the entry; null or absent when the service gives none."""
    actor: str | None = None
    """Who did it; null or absent when not known."""
    details: dict[str, Any] | None = None
    """More facts about the action, in no fixed form; null or absent when there are none."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
