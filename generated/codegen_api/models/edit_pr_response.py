from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define, field

from ..decoding import (
    Model,
    as_object,
)
from ..errors import InvalidModel


@define
class EditPRResponse(Model):
    """Outcome of editing a pull request."""

    success: bool
    """Whether the edit was made."""
    url: str | None = None
    """Web address of the pull request; null or absent when the service sends none."""
    number: int | None = None
    """Number of the pull request within its repository; null or absent when the service sends none."""
    title: str | None = None
    """Heading of the pull request; null or absent when the service sends none."""
    state: str | None = None
    """Word for the state of the pull request after the edit; null or absent when the service sends none."""
    error: str | None = None
    """Text that says why the edit failed; null or absent when it did not."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("EditPRResponse", src_dict)
        try:
            instance = cls(
                success=d.pop("success"),
                url=d.pop("url", None),
                number=d.pop("number", None),
                title=d.pop("title", None),
                state=d.pop("state", None),
                error=d.pop("error", None),
            )
        except KeyError as missing:
            raise InvalidModel("EditPRResponse", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("EditPRResponse", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["success"] = self.success
        if self.url is not None:
            d["url"] = self.url
        if self.number is not None:
            d["number"] = self.number
        if self.title is not None:
            d["title"] = self.title
        if self.state is not None:
            d["state"] = self.state
        if self.error is not None:
            d["error"] = self.error
        return d
