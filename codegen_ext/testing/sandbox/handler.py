"""The sandbox without a transport: a request goes in, and what to do with the connection comes out."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from email.utils import formatdate
from functools import partial
from typing import Any

from codegen_api.operations import OPERATIONS, Operation

from .agents import Agents
from .chat import Chat
from .contract import load_contract
from .directory import Directory
from .faults import Faults, Flow
from .limits import SlidingWindows
from .reading import Call, Match, find, read
from .wire import Answer, ApiError, Effect, Head, InvalidError, Request, json_answer
from .world import World


@dataclass(slots=True)
class RequestRecord:
    """A request that the sandbox received."""

    method: str
    path: str
    query: str
    operation: str | None
    """The operation's id; None where the contract has none."""
    at: float
    """When it came, in seconds of the clock after the sandbox was made."""
    status: int | None = None
    """None until the answer's head is sent, and for ever where the connection was reset before."""


class Handler:
    """Answers requests; safe to use from several threads."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self._faults = faults
        self._windows = SlidingWindows()
        self._records: list[RequestRecord] = []
        services = (Agents(world), Directory(world), Chat(world.settings, world.timeline))
        self.serving: dict[str, Callable[[Call], object]] = {
            name: getattr(service, name) for name in OPERATIONS for service in services if hasattr(service, name)
        }

    @property
    def records(self) -> list[RequestRecord]:
        """The requests so far, in the order in which they came."""
        with self._world.lock:
            return list(self._records)

    def handle(self, request: Request) -> Iterator[Effect]:
        """Yield what is to be done about a request, which is processed as the effects are asked for."""
        match = find(request.path)
        operation = match.operations.get(request.method) if match else None
        timeline = self._world.timeline
        at = timeline.real(timeline.now())
        record = RequestRecord(request.method, request.path, request.query, operation.id if operation else None, at)
        with self._world.lock:
            self._records.append(record)
            request_id = f"sandbox-{self._world.settings.seed}-{len(self._records)}"
        flow: Flow = partial(self._process, request, match, operation)
        for fault in reversed(self._faults.draw(record.operation)):
            flow = partial(fault.apply, flow)
        for effect in flow():
            if isinstance(effect, Head):
                record.status = effect.status
                date = formatdate(timeline.epoch(timeline.now()), usegmt=True)
                yield Head(effect.status, {"date": date, **effect.headers, "x-request-id": request_id})
            else:
                yield effect

    def _process(self, request: Request, match: Match | None, operation: Operation[Any] | None) -> Iterator[Effect]:
        with self._world.lock:
            try:
                answer = self._answer(request, match, operation)
            except ApiError as error:
                answer = error.answer
            except InvalidError as error:
                answer = error.answer(operation.service if operation else "")
        yield from answer.effects()

    def _answer(self, request: Request, match: Match | None, operation: Operation[Any] | None) -> Answer:
        if match is None:
            raise ApiError(404, "Not Found")
        if operation is None:
            raise ApiError(405, "Method Not Allowed", allow=", ".join(sorted(match.operations)))
        token = self._authenticate(request)
        self._limit(operation, token)
        call = read(load_contract(), operation, match.values, request)
        call = replace(call, is_member=token == self._world.settings.member_token)
        if "org_id" in call.parameters:
            self._world.check_access(call.parameters["org_id"])
        if operation.id not in self.serving:
            raise ApiError(501, f"The sandbox does not serve {operation.id}.")
        answer = self.serving[operation.id](call)
        return answer if isinstance(answer, Answer) else json_answer(answer)

    def _authenticate(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        accepted = self._world.settings.token
        token = token.strip()
        if (
            scheme.lower() != "bearer"
            or not token
            or (accepted is not None and token not in (accepted, self._world.settings.member_token))
        ):
            raise ApiError(401, "Missing or invalid API token.", www_authenticate="Bearer")
        return token

    def _limit(self, operation: Operation[Any], token: str) -> None:
        limit = operation.rate_limit
        if not self._world.settings.rate_limits:
            return
        # The services are two hosts, and each counts for itself.
        key = (token, operation.service, limit.group)
        wait = self._windows.admit(key, limit.requests, limit.seconds, self._world.timeline.now())
        if wait:
            seconds = math.ceil(self._world.timeline.real(wait))
            raise ApiError(
                429, f"Rate limit exceeded: {limit.requests} per {limit.seconds:g} s.", retry_after=str(seconds)
            )
