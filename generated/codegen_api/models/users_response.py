from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..pages import Page as _Page

if TYPE_CHECKING:
    from .user_response import UserResponse


@_define(on_setattr=_NO_OP)
class UsersResponse(_Page["UserResponse"]):
    """One page of users."""

    items: list[UserResponse]
    """Users on this page."""
    total: int
    """How many users there are on all pages together."""
    page: int
    """Which page this is within the whole list."""
    size: int
    """Page size, as a number of users."""
    pages: int
    """How many pages the whole list has."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
