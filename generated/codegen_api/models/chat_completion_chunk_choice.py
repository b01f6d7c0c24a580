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
from .chat_completion_delta import ChatCompletionDelta


@define
class ChatCompletionChunkChoice(Model):
    """Piece of one streamed answer."""

    index: int
    """Position of the answer to which this piece belongs, counted from 0."""
    delta: ChatCompletionDelta
    """What one chunk adds to a streamed message."""
    finish_reason: str | None = None
    """Word for why the text ended, such as stop or length; null or absent until the last piece."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("ChatCompletionChunkChoice", src_dict)
        try:
            instance = cls(
                index=d.pop("index"),
                delta=ChatCompletionDelta.from_dict(d.pop("delta")),
                finish_reason=d.pop("finish_reason", None),
            )
        except KeyError as missing:
            raise InvalidModel("ChatCompletionChunkChoice", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("ChatCompletionChunkChoice", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["index"] = self.index
        d["delta"] = encode(self.delta)
        if self.finish_reason is not None:
            d["finish_reason"] = self.finish_reason
        return d
