"""Clients for tests: every operation answers as the contract allows or as the test says; calls are recorded."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, ClassVar, NamedTuple

from codegen_api.operations import GET_REPOSITORIES, OPERATIONS, Operation

from codegen_ext._async.client import AsyncCodegenClient
from codegen_ext._request import check_clock
from codegen_ext._sync.client import CodegenClient
from codegen_ext.clock import Clock
from codegen_ext.config import ClientConfig
from codegen_ext.errors import ConfigurationError

from .arguments import check
from .clock import FakeClock
from .sandbox.codegen import repositories
from .sandbox.handler import Handler
from .sandbox.responses import MockResponse
from .sandbox.state import Settings, State
from .sandbox.transport import SandboxTransport

MOCK_URL = "http://mock.invalid"
MOCK_TOKEN = "mock-token"  # noqa: S105 - it opens nothing
MOCK_SETTINGS: dict[str, Any] = {
    "max_retries": 0,
    "rate_limits": False,
    "enable_caching": False,
    "exactly_once": False,
    "shared_state": None,
}
"""Settings with which each call is one request, and an exception arrives as it is."""


class MockCall(NamedTuple):
    """A call that reached the service: the operation, and its arguments by their names in the contract."""

    operation: str
    arguments: dict[str, Any]


class Mocking:
    """The methods that the mock clients share; they come before those of the client."""

    _mock_service: ClassVar = "codegen"
    _mock_names: ClassVar[Mapping[str, str]] = {"get_agent_runs": "list_agent_runs"}
    """Methods that are one operation under another name."""
    _mock: Handler

    def _mock_transport(self, clock: Clock) -> SandboxTransport:
        """Return a transport that answers with the responses of this mock."""
        check_clock(clock)
        self._mock = Handler(State(Settings(accepts_any_token=True, rate_limits=False), clock))
        self.reset_mock()
        return SandboxTransport(self._mock, clock)

    @property
    def calls(self) -> list[MockCall]:
        """The calls so far, oldest first; a call that the client refused, or answered from its cache, is none."""
        records = self._mock.records
        return [MockCall(one.operation or "", one.arguments) for one in records if one.arguments is not None]

    def calls_to(self, name: str) -> list[dict[str, Any]]:
        """Return the arguments of each call of an operation; raises ConfigurationError for a name that is none."""
        operation = self._mock_operation(name).id
        return [call.arguments for call in self.calls if call.operation == operation]

    def set_mock_response(self, name: str, response: MockResponse | None) -> None:
        """Let the operation `name` answer with `response` from now on; None restores its own answer.

        Fields that the contract requires and the response lacks are filled in from the call's arguments and the
        contract; so is the status of a run.

        Args:
            name: The operation, such as "get_agent_run".
            response: A dict or a model is the answer. A list is the items of a list, on as many pages as the caller
                asks for; for an operation that answers with one object, it is one response after the other, of
                which the last one stays. An exception, or its class, is raised. A function is called with the
                arguments by name, and returns or raises one of these; for an async client it may be async.

        Raises:
            ConfigurationError: when there is no such operation.
            ValidationError: when the contract does not allow the response; what a function returns is checked when it
                is called.

        """
        self._mock.responses.set(self._mock_operation(name), response)

    def reset_mock(self) -> None:
        """Forget the calls and the responses."""
        self._mock.reset()
        self._mock.responses.set(GET_REPOSITORIES, lambda **given: repositories(given["org_id"]))

    def _mock_operation(self, name: str) -> Operation[Any]:
        known = {one.id: one for one in OPERATIONS.values() if one.service == self._mock_service}
        known |= {other: OPERATIONS[own] for other, own in self._mock_names.items()}
        if name in known:
            return known[name]
        close = get_close_matches(str(name), known, 1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(known))}"
        if hasattr(type(self), str(name)):
            hint = f"that method performs others, to which responses can be given: {', '.join(sorted(known))}"
        raise ConfigurationError(f"no operation of the contract is called {name!r}; {hint}", config_key=str(name))


class CodegenMocking(Mocking):
    """The constructor of both clients of the Codegen API."""

    def __init__(self, config: ClientConfig | None = None, *, clock: Clock | None = None) -> None:
        check(ClientConfig | None, config=config)
        clock = clock or FakeClock()
        config = ClientConfig(api_token=MOCK_TOKEN, **MOCK_SETTINGS) if config is None else copy.copy(config)
        config.api_token = config.api_token or MOCK_TOKEN
        config.base_url, config.transport = MOCK_URL, self._mock_transport(clock)
        super().__init__(config, clock=clock)  # type: ignore[call-arg] # that of the client


class MockCodegenClient(CodegenMocking, CodegenClient):
    """A `CodegenClient` without a service: every operation answers as the contract allows, and calls are recorded.

    Without `config` nothing is retried, cached or looked up; with one, its settings hold, and only the service is
    replaced. Waiting takes no time unless a `clock` is given.
    """


class AsyncMockCodegenClient(CodegenMocking, AsyncCodegenClient):
    """An `AsyncCodegenClient` without a service; see `MockCodegenClient`."""
