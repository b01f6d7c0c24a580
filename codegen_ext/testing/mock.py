"""Clients for tests: every operation answers as the contract allows or as the test says; calls are recorded."""

from __future__ import annotations

import copy
import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, ClassVar, NamedTuple

import httpx
from codegen_api.operations import CREATE_CHAT_COMPLETION, OPERATIONS, Operation

from codegen_ext import AsyncCodegenClient, CodegenClient
from codegen_ext.clock import Clock
from codegen_ext.config import ClientConfig
from codegen_ext.errors import CodegenAPIError, ConfigurationError

from .answers import Answers, events
from .clock import FakeClock
from .sandbox.contract import load_contract
from .sandbox.reading import find, read
from .sandbox.wire import InvalidError, Request

MockResponse = Mapping[str, Any] | Sequence[Any] | BaseException | type[BaseException] | Callable[..., Any]
"""What `set_mock_response` takes."""
_URL = "http://mock.invalid"
_RESERVED = "codegen_sdk"


class MockCall(NamedTuple):
    """A call that reached the service: the operation, and its arguments by their names in the contract."""

    operation: str
    arguments: dict[str, Any]


class MockTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers the requests of sync and async clients from memory; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._responses: dict[str, Any] = {}
        self._calls: list[MockCall] = []
        self._made = 0

    @property
    def calls(self) -> list[MockCall]:
        """The calls so far, oldest first."""
        with self._lock:
            return list(self._calls)

    def set(self, operation: Operation[Any], response: Any) -> None:
        """Let an operation answer with `response` from now on; raises as `Mocking.set_mock_response` does."""
        checked = _checked(Answers(operation), operation, response)
        with self._lock:
            self._responses[operation.id] = checked

    def reset(self) -> None:
        """Forget calls and responses."""
        with self._lock:
            self._responses.clear()
            self._calls.clear()
            self._made = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of a sync client."""
        call, number, outcome = self._receive(request, request.read())
        if inspect.iscoroutine(outcome):
            outcome.close()
            problem = f"the mock response of {call.operation} is an async function"
            raise ConfigurationError(f"{problem}; use the async client, such as AsyncMockCodegenClient")
        return _response(call, number, outcome)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of an async client."""
        call, number, outcome = self._receive(request, await request.aread())
        return _response(call, number, await outcome if inspect.isawaitable(outcome) else outcome)

    def _receive(self, request: httpx.Request, content: bytes) -> tuple[MockCall, int, Any]:
        """Record a request; return the call, the number of what it makes, and what it is to be answered with."""
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        match = find(path)
        operation = match.operations.get(request.method) if match else None
        if match is None or operation is None:
            call = MockCall(f"{request.method} {path}", {})
            return call, 0, httpx.Response(404, json={"message": "The contract has no such operation."})
        headers = {name.lower(): value for name, value in request.headers.items()}
        sent = Request(request.method, path, query, headers, content)
        try:
            found = read(load_contract(), operation, match.values, sent)
        except InvalidError as error:
            answer = error.answer(operation.service)
            body = answer.body if isinstance(answer.body, bytes) else b""
            return MockCall(operation.id, {}), 0, httpx.Response(answer.status, content=body, headers=answer.headers)
        given = {name: value for name, value in {**found.parameters, **found.body}.items() if value is not None}
        call = MockCall(operation.id, _without_reserved(given))
        with self._lock:
            self._calls.append(call)
            self._made += not operation.idempotent
            number = self._made if not operation.idempotent else 1
            response = self._responses.get(operation.id)
            if isinstance(response, _Successive):
                response = response.next()
        if callable(response) and _is_function(response):
            response = response(**copy.deepcopy(call.arguments))
        return call, number, response


class _Successive:
    """Responses of which each call gets the next one; the last one stays."""

    def __init__(self, responses: list[Any]) -> None:
        self._responses = responses

    def next(self) -> Any:
        return self._responses.pop(0) if len(self._responses) > 1 else self._responses[0]


class _Items(list[Any]):
    """What a list consists of, on however many pages."""


def _checked(answers: Answers, operation: Operation[Any], response: Any, *, is_nested: bool = False) -> Any:
    if response is None or _is_function(response) or _is_exception(response):
        return response
    if hasattr(response, "to_dict"):
        response = response.to_dict()
    if isinstance(response, list | tuple) and not answers.is_array and not is_nested:
        if operation.paging is not None:
            items = answers.check({operation.paging.items: list(response)})[operation.paging.items]
            return _Items(items)
        if not response:
            raise ConfigurationError(f"the list of mock responses of {operation.id} is empty", config_key=operation.id)
        return _Successive([_checked(answers, operation, item, is_nested=True) for item in response])
    return answers.check(dict(response) if isinstance(response, Mapping) else response)


def _response(call: MockCall, number: int, outcome: Any) -> httpx.Response:
    if isinstance(outcome, httpx.Response):
        return outcome
    if _is_exception(outcome):
        # The errors of this package cannot be made without a message.
        is_bare = isinstance(outcome, type) and issubclass(outcome, CodegenAPIError)
        raise outcome(f"mock response of {call.operation}") if is_bare else outcome
    operation = OPERATIONS[call.operation]
    answers = Answers(operation)
    if not isinstance(outcome, _Items):
        outcome = _checked(answers, operation, outcome)
    if isinstance(outcome, _Successive):
        outcome = outcome.next()
    if outcome is None:
        body = answers.default(call.arguments, number)
    elif isinstance(outcome, _Items):
        body = answers.page(list(outcome), call.arguments, number)
    else:
        body = answers.complete(outcome, call.arguments, number)
    if operation is CREATE_CHAT_COMPLETION and call.arguments.get("stream"):
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=b"".join(events(body)))
    return httpx.Response(200, json=body)


def _is_exception(response: object) -> bool:
    return isinstance(response, BaseException) or (isinstance(response, type) and issubclass(response, BaseException))


def _is_function(response: object) -> bool:
    return callable(response) and not isinstance(response, type)


def _without_reserved(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return arguments without what the client keeps in the metadata for itself."""
    metadata = arguments.get("metadata")
    if not isinstance(metadata, dict) or _RESERVED not in metadata:
        return arguments
    kept = {name: value for name, value in metadata.items() if name != _RESERVED}
    others = {name: value for name, value in arguments.items() if name != "metadata"}
    return {**others, "metadata": kept} if kept else others


class Mocking:
    """What the mock clients share."""

    _other_names: ClassVar[Mapping[str, str]] = {"get_agent_runs": "list_agent_runs"}
    """Methods that are one operation under another name."""

    def _mocked(self, config: ClientConfig | None, clock: Clock | None) -> dict[str, Any]:
        """Return the arguments of a client."""
        self._mock = MockTransport()
        return {"config": _settings(config, self._mock), "clock": clock or FakeClock()}

    @property
    def calls(self) -> list[MockCall]:
        """The calls so far, oldest first; a call that the client refused, or answered from its cache, is none."""
        return self._mock.calls

    def calls_to(self, name: str) -> list[dict[str, Any]]:
        """Return the arguments of each call of an operation; raises ConfigurationError for a name that is none."""
        operation = self._operation(name).id
        return [call.arguments for call in self._mock.calls if call.operation == operation]

    def set_mock_response(self, name: str, response: MockResponse | None) -> None:
        """Let the operation `name` answer with `response` from now on; None is the answer of its own again.

        Fields that the contract requires and the response lacks are filled in from the call's arguments and the
        contract; so is the status of a run.

        Args:
            name: The operation, such as "get_agent_run".
            response: A dict or a model is the answer. A list is what a list consists of, on as many pages as the
                caller asks for; for an operation that answers with one object, it is one response after the other, of
                which the last one stays. An exception, or its class, is raised. A function is called with the
                arguments by name, and returns or raises one of these; for an async client it may be async.

        Raises:
            ConfigurationError: when there is no such operation.
            ValidationError: when the contract does not allow the response; what a function returns is checked when it
                is called.

        """
        self._mock.set(self._operation(name), response)

    def reset_mock(self) -> None:
        """Forget the calls and the responses."""
        self._mock.reset()

    def _operation(self, name: str) -> Operation[Any]:
        known = {one.id: one for one in OPERATIONS.values() if one.service == self._service}
        known |= {other: OPERATIONS[own] for other, own in self._other_names.items()}
        if name in known:
            return known[name]
        close = get_close_matches(str(name), known, 1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(known))}"
        if hasattr(type(self), str(name)):
            hint = f"that method performs others, to which responses can be given: {', '.join(sorted(known))}"
        raise ConfigurationError(f"no operation of the contract is called {name!r}; {hint}", config_key=str(name))


def _settings(config: ClientConfig | None, transport: MockTransport) -> ClientConfig:
    if config is None:
        config = ClientConfig(
            api_token="mock-token",  # noqa: S106 - it opens nothing
            max_retries=0,
            rate_limits=False,
            enable_caching=False,
            exactly_once=False,
            shared_state=None,
        )
    config = copy.copy(config)
    config.api_token = config.api_token or "mock-token"
    config.base_url, config.transport = _URL, transport
    return config


class MockCodegenClient(Mocking, CodegenClient):
    """A `CodegenClient` without a service: every operation answers as the contract allows, and calls are recorded.

    Without `config` nothing is retried, cached or looked up; with one, its settings hold, and only the service is
    replaced. Waiting takes no time unless a `clock` is given.
    """

    def __init__(self, config: ClientConfig | None = None, *, clock: Clock | None = None) -> None:
        super().__init__(**self._mocked(config, clock))


class AsyncMockCodegenClient(Mocking, AsyncCodegenClient):
    """An `AsyncCodegenClient` without a service; see `MockCodegenClient`."""

    def __init__(self, config: ClientConfig | None = None, *, clock: Clock | None = None) -> None:
        super().__init__(**self._mocked(config, clock))
