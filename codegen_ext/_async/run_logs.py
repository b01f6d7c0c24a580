"""The log of a run, entry by entry, while it is written."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

from codegen_api import operations
from codegen_api.enums import AgentRunStatus

from .._request import Deadline
from .._response import retry_after_of
from ..errors import InvalidResponseError, WaitTimeoutError
from ..list_index import PAGE_SIZE
from ..run_watch import PATIENCE, TRANSIENT, is_settled
from .locks import sleep

if TYPE_CHECKING:
    from codegen_api.models import AgentRunLogResponse
    from codegen_api.operations import Operation
    from codegen_api.types import Response

    from .base_client import AsyncBaseClient

_FIRST_PAUSE = 1.0
"""Upper bound of the first pause between two polls, in seconds; it doubles up to the caller's interval."""


def jittered_pause(before: int, longest: float, least: float | None) -> float:
    """Return a pause with full jitter, which grows with the number of pauses before; `least` is the service's wish.

    See https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.
    """
    return max(random.random() * min(longest, _FIRST_PAUSE * 2.0 ** min(before, 32)), least or 0.0)


async def perform_patiently(
    client: AsyncBaseClient, operation: Operation[Any], arguments: dict[str, Any], longest_pause: float
) -> Response[Any]:
    """Perform an operation, again after transient failures; after an hour of them the failure is raised."""
    end, pauses = client.clock.monotonic() + PATIENCE, 0
    while True:
        try:
            return await client.perform(operation, arguments)
        except TRANSIENT as error:
            pause = jittered_pause(pauses, longest_pause, error.retry_after)
            if client.clock.monotonic() >= end:
                raise
        pauses += 1
        await sleep(client.clock, min(pause, max(0.0, end - client.clock.monotonic())))


async def stream_run_logs(
    client: AsyncBaseClient,
    org_id: int | str,
    run_id: int | str,
    *,
    follow: bool,
    poll_interval: float,
    deadline: Deadline | None = None,
) -> AsyncGenerator[AgentRunLogResponse, None]:
    """Yield each log entry of a run once, oldest first; with `follow` until the run has ended or is paused.

    The log is read once more after the end was seen, so that nothing that was written before it is missed.

    Raises:
        CodegenAPIError: when a request fails in a way that the next one would not mend; without `follow`, in any way.
        WaitTimeoutError: when the run has not ended at the deadline, or after an hour without entries in a status that
            the package does not know.

    """
    pauses, clock = 0, client.clock
    deadline = deadline or Deadline(clock, None)
    yielded, has_ended, known_at = 0, False, clock.monotonic()
    status: str | None = None
    before: list[AgentRunLogResponse] = []
    while True:
        if deadline.expired:
            raise WaitTimeoutError(f"agent run {run_id} did not end in time", run_id=int(run_id))
        arguments = {"org_id": org_id, "agent_run_id": run_id, "skip": yielded, "limit": PAGE_SIZE}
        try:
            response = await client.perform(operations.GET_AGENT_RUN_LOGS, arguments, deadline=deadline)
        except TRANSIENT as error:
            least = error.retry_after
            if not follow or clock.monotonic() - known_at >= PATIENCE:
                raise
        else:
            least, page = retry_after_of(response), response.parsed
            entries, total = page.logs, page.total_logs
            if entries and entries == before:
                if total is None or yielded < total:
                    problem = f"the log does not go on: {len(entries)} entries from {yielded} on repeat those before"
                    raise InvalidResponseError(problem, operation=operations.GET_AGENT_RUN_LOGS.id)
                entries = []
            for entry in entries:
                yield entry
            before, yielded = entries or before, yielded + len(entries)
            if total is not None and total < yielded:
                total = None  # it contradicts the entries
            if entries or isinstance(page.status, AgentRunStatus) or page.status != status:
                known_at, status = clock.monotonic(), page.status
            if entries:
                pauses = 0
            if entries and (total is None or yielded < total):
                continue
            if not follow or has_ended:
                return
            if is_settled(page.status):
                has_ended = True
                continue
            if clock.monotonic() - known_at >= PATIENCE:
                problem = f"agent run {run_id}: no known state for {PATIENCE:g} s, last state {status}"
                raise WaitTimeoutError(problem, run_id=int(run_id))
        left = known_at + PATIENCE - clock.monotonic()
        pause = jittered_pause(pauses, poll_interval, least)
        pauses += 1
        await sleep(clock, min(pause, max(left, 0.0), deadline.left()))
