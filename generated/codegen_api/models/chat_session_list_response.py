from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..pages import Page as _Page

if TYPE_CHECKING:
    from .chat_session_summary import ChatSessionSummary


@_define(on_setattr=_NO_OP)
class ChatSessionListResponse(_Page["ChatSessionSummary"]):
    """One page of chat sessions."""

    sessions: list[ChatSessionSummary]
    """Sessions on this page."""
    total: int
    """How many sessions there are on all pages together."""
    page: int
    """Which page this is, counted from 1."""
    page_size: int
    """Largest number of sessions this page can hold."""
    has_more: bool
    """Whether a further page follows this one."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
    _items = "sessions"
