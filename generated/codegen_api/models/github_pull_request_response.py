from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class GithubPullRequestResponse(_Model):
    """Pull request on GitHub that belongs to an agent run."""

    id: int
    """Number that identifies the pull request."""
    created_at: str
    """Time at which the pull request was created, as ISO 8601 text."""
    title: str | None = None
    """Heading of the pull request; null or absent when the service sends none."""
    url: str | None = None
    """Web address of the pull request; null or absent when the service sends none."""
    head_branch_name: str | None = None
    """Name of the branch that holds the changes; null or absent when the service sends none."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
