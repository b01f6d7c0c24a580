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
class StopAgentRunInput(Model):
    """Agent run to ban, unban or detach from its pull request."""

    agent_run_id: int
    """Number of the run on which the call acts."""
    before_card_order_id: str | None = None
    """Order id of the card before that of the run; null or absent gives none."""
    after_card_order_id: str | None = None
    """Order id of the card after that of the run; null or absent gives none."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("StopAgentRunInput", src_dict)
        try:
            instance = cls(
                agent_run_id=d.pop("agent_run_id"),
                before_card_order_id=d.pop("before_card_order_id", None),
                after_card_order_id=d.pop("after_card_order_id", None),
            )
        except KeyError as missing:
            raise InvalidModel("StopAgentRunInput", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("StopAgentRunInput", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["agent_run_id"] = self.agent_run_id
        if self.before_card_order_id is not None:
            d["before_card_order_id"] = self.before_card_order_id
        if self.after_card_order_id is not None:
            d["after_card_order_id"] = self.after_card_order_id
        return d
