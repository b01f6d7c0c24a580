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
class ChatCompletionMessage(Model):
    """Message that the model wrote."""

    role: ChatRole | str
    """Author of a chat message."""
    content: str | None
    """Text of the message; null when there is none."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("ChatCompletionMessage", src_dict)
        try:
            instance = cls(
                role=known(ChatRole, d.pop("role")),
                content=d.pop("content"),
            )
        except KeyError as missing:
            raise InvalidModel("ChatCompletionMessage", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("ChatCompletionMessage", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["role"] = str(self.role)
        d["content"] = self.content
        return d
