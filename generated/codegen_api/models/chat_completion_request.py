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
from .chat_message import ChatMessage


@define
class ChatCompletionRequest(Model):
    """Conversation to answer, and how to answer it."""

    model: str
    """Name of the model to use, as the model list gives it."""
    messages: list[ChatMessage]
    """Conversation so far, oldest message first."""
    temperature: float | None = 0.7
    """Randomness of the answer, from 0 (least) to 2 (most); 0.7 if absent."""
    max_tokens: int | None = 4000
    """Largest number of tokens the answer may have; 4000 if absent."""
    top_p: float | None = 1.0
    """Share of the probability mass from which tokens are drawn, from 0 to 1; 1 if absent."""
    stream: bool | None = False
    """Whether the answer comes piece by piece as server-sent events; false if absent."""
    user: str | None = None
    """Id of the user under whom the history is recorded; null or absent names nobody."""
    system_prompt: str | None = None
    """Instructions for the model that apply to the whole conversation; null or absent gives none."""
    metadata: dict[str, Any] | None = None
    """Free-form options such as session_id, workflow or variables; null or absent gives none."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("ChatCompletionRequest", src_dict)
        try:
            instance = cls(
                model=d.pop("model"),
                messages=[ChatMessage.from_dict(item) for item in as_list(d.pop("messages"))],
                temperature=d.pop("temperature", None),
                max_tokens=d.pop("max_tokens", None),
                top_p=d.pop("top_p", None),
                stream=d.pop("stream", None),
                user=d.pop("user", None),
                system_prompt=d.pop("system_prompt", None),
                metadata=d.pop("metadata", None),
            )
        except KeyError as missing:
            raise InvalidModel("ChatCompletionRequest", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("ChatCompletionRequest", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["model"] = self.model
        d["messages"] = [encode(item) for item in self.messages]
        if self.temperature is not None:
            d["temperature"] = self.temperature
        if self.max_tokens is not None:
            d["max_tokens"] = self.max_tokens
        if self.top_p is not None:
            d["top_p"] = self.top_p
        if self.stream is not None:
            d["stream"] = self.stream
        if self.user is not None:
            d["user"] = self.user
        if self.system_prompt is not None:
            d["system_prompt"] = self.system_prompt
        if self.metadata is not None:
            d["metadata"] = self.metadata
        return d
