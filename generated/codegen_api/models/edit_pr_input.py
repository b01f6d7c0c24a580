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
from .pull_request_state import PullRequestState


@define
class EditPRInput(Model):
    """Change to make to a pull request."""

    state: PullRequestState | str
    """State to which a pull request can be set."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("EditPRInput", src_dict)
        try:
            instance = cls(
                state=known(PullRequestState, d.pop("state")),
            )
        except KeyError as missing:
            raise InvalidModel("EditPRInput", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("EditPRInput", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["state"] = str(self.state)
        return d
