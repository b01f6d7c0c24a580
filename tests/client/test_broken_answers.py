"""Answers that break on the way, or are not what the contract promises: a typed error that names the operation."""

import pickle
import socket
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from codegen_api import operations

from codegen_ext import CodegenAPIError, InvalidResponseError, NetworkError
from codegen_ext import TimeoutError as CodegenTimeoutError
from codegen_ext.testing import Fault, Sandbox

from ..conftest import once
from ..support.loopback import CLOSE, HANG, Loopback, reply

USER = {"id": 1, "email": None, "github_user_id": "1", "github_username": "octocat"}


def failure(client: Any, method: str = "get_current_user", *arguments: Any) -> CodegenAPIError:
    with pytest.raises(CodegenAPIError) as caught:
        getattr(client, method)(*arguments)
    error: CodegenAPIError = caught.value
    assert error.operation == method
    assert method in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    return error


BROKEN_JSON = [b"{", b"nonsense", b'{"id": 1', b"\xff\xfe{", b"[" * 100_000, b'{"id": NaN1}', b"{'id': 1}"]


@pytest.mark.parametrize("content", BROKEN_JSON)
def test_broken_json(client: Any, sandbox: Sandbox, content: bytes) -> None:
    sandbox.inject("get_current_user", Fault.invalid_body(content))
    error = failure(client)
    assert type(error) is InvalidResponseError
    assert "not valid JSON" in error.message
    assert (error.status_code, error.request_id) == (200, "sandbox-0-1")
    assert error.__cause__ is not None


@once
@pytest.mark.parametrize("content", BROKEN_JSON)
def test_broken_json_of_an_unknown_path(client: Any, sandbox: Sandbox, content: bytes) -> None:
    sandbox.inject("get_current_user", Fault.invalid_body(content))
    with pytest.raises(InvalidResponseError, match="not valid JSON") as caught:
        client.request("GET", "/v1/users/me")
    assert caught.value.operation == "GET /v1/users/me"


@pytest.mark.parametrize("content_type", ["text/html", "text/plain; charset=utf-8", "application/octet-stream"])
def test_a_wrong_content_type(client: Any, sandbox: Sandbox, content_type: str) -> None:
    sandbox.inject("get_current_user", Fault.invalid_body(b"<html>hello</html>", content_type))
    error = failure(client)
    assert type(error) is InvalidResponseError
    assert error.message == f"expected JSON, got content type {content_type!r}"
    with pytest.raises(InvalidResponseError, match="expected JSON"):
        client.request("GET", "/v1/users/me")


def test_no_content_type(serve: Callable[..., Loopback], connect: Callable[..., Any]) -> None:
    error = failure(connect(serve(reply(USER, content_type=None)).base_url))
    assert error.message == "expected JSON, got content type 'none'"


def test_other_kinds_of_json_are_json(serve: Callable[..., Loopback], connect: Callable[..., Any]) -> None:
    client = connect(serve(reply(USER, content_type="application/problem+json; charset=utf-8")).base_url)
    assert client.get_current_user().id == 1


@pytest.mark.parametrize(("status", "content_type"), [(200, "application/json"), (204, None)])
def test_an_empty_body(
    serve: Callable[..., Loopback], connect: Callable[..., Any], status: int, content_type: str | None
) -> None:
    client = connect(serve(reply(b"", status, content_type=content_type)).base_url)
    error = failure(client)
    assert type(error) is InvalidResponseError
    assert error.message == "the response body is empty"
    assert client.request("GET", "/v1/users/me") is None


@pytest.mark.parametrize("status", [202, 204])
def test_an_empty_body_is_none_where_the_contract_has_none(
    serve: Callable[..., Loopback], connect: Callable[..., Any], status: int
) -> None:
    operation = operations.GET_CURRENT_USER._replace(results=((200, "UserResponse"), (status, "None")))
    client = connect(serve(reply(b"", status, content_type=None), reply(USER)).base_url)
    response = client.perform(operation, {})
    assert (response.status_code, response.parsed) == (status, None)
    assert client.perform(operation, {}).parsed.id == 1


@pytest.mark.parametrize("keep", [0, 1, 20])
def test_a_truncated_body(client: Any, sandbox: Sandbox, keep: int) -> None:
    sandbox.inject("get_current_user", Fault.truncate(keep))
    error = failure(client)
    assert type(error) is NetworkError
    assert isinstance(error.original_error, httpx.RemoteProtocolError)


def test_a_body_that_ends_before_its_length(serve: Callable[..., Loopback], connect: Callable[..., Any]) -> None:
    assert type(failure(connect(serve(reply(b'{"id": 1}', length=100)).base_url))) is NetworkError


def test_a_body_that_cannot_be_decompressed(client: Any, sandbox: Sandbox) -> None:
    sandbox.inject("get_current_user", Fault.status(200, b"no gzip", {"content-encoding": "gzip"}))
    error = failure(client)
    assert type(error) is NetworkError
    assert isinstance(error.original_error, httpx.DecodingError)


WRONG_SHAPES = [
    ("get_current_user", (), b"[]", "expected an object, got list"),
    ("get_current_user", (), b"null", "expected an object, got NoneType"),
    ("get_current_user", (), b'"text"', "expected an object, got str"),
    ("get_current_user", (), b'{"email": null}', "the required field 'id' is missing"),
    ("get_users", (323,), b'{"items": [null], "total": 1, "page": 1, "size": 1, "pages": 1}', "got NoneType"),
    ("get_users", (323,), b'{"items": null, "total": 1, "page": 1, "size": 1, "pages": 1}', "UsersResponse"),
    ("get_users", (323,), b'{"items": 5, "total": 1, "page": 1, "size": 1, "pages": 1}', "UsersResponse"),
    ("get_users", (323,), b'{"items": [{"id": 1}], "total": 1, "page": 1, "size": 1, "pages": 1}', "UserResponse"),
    ("get_mcp_providers", (), b"[null]", "OAuthProviderResponse"),
    ("get_mcp_providers", (), b"null", "not fit"),
    ("get_mcp_providers", (), b"5", "not fit"),
    ("get_agent_run", (323, 1), b'{"id": 1, "organization_id": 2, "github_pull_requests": [[]]}', "got list"),
]


@once
@pytest.mark.parametrize(("method", "arguments", "content", "problem"), WRONG_SHAPES)
def test_json_of_the_wrong_shape(
    client: Any, sandbox: Sandbox, method: str, arguments: tuple[Any, ...], content: bytes, problem: str
) -> None:
    sandbox.inject(method, Fault.invalid_body(content))
    error = failure(client, method, *arguments)
    assert type(error) is InvalidResponseError
    assert "does not fit the contract" in error.message
    assert problem in error.message
    assert error.__cause__ is not None


@pytest.mark.parametrize("fault", [Fault.reset_before(), Fault.reset_after()], ids=["before", "after"])
def test_a_reset_connection(connect: Callable[..., Any], sandbox: Sandbox, fault: Fault) -> None:
    sandbox.inject("create_agent_run", fault)
    error = failure(connect(exactly_once=False), "create_agent_run", 323, "hello")
    assert type(error) is NetworkError
    assert isinstance(error.original_error, httpx.TransportError)
    assert error.__cause__ is error.original_error
    assert error.__cause__.__cause__ is not None
    assert pickle.loads(pickle.dumps(error)).original_error.args == error.original_error.args


def test_a_connection_that_is_closed_instead_of_an_answer(
    serve: Callable[..., Loopback], connect: Callable[..., Any]
) -> None:
    error = failure(connect(serve(CLOSE).base_url))
    assert type(error) is NetworkError


def test_a_refused_connection(connect: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    error = failure(connect(f"http://127.0.0.1:{port}"))
    assert type(error) is NetworkError
    assert isinstance(error.original_error, httpx.ConnectError)
    assert error.message == f"cannot reach http://127.0.0.1:{port}: connection refused"


def test_an_answer_that_does_not_come_in_time(serve: Callable[..., Loopback], connect: Callable[..., Any]) -> None:
    error = failure(connect(serve(HANG).base_url, timeout=0.05))
    assert type(error) is CodegenTimeoutError
    assert error.timeout_duration == 0.05
    assert error.message == "get_current_user timed out after 0.05 s while waiting for the response"
    assert isinstance(error.__cause__, httpx.ReadTimeout)


def test_a_connection_that_is_not_made_in_time(connect: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.create_connection(address)]
        try:
            while True:
                waiting.append(socket.create_connection(address, timeout=0.02))
        except TimeoutError:
            pass
        error = failure(connect("http://{}:{}".format(*address), timeout=0.05))
        for one in waiting:
            one.close()
    assert type(error) is CodegenTimeoutError
    assert "while connecting" in error.message


def test_the_timeout_that_is_reported_is_the_calls_own(
    serve: Callable[..., Loopback], connect: Callable[..., Any]
) -> None:
    client = connect(serve(HANG).base_url)
    with pytest.raises(CodegenTimeoutError) as caught:
        client.get_current_user(timeout=0.03)
    assert caught.value.timeout_duration == 0.03
    with pytest.raises(CodegenTimeoutError, match=r"GET /v1/x timed out after 0.04 s"):
        client.request("GET", "/v1/x", timeout=0.04)


def test_a_client_is_usable_after_a_broken_answer(client: Any, sandbox: Sandbox) -> None:
    for fault in (Fault.reset_before(), Fault.truncate(5), Fault.invalid_body(b"{"), Fault.empty_body()):
        sandbox.inject("get_current_user", fault, times=1)
        failure(client)
        assert client.get_current_user().id == 1
