"""The events that the service sends: their names, their envelope, and the data that handlers get."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from codegen_api.enums import AgentRunStatus
from codegen_api.reserved import without_reserved

from .errors import refused

if TYPE_CHECKING:
    from collections.abc import Mapping

RUN_EVENTS = {
    "agent_run.created": AgentRunStatus.PENDING,
    "agent_run.running": AgentRunStatus.RUNNING,
    "agent_run.paused": AgentRunStatus.PAUSED,
    "agent_run.completed": AgentRunStatus.COMPLETED,
    "agent_run.failed": AgentRunStatus.FAILED,
    "agent_run.cancelled": AgentRunStatus.CANCELLED,
}
EVENTS = tuple(RUN_EVENTS)
"""The names of the events; a service may send others, which handlers get with their data as it came."""
EVENT_OF = {status: name for name, status in RUN_EVENTS.items()}
"""The event that reports that a run is in a state."""


class RunEvent(TypedDict):
    """A run as an event reports it; what the service left out is None."""

    id: int
    organization_id: int | None
    raw_status: str | None
    created_at: str | None
    web_url: str | None
    result: str | None
    summary: str | None
    source_type: str | None
    github_pull_requests: list[dict[str, Any]] | None
    metadata: dict[str, Any] | None


class RunCreated(RunEvent):
    """Data of `agent_run.created`."""

    status: Literal[AgentRunStatus.PENDING]
    error: None


class RunRunning(RunEvent):
    """Data of `agent_run.running`: it has started, or goes on after it was resumed."""

    status: Literal[AgentRunStatus.RUNNING]
    error: None


class RunPaused(RunEvent):
    """Data of `agent_run.paused`: it needs input."""

    status: Literal[AgentRunStatus.PAUSED]
    error: None


class RunCompleted(RunEvent):
    """Data of `agent_run.completed`."""

    status: Literal[AgentRunStatus.COMPLETED]
    error: None


class RunFailed(RunEvent):
    """Data of `agent_run.failed`; `error` is the reason in words."""

    status: Literal[AgentRunStatus.FAILED]
    error: str


class RunCancelled(RunEvent):
    """Data of `agent_run.cancelled`."""

    status: Literal[AgentRunStatus.CANCELLED]
    error: None


AnyRun = RunCreated | RunRunning | RunPaused | RunCompleted | RunFailed | RunCancelled
"""Data of `agent_run.*`."""
_FIELDS = tuple(RunEvent.__annotations__)


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A verified event: message id (None with a legacy signature), type, time as the sender wrote it, flat data."""

    id: str | None
    type: str
    timestamp: str | None
    data: dict[str, Any]
    run: Mapping[str, Any] | None = field(default=None, repr=False)
    """The run as the contract describes it, None for events about something else."""


def read_event(message_id: str | None, body: bytes) -> WebhookEvent:
    """Read an envelope `{"type": …, "timestamp": …, "data": {…}}`; raises WebhookError with the reason "body"."""
    try:
        document = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise refused("body", "the body is not JSON in UTF-8") from None
    fields = document if isinstance(document, dict) else {}
    values: list[Any] = [fields.get(key) for key in ("type", "timestamp", "data")]
    name, timestamp, data = values
    is_typed = isinstance(name, str) and isinstance(timestamp, str | None) and isinstance(data, dict)
    if not is_typed or not name.isprintable() or not 0 < len(name) <= 200:
        raise refused("body", 'the body is no event, such as {"type": "agent_run.created", "data": {"id": 7}}')
    if name not in RUN_EVENTS:
        return WebhookEvent(message_id, name, timestamp, data)
    expected = RUN_EVENTS[name]
    run = data if data.get("status") else {**data, "status": expected.value}
    return WebhookEvent(message_id, name, timestamp, _run_data(expected, data), run)


def _run_data(expected: AgentRunStatus, data: dict[str, Any]) -> dict[str, Any]:
    if type(data.get("id")) is not int:
        raise refused("body", "`data.id` must be the number of a run")
    # The event says which state it reports; the run may have gone on before it was sent.
    given = {**dict.fromkeys(_FIELDS), **data, "status": expected, "raw_status": data.get("status"), "error": None}
    if expected is AgentRunStatus.FAILED:
        reasons = (data.get(name) for name in ("error", "result", "summary"))
        given["error"] = next((str(reason) for reason in reasons if reason), "the service gave no reason")
    if isinstance(given["metadata"], dict):
        given["metadata"] = without_reserved(given["metadata"])
    return given
