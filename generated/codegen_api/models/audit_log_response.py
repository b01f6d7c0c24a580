from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..pages import Page as _Page

if TYPE_CHECKING:
    from .audit_log_entry import AuditLogEntry


@_define(on_setattr=_NO_OP)
class AuditLogResponse(_Page["AuditLogEntry"]):
    """One part of the audit log."""

    entries: list[AuditLogEntry]
    """Entries in this part of the log."""
    total: int
    """How many entries the whole log has."""
    limit: int | None = None
    """Largest number of entries this answer could hold; null or absent when not sent."""
    offset: int | None = None
    """Number of entries left out before the first one here; null or absent when not sent."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
    _items = "entries"
