from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define, field

from ..decoding import (
    Model,
    as_object,
)
from ..enums import AgentRunStatus, to_agent_run_status
from ..errors import InvalidModel


@define
class AnalyzeLogsResponse(Model):
    """Run that was started to analyze the logs of a sandbox."""

    agent_run_id: int
    """Number that identifies the run in calls about agent runs."""
    message: str
    """Text that tells people what was started."""
    status: AgentRunStatus | str = field(converter=to_agent_run_status)
    """State word of a run in the upper case that the service sends; new words appear without notice, and clients see
    the normalized words listed in x-codegen."""
    raw_status: str | None = field(default=None, kw_only=True)
    """The word as the service sent it, before it was normalised."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("AnalyzeLogsResponse", src_dict)
        try:
            instance = cls(
                agent_run_id=d.pop("agent_run_id"),
                message=d.pop("message"),
                status=(raw_status := d.pop("status")),
                raw_status=raw_status,
            )
        except KeyError as missing:
            raise InvalidModel("AnalyzeLogsResponse", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("AnalyzeLogsResponse", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["agent_run_id"] = self.agent_run_id
        d["message"] = self.message
        d["status"] = self.raw_status or str(self.status)
        return d
