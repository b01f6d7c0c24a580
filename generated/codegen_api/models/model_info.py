from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define, field

from ..decoding import (
    Model,
    as_object,
)
from ..errors import InvalidModel


@define
class ModelInfo(Model):
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
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("ModelInfo", src_dict)
        try:
            instance = cls(
                id=d.pop("id"),
                object=d.pop("object", None),
                created=d.pop("created", None),
                owned_by=d.pop("owned_by", None),
                provider=d.pop("provider", None),
            )
        except KeyError as missing:
            raise InvalidModel("ModelInfo", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("ModelInfo", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["id"] = self.id
        if self.object is not None:
            d["object"] = self.object
        if self.created is not None:
            d["created"] = self.created
        if self.owned_by is not None:
            d["owned_by"] = self.owned_by
        if self.provider is not None:
            d["provider"] = self.provider
        return d
