from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define, field

from ..decoding import (
    Model,
    as_object,
    known,
)
from ..errors import InvalidModel
from .chat_role import ChatRole


@define
class ChatCompletionDelta(Model):
    """What one chunk adds to a streamed message."""

    role: ChatRole | str | None = None
    """Author of the message; null or absent in chunks that do not repeat it."""
    content: str | None = None
    """Text to append to the message; null or absent when this chunk adds none."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("ChatCompletionDelta", src_dict)
        try:
            instance = cls(
                role=None if (value := d.pop("role", None)) is None else known(ChatRole, value),
                content=d.pop("content", None),
            )
        except KeyError as missing:
            raise InvalidModel("ChatCompletionDelta", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("ChatCompletionDelta", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        if self.role is not None:
            d["role"] = str(self.role)
        if self.content is not None:
            d["content"] = self.content
        return d
