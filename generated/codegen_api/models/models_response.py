from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model

if TYPE_CHECKING:
    from .model_info import ModelInfo


@_define(on_setattr=_NO_OP)
class ModelsResponse(_Model):
    """Every model that the ChatServer offers."""

    data: list[ModelInfo]
    """Models to choose from."""
    object: str | None = None
    """Word for the type of this object, list in the OpenAI API."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
