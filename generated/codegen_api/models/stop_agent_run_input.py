from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class StopAgentRunInput(_Model):
    """Agent run to ban, unban or detach from its pull request."""

    agent_run_id: int
    """Number of the run on which the call acts."""
    before_card_order_id: str | None = None
    """Order id of the card before that of the run; null or absent gives none."""
    after_card_order_id: str | None = None
    """Order id of the card after that of the run; null or absent gives none."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
