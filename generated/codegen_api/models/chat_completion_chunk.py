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
from .chat_completion_chunk_choice import ChatCompletionChunkChoice
from .usage_info import UsageInfo


@define
class ChatCompletionChunk(Model):
    """One event of a streamed answer."""

    object: str
    """Word for the type of this object, chat.completion.chunk in the OpenAI API."""
    choices: list[ChatCompletionChunkChoice]
    """Next pieces of text, one for each answer that goes on."""
    id: str | None = None
    """Id of the completion to which the chunk belongs."""
    created: int | None = None
    """Time at which the completion was created, in seconds since 1970 (Unix time)."""
    model: str | None = None
    """Name of the model that writes the answer."""
    usage: UsageInfo | None = None
    """Token counts of the whole exchange; null or absent in chunks that carry none."""
    system_fingerprint: str | None = None
    """Id of the chat session in which the exchange was recorded; null or absent when the service sends none."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("ChatCompletionChunk", src_dict)
        try:
            instance = cls(
                object=d.pop("object"),
                choices=[ChatCompletionChunkChoice.from_dict(item) for item in as_list(d.pop("choices"))],
                id=d.pop("id", None),
                created=d.pop("created", None),
                model=d.pop("model", None),
                usage=None if (value := d.pop("usage", None)) is None else UsageInfo.from_dict(value),
                system_fingerprint=d.pop("system_fingerprint", None),
            )
        except KeyError as missing:
            raise InvalidModel("ChatCompletionChunk", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("ChatCompletionChunk", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["object"] = self.object
        d["choices"] = [encode(item) for item in self.choices]
        if self.id is not None:
            d["id"] = self.id
        if self.created is not None:
            d["created"] = self.created
        if self.model is not None:
            d["model"] = self.model
        if self.usage is not None:
            d["usage"] = encode(self.usage)
        if self.system_fingerprint is not None:
            d["system_fingerprint"] = self.system_fingerprint
        return d
