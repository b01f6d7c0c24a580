from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define, field

from ..decoding import (
    Model,
    as_list,
    as_object,
    encode,
    known,
    only_reserved,
    with_reserved,
    without_reserved,
)
from ..enums import AgentRunStatus, to_agent_run_status
from ..errors import InvalidModel
from .github_pull_request_response import GithubPullRequestResponse
from .source_type import SourceType


@define
class AgentRunResponse(Model):
    """One agent run, with its state and its outcome."""

    id: int
    """Number that identifies the run in every other call."""
    organization_id: int
    """Number of the organization to which the run belongs."""
    status: AgentRunStatus | str | None = field(default=None, converter=to_agent_run_status)
    """Word for the state the run is in; null or absent while the service names none."""
    created_at: str | None = None
    """Time at which the run was created, as ISO 8601 text; null or absent when the service sends none."""
    web_url: str | None = None
    """Web address of the page that shows the run; null or absent when there is none."""
    result: str | None = None
    """Text of the agent's final answer; null or absent as long as there is none."""
    summary: str | None = None
    """Short account of what the run did; null or absent as long as there is none."""
    source_type: SourceType | str | None = None
    """Place from which the run was started; null or absent when not known."""
    github_pull_requests: list[GithubPullRequestResponse] | None = None
    """Pull requests that came out of the run; null or absent when the service sends no list."""
    metadata: dict[str, Any] | None = None
    """Free-form data that came with the run and is kept by the service; null or absent when none was given."""
    raw_status: str | None = field(default=None, kw_only=True)
    """The word as the service sent it, before it was normalised."""
    reserved_metadata: dict[str, Any] | None = field(default=None, kw_only=True)
    """What this package keeps there under the key `codegen_sdk`."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("AgentRunResponse", src_dict)
        try:
            instance = cls(
                id=d.pop("id"),
                organization_id=d.pop("organization_id"),
                status=(raw_status := d.pop("status", None)),
                created_at=d.pop("created_at", None),
                web_url=d.pop("web_url", None),
                result=d.pop("result", None),
                summary=d.pop("summary", None),
                source_type=None if (value := d.pop("source_type", None)) is None else known(SourceType, value),
                github_pull_requests=None
                if (value := d.pop("github_pull_requests", None)) is None
                else [GithubPullRequestResponse.from_dict(item) for item in as_list(value)],
                metadata=without_reserved(value := d.pop("metadata", None)),
                reserved_metadata=only_reserved(value),
                raw_status=raw_status,
            )
        except KeyError as missing:
            raise InvalidModel("AgentRunResponse", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("AgentRunResponse", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["id"] = self.id
        d["organization_id"] = self.organization_id
        if self.status is not None:
            d["status"] = self.raw_status or str(self.status)
        if self.created_at is not None:
            d["created_at"] = self.created_at
        if self.web_url is not None:
            d["web_url"] = self.web_url
        if self.result is not None:
            d["result"] = self.result
        if self.summary is not None:
            d["summary"] = self.summary
        if self.source_type is not None:
            d["source_type"] = str(self.source_type)
        if self.github_pull_requests is not None:
            d["github_pull_requests"] = [encode(item) for item in self.github_pull_requests]
        if (value := with_reserved(self.metadata, self.reserved_metadata)) is not None:
            d["metadata"] = value
        return d
