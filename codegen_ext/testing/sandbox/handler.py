"""Answers requests, independent of sockets: a request goes in, and the effects that answer it come out."""

import inspect
import math
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from email.utils import formatdate
from itertools import chain
from typing import Any

from codegen_api.operations import CREATE_CHAT_COMPLETION, OPERATIONS, Operation

from .chat import stream_events
from .faults import Faults
from .messages import ApiError, Effect, Head, Json, Request, Resolve, json_answer
from .responses import Responses, body
from .routing import Call, Route, find_route, read_arguments
from .state import State

_STREAM_HEADERS = {"content-type": "text/event-stream", "cache-control": "no-cache"}


@dataclass(slots=True)
class RequestRecord:
    """A request that was received."""

    method: str
    path: str
    query: str
    operation: str | None
    """The operation's id; None where the contract has none."""
    at: float
    """When it came, in seconds of the clock after the sandbox was made."""
    status: int | None = None
    """None until the head of the answer is sent, and for ever where the connection was reset before."""
    arguments: Json | None = None
    """The arguments by their names in the contract; None for a request that was refused before they were read."""


class Handler:
    """Answers with the response that a test has set, else by a stateful operation, else with an example.

    May be used from several threads.
    """

    def __init__(self, state: State, *services: object) -> None:
        """Make a handler whose stateful operations are the methods of `services` with the names of operations."""
        self.responses = Responses()
        self.faults = Faults(state.settings.seed)
        self._state = state
        self._operations: dict[str, Callable[[Call], Json]] = {
            name: getattr(service, name) for name in OPERATIONS for service in services if hasattr(service, name)
        }
        self._records: list[RequestRecord] = []
        self._admitted: dict[Hashable, deque[float]] = {}
        """The times of the requests that count against a limit."""
        self._created = 0

    @property
    def records(self) -> list[RequestRecord]:
        """The requests so far, in the order in which they came."""
        with self._state.lock:
            return list(self._records)

    def reset(self) -> None:
        """Forget requests and responses."""
        self.responses.clear()
        with self._state.lock:
            self._records.clear()
            self._created = 0

    def handle(self, request: Request) -> Iterator[Effect]:
        """Yield the effects that answer a request, which is processed as they are asked for."""
        route = find_route(request.path)
        operation = route.operations.get(request.method) if route else None
        at = self._state.real(self._state.now())
        record = RequestRecord(request.method, request.path, request.query, operation.id if operation else None, at)
        with self._state.lock:
            self._records.append(record)
            request_id = f"sandbox-{self._state.settings.seed}-{len(self._records)}"
        effects = self._process(request, route, operation, record)
        for fault in reversed(self.faults.draw(record.operation)):
            effects = fault.apply(effects)
        for effect in effects:
            if isinstance(effect, Head):
                record.status = effect.status
                date = formatdate(self._state.epoch(self._state.now()), usegmt=True)
                yield Head(effect.status, {"date": date, **effect.headers, "x-request-id": request_id})
            else:
                yield effect

    def _process(
        self, request: Request, route: Route | None, operation: Operation[Any] | None, record: RequestRecord
    ) -> Iterator[Effect]:
        try:
            call = self._admit(request, route, operation)
            record.arguments = call.given
            response = self.responses.next(call)
            if inspect.isawaitable(response):
                pending = Resolve(response)
                yield pending
                response = pending.result
            answer = self._answer(call, response)
        except ApiError as error:
            service = operation.service if operation else ""
            answer = error.answers.get(service, error.answers[""])
        yield from answer

    def _admit(self, request: Request, route: Route | None, operation: Operation[Any] | None) -> Call:
        """Return the call that a request is; raise ApiError for one that is refused."""
        if route is None:
            raise ApiError(404, "Not Found")
        if operation is None:
            raise ApiError(405, "Method Not Allowed", allow=", ".join(sorted(route.operations)))
        settings = self._state.settings
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        token = token.strip()
        is_known = settings.accepts_any_token or token in (settings.token, settings.member_api_key)
        if scheme.lower() != "bearer" or not token or not is_known:
            raise ApiError(401, "Missing or invalid API token.", www_authenticate="Bearer")
        if settings.rate_limits:
            self._limit(operation, token)
        arguments = read_arguments(operation, route.values, request)
        return Call(operation, arguments, token == settings.member_api_key)

    def _limit(self, operation: Operation[Any], token: str) -> None:
        limit = operation.rate_limit
        # The services are two hosts, and each counts for itself.
        key = (token, operation.service, limit.group)
        with self._state.lock:
            now, admitted = self._state.now(), self._admitted.setdefault(key, deque())
            while admitted and admitted[0] + limit.seconds <= now:
                admitted.popleft()
            if len(admitted) < limit.requests:
                admitted.append(now)
                return
            seconds = math.ceil(self._state.real(admitted[0] + limit.seconds - now))
        message = f"Rate limit exceeded: {limit.requests} per {limit.seconds:g} s."
        raise ApiError(429, message, retry_after=str(seconds))

    def _answer(self, call: Call, response: Any) -> Iterable[Effect]:
        operation = call.operation
        stateful = self._operations.get(operation.id) if response is None else None
        with self._state.lock:
            self._created += not operation.idempotent
            number = 1 if operation.idempotent else self._created
            if self._operations and "org_id" in call.arguments:
                self._check_access(call.arguments["org_id"])
            content = stateful(call) if stateful else body(call, response, number)
            if operation is CREATE_CHAT_COMPLETION and call.arguments["stream"]:
                return chain([Head(200, _STREAM_HEADERS)], stream_events(content))
            return json_answer(content)

    def _check_access(self, organization_id: int) -> None:
        own = self._state.settings.org_id
        if organization_id == own + 1:
            raise ApiError(403, "You do not have access to this organization.")
        if organization_id != own:
            raise ApiError(404, "Organization not found.")
