from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define, field

from ..decoding import (
    Model,
    as_object,
    encode,
)
from ..errors import InvalidModel
from .chat_completion_message import ChatCompletionMessage


@define
class ChatCompletionChoice(Model):
    """One of the answers that the model generated."""

    index: int
    """Position of this answer among all answers, counted from 0."""
    message: ChatCompletionMessage
    """Message that the model wrote."""
    finish_reason: str | None = None
    """Word for why the text ended, such as stop or length; null or absent when not given."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("ChatCompletionChoice", src_dict)
        try:
            instance = cls(
                index=d.pop("index"),
                message=ChatCompletionMessage.from_dict(d.pop("message")),
                finish_reason=d.pop("finish_reason", None),
            )
        except KeyError as missing:
            raise InvalidModel("ChatCompletionChoice", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("ChatCompletionChoice", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["index"] = self.index
        d["message"] = encode(self.message)
        if self.finish_reason is not None:
            d["finish_reason"] = self.finish_reason
        return d
