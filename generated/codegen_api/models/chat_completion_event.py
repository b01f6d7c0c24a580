from __future__ import annotations

from typing import Any, Literal

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class ChatCompletionEvent(_Model):
    """One server-sent event of a streamed completion."""

    data: Literal["[DONE]"] | str
    """The next chunk as JSON text, or [DONE] after the last one."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
