"""The client's retry policy as a decorator for users' own functions."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from codegen_ext import (
    AmbiguousRequestError,
    CodegenAPIError,
    ConfigurationError,
    NetworkError,
    NotFoundError,
    RateLimitError,
    ServerError,
    WaitTimeoutError,
    retry_on_error,
)
from codegen_ext.testing import FakeClock, Fault, Sandbox


def failing(errors: list[CodegenAPIError]) -> Callable[[], str]:
    def function() -> str:
        if errors:
            raise errors.pop(0)
        return "done"

    return function


def call(kind: str, function: Callable[[], Any], **options: Any) -> Any:
    if kind == "sync":
        return retry_on_error(**options)(function)()

    async def coroutine() -> Any:
        return function()

    return asyncio.run(retry_on_error(**options)(coroutine)())


both = pytest.mark.parametrize("kind", ["sync", "async"])


@both
def test_it_repeats_what_may_pass(kind: str, clock: FakeClock) -> None:
    errors: list[CodegenAPIError] = [ServerError("a"), NetworkError("b")]
    assert call(kind, failing(errors), clock=clock, draw=lambda: 1.0, delay=2.0) == "done"
    assert clock.slept == [2.0, 3.0]


@both
def test_it_raises_the_last_error(kind: str, clock: FakeClock) -> None:
    errors: list[CodegenAPIError] = [ServerError("a"), ServerError("b"), ServerError("c"), ServerError("d")]
    with pytest.raises(ServerError, match="c"):
        call(kind, failing(errors), max_attempts=3, clock=clock)
    assert len(clock.slept) == 2


@both
def test_it_waits_as_long_as_the_service_asks(kind: str, clock: FakeClock) -> None:
    assert call(kind, failing([RateLimitError("a", retry_after=17)]), clock=clock) == "done"
    assert clock.slept == [17]


@both
@pytest.mark.parametrize(
    "error",
    [
        AmbiguousRequestError("unknown", request_id="id"),
        NotFoundError("gone"),
        WaitTimeoutError("late"),
        ServerError("a create that may have happened", operation="create_agent_run"),
    ],
)
def test_it_never_repeats_what_will_not_pass_or_may_have_happened(
    kind: str, error: CodegenAPIError, clock: FakeClock
) -> None:
    with pytest.raises(type(error)):
        call(kind, failing([error]), clock=clock)
    assert clock.slept == []


def test_a_create_is_not_repeated_over_http(sandbox: Sandbox, connect: Callable[..., Any], clock: FakeClock) -> None:
    client = connect(exactly_once=False)
    sandbox.inject("create_agent_run", Fault.reset_after())

    @retry_on_error(clock=clock)
    def create() -> Any:
        return client.create_agent_run(323, "x")

    with pytest.raises(NetworkError):
        create()
    assert len(sandbox.runs) == 1


def test_other_exceptions_pass(clock: FakeClock) -> None:
    def broken() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError):
        call("sync", broken, clock=clock)


def test_it_keeps_name_and_docstring() -> None:
    @retry_on_error()
    def documented() -> None:
        """Say what it does."""

    assert (documented.__name__, documented.__doc__) == ("documented", "Say what it does.")


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_attempts": 0},
        {"max_attempts": "3"},
        {"max_attempts": 2.5},
        {"backoff_factor": -1.0},
        {"backoff_factor": "2"},
        {"delay": float("nan")},
    ],
)
def test_wrong_arguments_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))) as caught:
        retry_on_error(**wrong)
    assert caught.value.config_key == next(iter(wrong))


def test_forgotten_parentheses_are_named() -> None:
    with pytest.raises(ConfigurationError, match=r"@retry_on_error\(\)"):
        retry_on_error(print)  # type: ignore[arg-type]


@both
@pytest.mark.parametrize(("status", "calls"), [(500, 2), (503, 2), (501, 1), (505, 1)])
def test_it_repeats_the_statuses_that_the_client_repeats(kind: str, clock: FakeClock, status: int, calls: int) -> None:
    made = []

    def function() -> None:
        made.append(1)
        raise ServerError("broken", status)

    with pytest.raises(ServerError):
        call(kind, function, max_attempts=2, clock=clock)
    assert len(made) == calls


@both
@pytest.mark.parametrize(("method", "calls"), [("POST", 1), ("PATCH", 1), ("GET", 2), ("DELETE", 2)])
def test_a_request_outside_the_contract_is_judged_by_its_method(
    kind: str, clock: FakeClock, method: str, calls: int
) -> None:
    errors: list[CodegenAPIError] = [NetworkError("lost", operation=f"{method} /v1/new")]
    made = []

    def function() -> str:
        made.append(1)
        return failing(errors)()

    try:
        call(kind, function, clock=clock)
    except NetworkError:
        assert calls == 1
    assert len(made) == calls
