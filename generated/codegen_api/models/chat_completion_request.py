from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model

if TYPE_CHECKING:
    from .chat_message import ChatMessage


@_define(on_setattr=_NO_OP)
class ChatCompletionRequest(_Model):
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
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
