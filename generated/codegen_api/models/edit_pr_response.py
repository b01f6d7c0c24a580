from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class EditPRResponse(_Model):
    """Outcome of editing a pull request."""

    success: bool
    """Whether the edit was made."""
    url: str | None = None
    """Web address of the pull request; null or absent when the service sends none."""
    number: int | None = None
    """Number of the pull request within its repository; null or absent when the service sends none."""
    title: str | None = None
    """Heading of the pull request; null or absent when the service sends none."""
    state: str | None = None
    """Word for the state of the pull request after the edit; null or absent when the service sends none."""
    error: str | None = None
    """Text that says why the edit failed; null or absent when it did not."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
