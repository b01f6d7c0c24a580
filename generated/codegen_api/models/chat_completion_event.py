from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from attrs import define, field

from ..decoding import (
    Model,
    as_object,
)
from ..errors import InvalidModel


@define
class ChatCompletionEvent(Model):
    """One server-sent event of a streamed completion."""

    data: Literal["[DONE]"] | str
    """The next chunk as JSON text, or [DONE] after the last one."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("ChatCompletionEvent", src_dict)
        try:
            instance = cls(
                data=d.pop("data"),
            )
        except KeyError as missing:
            raise InvalidModel("ChatCompletionEvent", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("ChatCompletionEvent", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["data"] = self.data
        return d
