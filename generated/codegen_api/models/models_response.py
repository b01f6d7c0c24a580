from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define, field

from ..decoding import (
    Model,
    as_list,
    as_object,
    encode,
)
from ..errors import InvalidModel
from .model_info import ModelInfo


@define
class ModelsResponse(Model):
    """Every model that the ChatServer offers."""

    data: list[ModelInfo]
    """Models to choose from."""
    object: str | None = None
    """Word for the type of this object, list in the OpenAI API."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("ModelsResponse", src_dict)
        try:
            instance = cls(
                data=[ModelInfo.from_dict(item) for item in as_list(d.pop("data"))],
                object=d.pop("object", None),
            )
        except KeyError as missing:
            raise InvalidModel("ModelsResponse", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("ModelsResponse", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["data"] = [encode(item) for item in self.data]
        if self.object is not None:
            d["object"] = self.object
        return d
