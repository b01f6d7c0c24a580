from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class RepoResponse(_Model):
    """One repository of an organization."""

    id: int
    """Number that identifies the repository in every other call."""
    name: str
    """Short name of the repository, without its owner."""
    full_name: str
    """Name of the repository with its owner, as owner/name."""
    description: str | None
    """Text that says what the repository is for; null when it has none."""
    github_id: str
    """Id that GitHub gave the repository, as text."""
    organization_id: int
    """Number of the organization to which the repository belongs."""
    visibility: str | None
    """Word for who can see the repository, such as public or private; null when not known."""
    archived: bool | None
    """Whether the repository is archived; null when not known."""
    setup_status: str
    """Word for how far the setup of the repository has come."""
    language: str | None
    """Programming language of the repository; null when not known."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
