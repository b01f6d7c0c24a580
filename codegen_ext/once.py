"""Creating a run once: an attempt whose outcome is unknown is looked for before it is repeated.

The API has no idempotency key, but a run keeps its metadata and the list shows it. So a create carries a request id
under the reserved metadata key, and an attempt that may have reached the service is decided by the newest runs.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from codegen_api import operations
from codegen_api.codec import parse_timestamp
from codegen_api.options import NO_OPTIONS, RequestOptions
from codegen_api.reserved import RESERVED_METADATA, only_reserved, with_reserved, without_reserved
from codegen_api.types import Response

from .clock import Stopped
from .errors import (
    AmbiguousRequestError,
    CodegenAPIError,
    InvalidResponseError,
    NetworkError,
    RateLimitError,
    ServerError,
    TimeoutError,
    ValidationError,
)
from .flow import Flow, Perform, Sleep
from .paging import PAGE_SIZE
from .transport.retry import never_arrived

if TYPE_CHECKING:
    from codegen_api.models import AgentRunResponse, AgentRunsResponse
    from codegen_api.operations import Operation

    from .clock import Clock

REQUEST_ID = "request_id"
"""The key of a request id within the reserved metadata."""
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 5.0
LOOK_BACK = 60.0
"""Seconds before the first attempt at which a search through older runs ends."""
_PASSING = (NetworkError, RateLimitError, ServerError, TimeoutError, InvalidResponseError)


def new_request_id(clock: Clock) -> str:
    """Return an id that nobody else makes; it begins with the time, so that a later search knows where to end."""
    return f"{int(clock.time() * 1000):012x}{os.urandom(10).hex()}"


def made_at(request_id: str) -> float | None:
    """Return the epoch second at which `new_request_id` made an id, None for an id of another form."""
    try:
        return int(request_id[:12], 16) / 1000 if len(request_id) == 32 else None
    except ValueError:
        return None


def is_ambiguous(error: CodegenAPIError) -> bool:
    """Whether the service may have done what was asked although the call failed."""
    if isinstance(error, NetworkError | TimeoutError):
        return not never_arrived(error.__cause__)
    return isinstance(error, ServerError | InvalidResponseError)


class Settings(NamedTuple):
    """What deciding an attempt depends on; `budget` and `settle` are seconds.

    After `settle` seconds of lists without the run an attempt counts as never having happened: it is the most that
    listing and late processing are assumed to lag.
    """

    clock: Clock
    budget: float
    settle: float
    draw: Callable[[], float] = random.random


def create(
    arguments: dict[str, Any], settings: Settings, options: RequestOptions = NO_OPTIONS
) -> Flow[Any, Response[AgentRunResponse]]:
    """Create one run; a request id in the metadata is kept, otherwise one is made.

    Raises:
        AmbiguousRequestError: with the request id, when the budget ends before the outcome is known.
        CodegenAPIError: when the service refuses, or cannot be reached at all.

    """
    clock = settings.clock
    start = clock.monotonic()
    request_id, arguments = _with_request_id(arguments, clock)
    doubt: CodegenAPIError | None = None
    while True:
        left = _left(start, settings)
        if doubt is not None and left <= 0:
            raise _undecided(request_id, doubt) from doubt
        try:
            response: Response[AgentRunResponse] = yield Perform(
                operations.CREATE_AGENT_RUN, arguments, left, options._replace(timeout=None)
            )
        except CodegenAPIError as error:
            if not is_ambiguous(error):
                raise
            doubt = error
        else:
            return response
        found = yield from _decide(arguments["org_id"], request_id, LOOK_BACK, start, settings, doubt)
        if found is not None:
            return found


def _left(start: float, settings: Settings) -> float:
    return start + settings.budget - settings.clock.monotonic()


def _decide(
    org_id: int | str,
    request_id: str,
    age: float | None,
    start: float,
    settings: Settings,
    doubt: CodegenAPIError,
) -> Flow[Any, Response[AgentRunResponse] | None]:
    """Look for a run until it is found, or until it is settled that there is none.

    It is at most `age` seconds older than the start.
    """
    clock, pause, since = settings.clock, FIRST_PAUSE, settings.clock.monotonic()
    while True:
        asked = clock.monotonic()
        try:
            oldest = None if age is None else age + asked - start
            found = yield from _search(org_id, request_id, oldest, start, settings)
        except _PASSING:
            pass
        except (CodegenAPIError, Stopped) as error:
            raise _undecided(request_id, doubt) from error
        else:
            if found is not None or asked - since >= settings.settle:
                return found
        wait = pause * (0.5 + settings.draw() / 2)
        if _left(start, settings) <= wait:
            raise _undecided(request_id, doubt) from doubt
        try:
            yield Sleep(wait)
        except Stopped as error:
            raise _undecided(request_id, doubt) from error
        pause = min(pause * 2, LONGEST_PAUSE)


def find(org_id: int | str, request_id: str, settings: Settings) -> Flow[Any, Response[AgentRunResponse] | None]:
    """Look once for the run that carries a request id; None when the organisation's runs do not show it.

    The search ends at runs that are an hour older than the id; for an id of another form it goes through all.

    Raises:
        ValidationError: when the id is not text; errors of operations that carry no metadata have none.

    """
    if not isinstance(request_id, str) or not request_id:
        problem = f"expected the request_id of an AmbiguousRequestError, got {request_id!r}"
        operation = operations.LIST_AGENT_RUNS.id
        raise ValidationError(f"request_id: {problem}", operation=operation, field_errors={"request_id": [problem]})
    return (yield from _search(org_id, request_id, _age_of(request_id, settings), settings.clock.monotonic(), settings))


def recover(org_id: int | str, request_id: str, settings: Settings) -> Flow[Any, Response[AgentRunResponse] | None]:
    """Decide what became of a create that somebody else sent, perhaps a moment ago; None when there is no such run.

    Raises:
        AmbiguousRequestError: when the budget ends before it is settled.
        CodegenAPIError: when the runs cannot be read.

    """
    doubt = CodegenAPIError("whoever sent the create has ended", operation=operations.CREATE_AGENT_RUN.id)
    age = _age_of(request_id, settings)
    return (yield from _decide(org_id, request_id, age, settings.clock.monotonic(), settings, doubt))


def _age_of(request_id: str, settings: Settings) -> float | None:
    moment = made_at(request_id)
    return None if moment is None else max(0.0, settings.clock.time() - moment) + 3600


def _search(
    org_id: int | str, request_id: str, age: float | None, start: float, settings: Settings
) -> Flow[Any, Response[AgentRunResponse] | None]:
    """Read the newest runs until the one with the request id, or until they are older than `age` seconds at the start.

    Ages are measured on the service's clock: from the `Date` of its answer.
    """
    operation, skip, begun = operations.LIST_AGENT_RUNS, 0, settings.clock.monotonic()
    while True:
        left = _left(start, settings)
        if left <= 0:
            raise TimeoutError("the search took too long", settings.budget, operation=operation.id)
        page = {"org_id": org_id, "skip": skip, "limit": PAGE_SIZE}
        response: Response[AgentRunsResponse] = yield Perform(operation, page, left)
        for run in response.parsed.items:
            if (run.reserved_metadata or {}).get(REQUEST_ID) == request_id:
                return Response(response.status_code, response.content, response.headers, run)
        skip += len(response.parsed.items)
        if skip >= response.parsed.total or not response.parsed.items:
            return None
        # The runs grow older while the pages are read.
        if age is not None and _age(response.parsed.items[-1], response) > age + settings.clock.monotonic() - begun:
            return None


def _age(run: AgentRunResponse, response: Response[Any]) -> float:
    try:
        now = parsedate_to_datetime(response.headers["date"])
        return (now - parse_timestamp(run.created_at or "")).total_seconds()
    except (KeyError, TypeError, ValueError, OverflowError):
        return 0.0


def _with_request_id(arguments: dict[str, Any], clock: Clock) -> tuple[str, dict[str, Any]]:
    metadata = arguments.get("metadata")
    if metadata is not None and not isinstance(metadata, Mapping):
        raise refused("metadata", f"expected an object, got {type(metadata).__name__}")
    metadata = None if metadata is None else dict(metadata)
    reserved = only_reserved(metadata) or {}
    if metadata and not isinstance(metadata.get(RESERVED_METADATA, reserved), dict):
        raise refused("metadata", f"the key {RESERVED_METADATA} is reserved")
    request_id = reserved.get(REQUEST_ID) or new_request_id(clock)
    if not isinstance(request_id, str):
        raise refused("metadata", f"{RESERVED_METADATA}.{REQUEST_ID} must be text")
    whole = with_reserved(without_reserved(metadata), {**reserved, REQUEST_ID: request_id})
    return request_id, {**arguments, "metadata": whole}


def refused(field: str, problem: str) -> ValidationError:
    """Return the error for an argument of a create that cannot be sent."""
    return ValidationError(
        f"{field}: {problem}", operation=operations.CREATE_AGENT_RUN.id, field_errors={field: [problem]}
    )


def _undecided(request_id: str, doubt: CodegenAPIError) -> AmbiguousRequestError:
    return AmbiguousRequestError(
        f"it is unknown whether the run was created ({doubt.message}); find_agent_run with this request id tells later",
        operation=operations.CREATE_AGENT_RUN.id,
        request_id=request_id,
    )


def attempt(
    operation: Operation[Any],
    arguments: dict[str, Any],
    settings: Settings,
    options: RequestOptions = NO_OPTIONS,
) -> Flow[Any, Response[Any]]:
    """Perform an operation that leaves no mark to find it by; what it may have done is for the caller to judge.

    Raises:
        AmbiguousRequestError: with the runs that it may have started or changed, when the outcome is unknown.
        CodegenAPIError: when the service refuses, or cannot be reached at all.

    """
    start = settings.clock.monotonic()
    try:
        response: Response[Any] = yield Perform(operation, arguments, settings.budget, options._replace(timeout=None))
    except CodegenAPIError as error:
        if not is_ambiguous(error):
            raise
        doubt = error
    else:
        return response
    candidates = yield from _candidates(arguments, start, settings)
    shown = ", ".join(str(run.id) for run in candidates) or "none that is known"
    raise AmbiguousRequestError(
        f"it is unknown whether this took effect ({doubt.message}); candidate runs: {shown}",
        operation=operation.id,
        candidates=candidates,
    ) from doubt


def _candidates(arguments: dict[str, Any], start: float, settings: Settings) -> Flow[Any, list[AgentRunResponse]]:
    """Return the run that was named, or else the runs that began since the attempt, as far as they can be read."""
    org_id, left = arguments["org_id"], max(_left(start, settings), 1.0)
    try:
        if arguments.get("agent_run_id") is not None:
            ids = {"org_id": org_id, "agent_run_id": arguments["agent_run_id"]}
            return [(yield Perform(operations.GET_AGENT_RUN, ids, left)).parsed]
        response = yield Perform(operations.LIST_AGENT_RUNS, {"org_id": org_id, "limit": PAGE_SIZE}, left)
    except CodegenAPIError:
        return []
    age = settings.clock.monotonic() - start + 2
    return [run for run in response.parsed.items if _age(run, response) <= age]
