from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class UserResponse(_Model):
    """One person who uses the service."""

    id: int
    """Number that identifies the user within the service."""
    github_user_id: str
    """Id that GitHub gave the user, as text."""
    github_username: str
    """Login name of the user on GitHub."""
    email: str | None = None
    """Email address of the user; null or absent when not known."""
    avatar_url: str | None = None
    """Web address of the user's picture; null or absent when there is none."""
    full_name: str | None = None
    """First and last name of the user; null or absent when not known."""
    role: str | None = None
    """Word for the part that the user plays, as the service names it; null or absent when not known."""
    is_admin: bool | None = None
    """Whether the user has administrator rights; null or absent when not known."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
