"""What is refused before anything is sent, and what is sent."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from codegen_api.operations import OPERATIONS, Argument, Operation
from hypothesis import given
from hypothesis import strategies as st

from codegen_ext import ClientConfig, CodegenClient, ConfigurationError, NotFoundError, ValidationError
from codegen_ext.testing import Sandbox

from ..conftest import TOKEN, Flavour, once
from ..support.calls import required
from ..support.loopback import Loopback, Received, reply

EVERY_ARGUMENT = [(operation, argument) for operation in OPERATIONS.values() for argument in operation.arguments]
USER = {"id": 1, "email": None, "github_user_id": "1", "github_username": "octocat"}


def arguments_where(fits: Callable[[Argument], bool]) -> pytest.MarkDecorator:
    chosen = [pair for pair in EVERY_ARGUMENT if fits(pair[1])]
    return pytest.mark.parametrize(
        ("operation", "argument"), chosen, ids=[f"{operation.id}-{argument.name}" for operation, argument in chosen]
    )


@pytest.fixture
def call(flavour: Flavour, connect: Callable[..., Any], sandbox: Sandbox) -> Any:
    """Call an operation with its required arguments and some others."""
    clients = {"codegen": connect(), "chatserver": flavour.chat(TOKEN, sandbox.base_url)}

    def call(operation: Operation[Any], **arguments: Any) -> Any:
        return getattr(clients[operation.service], operation.id)(**required(operation, **arguments))

    yield call
    clients["chatserver"].close()


def refusal(call: Any, sandbox: Sandbox, operation: Operation[Any], argument: Argument, value: Any) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        call(operation, **{argument.python_name: value})
    assert sandbox.requests == []
    error: ValidationError = caught.value
    assert error.operation == operation.id
    assert error.status_code == (400 if operation.service == "chatserver" else None)
    assert list(error.field_errors) == [argument.name]
    assert error.field == argument.name
    assert argument.name in error.message
    return error


@once
@arguments_where(lambda argument: argument.required)
def test_a_missing_argument_is_named(
    call: Any, sandbox: Sandbox, operation: Operation[Any], argument: Argument
) -> None:
    error = refusal(call, sandbox, operation, argument, None)
    assert error.field_errors[argument.name] == ["is required"]


@once
@arguments_where(lambda argument: argument.type == "integer")
def test_what_is_no_whole_number_is_refused(
    call: Any, sandbox: Sandbox, operation: Operation[Any], argument: Argument
) -> None:
    for bad in (True, 3.0, "abc", " 7", "7 ", "", "-", "--7", "+7", "1_000", "٣", "7.0", "9" * 5000, [7], b"7"):
        error = refusal(call, sandbox, operation, argument, bad)
        assert "expected a whole number" in error.message


@once
@arguments_where(lambda argument: argument.type == "string")
def test_what_is_no_text_is_refused(call: Any, sandbox: Sandbox, operation: Operation[Any], argument: Argument) -> None:
    for bad in (5, True, b"text", ["text"]):
        assert "expected text" in refusal(call, sandbox, operation, argument, bad).message


@once
@arguments_where(lambda argument: argument.minimum is not None)
def test_what_is_below_the_least_value_is_refused(
    call: Any, sandbox: Sandbox, operation: Operation[Any], argument: Argument
) -> None:
    error = refusal(call, sandbox, operation, argument, (argument.minimum or 0) - 1)
    assert error.field_errors[argument.name] == [f"must be at least {argument.minimum}"]


@once
@arguments_where(lambda argument: argument.maximum is not None)
def test_what_is_above_the_greatest_value_is_refused(
    call: Any, sandbox: Sandbox, operation: Operation[Any], argument: Argument
) -> None:
    error = refusal(call, sandbox, operation, argument, (argument.maximum or 0) + 1)
    assert error.field_errors[argument.name] == [f"must be at most {argument.maximum}"]


@arguments_where(lambda argument: argument.type == "number")
def test_what_is_no_number_is_refused(
    call: Any, sandbox: Sandbox, operation: Operation[Any], argument: Argument
) -> None:
    for bad in ("0.5", True, math.nan):
        refusal(call, sandbox, operation, argument, bad)


@once
@arguments_where(lambda argument: argument.minimum is not None or argument.maximum is not None)
def test_the_bounds_themselves_are_accepted(
    call: Any, sandbox: Sandbox, operation: Operation[Any], argument: Argument
) -> None:
    call(OPERATIONS["create_agent_run"])
    for bound in (argument.minimum, argument.maximum):
        if bound is not None:
            call(operation, **{argument.python_name: bound})
            assert (sandbox.requests[-1].operation, sandbox.requests[-1].status) == (operation.id, 200)


def test_every_wrong_argument_is_named_at_once(client: Any, sandbox: Sandbox) -> None:
    with pytest.raises(ValidationError) as caught:
        client.list_agent_runs("x", user_id=1.5, skip=-1, limit=101)
    assert set(caught.value.field_errors) == {"org_id", "user_id", "skip", "limit"}
    assert sandbox.requests == []


def test_ids_may_be_given_as_digits(client: Any, sandbox: Sandbox) -> None:
    run = client.create_agent_run("323", "hello", repo_id="107")
    assert client.get_agent_run("323", str(run.id)).id == run.id
    assert client.list_agent_runs("323", skip="0", limit="5").size == 5
    assert {record.status for record in sandbox.requests} == {200}


@given(st.integers(-(10**30), 10**30))
def test_a_whole_number_and_its_digits_mean_the_same(number: int) -> None:
    sandbox = Sandbox(token=None, rate_limits=False)
    with CodegenClient(ClientConfig(api_token="any", transport=sandbox.transport(), rate_limits=False)) as client:
        for form in (number, str(number)):
            with pytest.raises(NotFoundError):
                client.get_agent_run(323, form)
    one, two = sandbox.requests
    assert one.path == two.path


@given(st.text())
def test_no_text_reaches_the_service_as_an_id_unless_it_is_a_whole_number(text: str) -> None:
    sandbox = Sandbox(token=None, rate_limits=False)
    with CodegenClient(ClientConfig(api_token="any", transport=sandbox.transport(), rate_limits=False)) as client:
        try:
            client.get_agent_run(323, text)
        except ValidationError as error:
            assert list(error.field_errors) == ["agent_run_id"]  # noqa: PT017 - either outcome is right
            assert sandbox.requests == []
        except NotFoundError:
            assert text.removeprefix("-").isdigit()
            assert text.isascii()


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("create_agent_run", {"org_id": 323, "prompt": "x", "metadata": {"a": object()}}),
        ("create_agent_run", {"org_id": 323, "prompt": "x", "metadata": {"a": math.nan}}),
        ("create_agent_run", {"org_id": 323, "prompt": "half a pair: \ud800"}),
        ("get_agent_run", {"org_id": 323, "agent_run_id": 10**5000}),
        ("revoke_oauth_token", {"org_id": 323, "provider": "\ud800"}),
        ("revoke_oauth_token", {"org_id": 323, "provider": "x" * 70_000}),
    ],
)
def test_what_has_no_form_on_the_wire_is_refused(
    client: Any, sandbox: Sandbox, method: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError, match="cannot be sent") as caught:
        getattr(client, method)(**arguments)
    assert caught.value.operation == method
    assert caught.value.field in {"request", "agent_run_id"}
    assert caught.value.__cause__ is not None
    assert sandbox.requests == []


@pytest.mark.parametrize("timeout", [0, -1, math.nan, math.inf, "5"])
def test_a_timeout_that_is_none_is_refused(client: Any, sandbox: Sandbox, timeout: Any) -> None:
    for call in (
        lambda: client.get_current_user(timeout=timeout),
        lambda: client.request("GET", "/v1/users/me", timeout=timeout),
        lambda: client.with_options(timeout=timeout),
    ):
        with pytest.raises(ConfigurationError, match="timeout") as caught:
            call()
        assert caught.value.config_key == "timeout"
    assert sandbox.requests == []


def test_bodies_travel_as_the_contract_names_them(serve: Callable[..., Loopback], connect: Callable[..., Any]) -> None:
    server = serve(reply({"id": 1, "organization_id": 323}))
    client = connect(server.base_url)
    client.create_agent_run(323, "hello", images=["data:,x"], metadata={"a": 1}, repo_id="5", agent_type="codegen")
    client.create_agent_run(323, "hello")
    first, second = server.requests
    assert (first.method, first.path) == ("POST", "/v1/organizations/323/agent/run")
    assert first.headers["content-type"] == "application/json"
    assert first.json() == {
        "prompt": "hello",
        "images": ["data:,x"],
        "metadata": {"a": 1, "codegen_sdk": {"request_id": request_id(first)}},
        "repo_id": 5,
        "agent_type": "codegen",
    }
    assert second.json() == {"prompt": "hello", "metadata": {"codegen_sdk": {"request_id": request_id(second)}}}
    assert request_id(first) != request_id(second)


def request_id(request: Received) -> str:
    found: str = request.json()["metadata"]["codegen_sdk"]["request_id"]
    assert len(found) == 32
    return found


def test_without_exactly_once_nothing_is_added_to_the_body(
    serve: Callable[..., Loopback], connect: Callable[..., Any]
) -> None:
    server = serve(reply({"id": 1, "organization_id": 323}))
    client = connect(server.base_url, exactly_once=False)
    client.create_agent_run(323, "hello")
    client.create_agent_run(323, "hello", metadata={"a": 1})
    assert [request.json() for request in server.requests] == [
        {"prompt": "hello"},
        {"prompt": "hello", "metadata": {"a": 1}},
    ]


def test_requests_say_who_sends_them_and_what_they_accept(
    serve: Callable[..., Loopback], connect: Callable[..., Any]
) -> None:
    server = serve(reply(USER))
    connect(server.base_url).get_current_user()
    headers = server.requests[0].headers
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["user-agent"].startswith("codegen-sdk/")
    assert headers["accept"] == "application/json"
