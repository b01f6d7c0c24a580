# Generated from codegen_ext/_async/create_once.py by make generate; edit there.
"""Create a run once: an attempt whose outcome is unknown is looked for before the request is sent again.

The API has no idempotency key, but a run keeps its metadata and the list shows it. So a create carries a request id
under the reserved metadata key, and an attempt that may have reached the service is decided by the newest runs.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from codegen_api import operations
from codegen_api.codec import parse_timestamp
from codegen_api.options import NO_OPTIONS, RequestOptions
from codegen_api.types import Response

from .._request import Deadline
from ..clock import Cancelled
from ..errors import (
    AmbiguousRequestError,
    CodegenAPIError,
    InvalidResponseError,
    NetworkError,
    RateLimitError,
    ServerError,
    TimeoutError,
    invalid_argument,
)
from ..list_index import PAGE_SIZE
from ..redact import shown
from ..request_ids import REQUEST_ID, made_at, with_request_id
from ..retry import is_ambiguous
from .locks import sleep
from .pagination import identity

if TYPE_CHECKING:
    from codegen_api.models import AgentRunResponse, AgentRunsResponse
    from codegen_api.operations import Operation

    from .base_client import BaseClient
    from .locks import Event

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 5.0
_LOOK_BACK = 60.0
"""Seconds before the first attempt at which a search through older runs ends."""
_LOOK_BACK_LATER = 3600.0
"""The same for a search that begins with nothing but the id, whose time another machine's clock told."""
_TRANSIENT = (NetworkError, RateLimitError, ServerError, TimeoutError, InvalidResponseError)


def create(
    client: BaseClient,
    arguments: Mapping[str, Any],
    options: RequestOptions = NO_OPTIONS,
    cancel: Event | None = None,
) -> Response[AgentRunResponse]:
    """Create one run; a request id in the metadata is kept, otherwise one is made.

    An interruption, such as Ctrl-C or the cancellation of a task, carries the request id in a note.

    Raises:
        AmbiguousRequestError: with the request id, when the deadline comes before the outcome is known.
        CodegenAPIError: when the service refuses, or cannot be reached at all.

    """
    request_id, arguments = with_request_id(arguments, client.clock)
    org_id, now, deadline = arguments.get("org_id"), client.clock.monotonic(), client.deadline()
    search = _Search(client, org_id, request_id, deadline, cancel, RequestOptions(options.timeout), now, _LOOK_BACK)
    try:
        while True:
            try:
                return client.perform(operations.CREATE_AGENT_RUN, arguments, options, deadline=deadline, cancel=cancel)
            except CodegenAPIError as error:
                if not is_ambiguous(error):
                    raise
                doubt = error
            found = search.decide(doubt)
            if found is not None:
                return found
            if deadline.expired:
                raise _undecided(request_id, doubt) from doubt
    except BaseException as error:
        if not isinstance(error, Exception):
            error.add_note(f"the run may have been created; find_agent_run with request_id {request_id!r} tells")
        raise


def find(client: BaseClient, org_id: int | str, request_id: str) -> Response[AgentRunResponse] | None:
    """Look once for the run that carries a request id; None when the organization's runs do not show it.

    The search ends at runs that are an hour older than the id; for an id of another form it goes through all.

    Raises:
        ValidationError: when the id is no string, or blank; errors of operations that carry no metadata have none.

    """
    if not isinstance(request_id, str) or not request_id.strip():
        problem = f"expected the request_id of an AmbiguousRequestError, got {shown(request_id)}"
        raise invalid_argument("request_id", problem, operation=operations.LIST_AGENT_RUNS.id)
    found, _ = _search_for(client, org_id, request_id).look()
    return found


def recover(
    client: BaseClient, org_id: int | str, request_id: str, cancel: Event | None = None
) -> Response[AgentRunResponse] | None:
    """Decide what became of a create that another process sent, perhaps a moment ago; None when there is no such run.

    Raises:
        AmbiguousRequestError: when the deadline comes before it is decided.
        CodegenAPIError: when the runs cannot be read.

    """
    doubt = CodegenAPIError("the process that sent it has ended", operation=operations.CREATE_AGENT_RUN.id)
    return _search_for(client, org_id, request_id, cancel).decide(doubt)


def _search_for(client: BaseClient, org_id: int | str, request_id: str, cancel: Event | None = None) -> _Search:
    """Return the search for a create of another process, whose time the id tells."""
    search, moment = _Search(client, org_id, request_id, client.deadline(), cancel), made_at(request_id)
    if moment is None:
        return search
    sent_at = client.clock.monotonic() - max(0.0, client.clock.time() - moment)
    return search._replace(sent_at=sent_at, look_back=_LOOK_BACK_LATER)


class _Search(NamedTuple):
    """Search for the run with a request id in the newest runs of an organization.

    `sent_at` is the monotonic second of the first attempt, None where it is not known; runs that are `look_back`
    seconds older than it are not read.
    """

    client: BaseClient
    org_id: Any
    request_id: str
    deadline: Deadline
    cancel: Event | None
    options: RequestOptions = NO_OPTIONS
    sent_at: float | None = None
    look_back: float = 0.0

    def decide(self, doubt: CodegenAPIError) -> Response[AgentRunResponse] | None:
        """Look until the run is found, or None when lists have not shown it for as long as they may lag."""
        clock, pause, since = self.client.clock, FIRST_PAUSE, self.client.clock.monotonic()
        while True:
            asked = clock.monotonic()
            try:
                found, is_conclusive = self.look()
            except _TRANSIENT:
                pass
            except (CodegenAPIError, Cancelled) as error:
                raise _undecided(self.request_id, doubt) from error
            else:
                if found is not None or (is_conclusive and asked - since >= self.client.config.create_settle_seconds):
                    return found
            wait = pause * (0.5 + random.random() / 2)
            if self.deadline.left() <= wait:
                raise _undecided(self.request_id, doubt) from doubt
            try:
                sleep(clock, wait, self.cancel)
            except Cancelled as error:
                raise _undecided(self.request_id, doubt) from error
            pause = min(pause * 2, LONGEST_PAUSE)

    def look(self) -> tuple[Response[AgentRunResponse] | None, bool]:
        """Read the newest runs once; return the run with the id, and whether its absence means anything.

        It means nothing when the runs do not descend, of which later pages may repeat or leave out any, and when runs
        that are younger than the attempt are shown, none with a request id: then the list hides metadata.
        """
        operation, clock = operations.LIST_AGENT_RUNS, self.client.clock
        seen: set[int | str | None] = set()
        skip, last = 0, (math.inf, math.inf)
        descends, shows_younger, shows_ids = True, False, False
        while True:
            if self.deadline.expired:
                raise TimeoutError("the search took too long", None, operation=operation.id)
            part = {"org_id": self.org_id, "skip": skip, "limit": PAGE_SIZE}
            response: Response[AgentRunsResponse] = self.client.perform(
                operation, part, self.options, deadline=self.deadline, cancel=self.cancel, refresh=True
            )
            runs, total = list(response.parsed.items), response.parsed.total
            if type(total) is not int:
                problem = f"total: expected a whole number, got {shown(total)}"
                raise InvalidResponseError(f"the response does not fit the contract: {problem}", operation=operation.id)
            since = None if self.sent_at is None else clock.monotonic() - self.sent_at
            for run in runs:
                mark = (run.reserved_metadata or {}).get(REQUEST_ID)
                if mark == self.request_id:
                    return Response(response.status_code, response.content, response.headers, run), True
                shows_ids = shows_ids or mark is not None
                shows_younger = shows_younger or (since is not None and _age(run, response) <= since)
            ranks = [_rank(run) for run in runs]
            descends = descends and all(
                _is_above(one, other) or identity(run) in seen
                for one, other, run in zip([last, *ranks], ranks, runs, strict=False)
            )
            new = {identity(run) for run in runs} - seen
            seen |= new
            last = ranks[-1] if ranks else last
            skip += len(runs)
            is_whole = skip >= total or not runs
            is_old = since is not None and bool(runs) and _age(runs[-1], response) > since + self.look_back
            if is_whole or not new or (descends and is_old):
                in_order = descends or (is_whole and skip == len(runs))
                return None, in_order and (bool(new) or is_whole) and (shows_ids or not shows_younger)


def _rank(run: AgentRunResponse) -> tuple[float, float]:
    """Return the time and the number by which a run stands in a list of the newest runs first."""
    number = identity(run)
    try:
        created = parse_timestamp(run.created_at or "").timestamp()
    except (TypeError, ValueError, OverflowError, AttributeError):
        created = math.nan
    return created, number if isinstance(number, int) else math.nan


def _is_above(rank: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether a run stands before another, as far as their times and numbers tell."""
    if rank[0] != other[0] and not math.isnan(rank[0] + other[0]):
        return rank[0] > other[0]
    return not rank[1] < other[1]


def _age(run: AgentRunResponse, response: Response[Any]) -> float:
    """Return the seconds since a run was created, on the service's clock; 0.0 where it does not tell."""
    try:
        now = parsedate_to_datetime(response.headers["date"])
        return (now - parse_timestamp(run.created_at or "")).total_seconds()
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
        return 0.0


def _undecided(request_id: str, doubt: CodegenAPIError) -> AmbiguousRequestError:
    return AmbiguousRequestError(
        f"it is unknown whether the run was created ({doubt.message}); find_agent_run with this request id tells later",
        operation=operations.CREATE_AGENT_RUN.id,
        request_id=request_id,
    )


def attempt(
    client: BaseClient,
    operation: Operation[Any],
    arguments: Mapping[str, Any],
    options: RequestOptions = NO_OPTIONS,
) -> Response[Any]:
    """Perform an operation that leaves no mark to find it by; what it may have done is for the caller to judge.

    Raises:
        AmbiguousRequestError: with the runs that it may have started or changed, when the outcome is unknown.
        CodegenAPIError: when the service refuses, or cannot be reached at all.

    """
    start, deadline = client.clock.monotonic(), client.deadline()
    try:
        return client.perform(operation, arguments, options, deadline=deadline)
    except CodegenAPIError as error:
        if not is_ambiguous(error):
            raise
        doubt = error
    candidates = _candidates(client, arguments, start, deadline)
    shown = ", ".join(str(run.id) for run in candidates) or "none that is known"
    raise AmbiguousRequestError(
        f"it is unknown whether this took effect ({doubt.message}); candidate runs: {shown}",
        operation=operation.id,
        candidates=candidates,
    ) from doubt


def _candidates(
    client: BaseClient, arguments: Mapping[str, Any], start: float, deadline: Deadline
) -> Sequence[AgentRunResponse]:
    """Return the run that was named, or else the runs that began since the attempt, as far as they can be read."""
    deadline = Deadline.after(client.clock, max(deadline.left(), 1.0))
    org_id, run_id = arguments["org_id"], arguments.get("agent_run_id")
    try:
        if run_id is not None:
            ids = {"org_id": org_id, "agent_run_id": run_id}
            return [(client.perform(operations.GET_AGENT_RUN, ids, deadline=deadline)).parsed]
        page = {"org_id": org_id, "limit": PAGE_SIZE}
        response = client.perform(operations.LIST_AGENT_RUNS, page, deadline=deadline)
    except CodegenAPIError:
        return []
    age = client.clock.monotonic() - start + 2
    return [run for run in response.parsed.items if _age(run, response) <= age]
