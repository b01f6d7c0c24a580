from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class ModelInfo(_Model):
    """One model that the ChatServer offers."""

    id: str
    """Name to give as the model of a chat completion."""
    object: str | None = None
    """Word for the type of this object, model in the OpenAI API."""
    created: int | None = None
    """Time at which the model was added, in seconds since 1970 (Unix time); null or absent when not known."""
    owned_by: str | None = None
    """Name of the owner of the model; null or absent when not known."""
    provider: str | None = None
    """Name of the provider or agent that runs the model; null or absent when not known."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
