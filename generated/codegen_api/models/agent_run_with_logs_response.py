from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define, field

from ..decoding import (
    Model,
    as_list,
    as_object,
    encode,
    only_reserved,
    with_reserved,
    without_reserved,
)
from ..enums import AgentRunStatus, to_agent_run_status
from ..errors import InvalidModel
from .agent_run_log_response import AgentRunLogResponse


@define
class AgentRunWithLogsResponse(Model):
    """One agent run together with one page of its log."""

    id: int
    """Number that identifies the run in every other call."""
    organization_id: int
    """Number of the organization to which the run belongs."""
    logs: list[AgentRunLogResponse]
    """Log entries on this page."""
    status: AgentRunStatus | str | None = field(default=None, converter=to_agent_run_status)
    """Word for the state the run is in; null or absent while the service names none."""
    created_at: str | None = None
    """Time at which the run was created, as ISO 8601 text; null or absent when the service sends none."""
    web_url: str | None = None
    """Web address of the page that shows the run; null or absent when there is none."""
    result: str | None = None
    """Text of the agent's final answer; null or absent as long as there is none."""
    metadata: dict[str, Any] | None = None
    """Free-form data that came with the run and is kept by the service; null or absent when none was given."""
    total_logs: int | None = None
    """How many log entries the run has on all pages together; null or absent when not known."""
    page: int | None = None
    """Which page of the log this is; null or absent when the service sends none."""
    size: int | None = None
    """Page size, as a number of log entries; null or absent when the service sends none."""
    pages: int | None = None
    """How many pages the whole log has; null or absent when not known."""
    raw_status: str | None = field(default=None, kw_only=True)
    """The word as the service sent it, before it was normalised."""
    reserved_metadata: dict[str, Any] | None = field(default=None, kw_only=True)
    """What this package keeps there under the key `codegen_sdk`."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("AgentRunWithLogsResponse", src_dict)
        try:
            instance = cls(
                id=d.pop("id"),
                organization_id=d.pop("organization_id"),
                logs=[AgentRunLogResponse.from_dict(item) for item in as_list(d.pop("logs"))],
                status=(raw_status := d.pop("status", None)),
                created_at=d.pop("created_at", None),
                web_url=d.pop("web_url", None),
                result=d.pop("result", None),
                metadata=without_reserved(value := d.pop("metadata", None)),
                reserved_metadata=only_reserved(value),
                total_logs=d.pop("total_logs", None),
                page=d.pop("page", None),
                size=d.pop("size", None),
                pages=d.pop("pages", None),
                raw_status=raw_status,
            )
        except KeyError as missing:
            raise InvalidModel("AgentRunWithLogsResponse", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("AgentRunWithLogsResponse", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["id"] = self.id
        d["organization_id"] = self.organization_id
        d["logs"] = [encode(item) for item in self.logs]
        if self.status is not None:
            d["status"] = self.raw_status or str(self.status)
        if self.created_at is not None:
            d["created_at"] = self.created_at
        if self.web_url is not None:
            d["web_url"] = self.web_url
        if self.result is not None:
            d["result"] = self.result
        if (value := with_reserved(self.metadata, self.reserved_metadata)) is not None:
            d["metadata"] = value
        if self.total_logs is not None:
            d["total_logs"] = self.total_logs
        if self.page is not None:
            d["page"] = self.page
        if self.size is not None:
            d["size"] = self.size
        if self.pages is not None:
            d["pages"] = self.pages
        return d
