"""Each status becomes its error, with all that the service said."""

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from codegen_api.operations import GET_USER

from codegen_ext import (
    AuthenticationError,
    CodegenAPIError,
    ConflictError,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    ValidationError,
)
from codegen_ext.testing import Fault, Sandbox

from ..conftest import once
from ..support.loopback import Loopback, reply

STATUSES = [
    (400, ValidationError),
    (401, AuthenticationError),
    (402, PaymentRequiredError),
    (403, PermissionDeniedError),
    (404, NotFoundError),
    (409, ConflictError),
    (418, CodegenAPIError),
    (422, ValidationError),
    (429, RateLimitError),
    (499, CodegenAPIError),
    (500, ServerError),
    (501, ServerError),
    (502, ServerError),
    (503, ServerError),
    (504, ServerError),
    (301, CodegenAPIError),
    (307, CodegenAPIError),
]
SHAPES = [
    ({"message": "It broke", "status_code": 400}, "It broke"),
    ({"detail": "It broke"}, "It broke"),
    ({"error": {"message": "It broke", "type": "x", "code": None}}, "It broke"),
    ({"error": "It broke"}, "It broke"),
    ({"message": "It broke", "detail": "Another"}, "It broke"),
    ({"message": "", "detail": "It broke"}, "It broke"),
    ({"detail": [{"loc": ["body", "prompt"], "msg": "It broke", "type": "x"}]}, "prompt: It broke"),
    ({"detail": [{"loc": ["query", "a", 0, "b"], "msg": "It broke", "type": "x"}]}, "a.0.b: It broke"),
    ({"detail": [{"loc": ["body"], "msg": "It broke", "type": "x"}]}, "body: It broke"),
    ({"detail": [{"loc": [], "msg": "It broke"}]}, "request: It broke"),
    ({"detail": [{"msg": "It broke"}]}, "request: It broke"),
    ({"detail": [{"loc": "body", "msg": "It broke"}]}, "request: It broke"),
    ({"detail": [{"loc": ["body", "x"]}]}, "x: is invalid"),
]
SPEECHLESS: list[Any] = [{}, [], "text", 5, None, {"message": None}, {"detail": []}, {"detail": [5]}, {"error": {}}]


def failure(client: Any) -> CodegenAPIError:
    with pytest.raises(CodegenAPIError) as caught:
        client.get_user(323, 1)
    return caught.value


@pytest.mark.parametrize(("status", "kind"), STATUSES)
def test_a_status_is_an_error_of_its_kind(client: Any, sandbox: Sandbox, status: int, kind: type[Exception]) -> None:
    body = {"message": "It broke", "status_code": status, "more": [1]}
    sandbox.inject("get_user", Fault.status(status, body))
    error = failure(client)
    assert type(error) is kind
    assert error.status_code == status
    assert error.response_data == body
    assert error.operation == "get_user"
    assert error.request_id == "sandbox-0-1"
    assert pickle.loads(pickle.dumps(error)).response_data == body
    if status >= 400:
        assert error.message == "It broke"
        assert str(error) == f"It broke (operation get_user, status {status}, request id sandbox-0-1)"


@once
@pytest.mark.parametrize(("body", "message"), SHAPES)
@pytest.mark.parametrize("status", [400, 422, 500])
def test_the_services_own_words_are_the_message(
    client: Any, sandbox: Sandbox, body: Any, message: str, status: int
) -> None:
    sandbox.inject("get_user", Fault.status(status, body))
    error = failure(client)
    assert error.message == message
    assert error.response_data == body


@once
@pytest.mark.parametrize("body", SPEECHLESS)
def test_without_words_the_status_speaks(client: Any, sandbox: Sandbox, body: Any) -> None:
    sandbox.inject("get_user", Fault.status(404, body if body is not None else b"null"))
    error = failure(client)
    assert error.message == "Not Found"
    assert error.response_data == body


@once
@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"<html><h1>502 Bad Gateway</h1></html>", "text/html"),
        (b"", "application/json"),
        (b'{"message": "cut', "application/json"),
        (b"\xff\xfe\x00", "application/json"),
        (b"[" * 100_000, "application/json"),
    ],
)
def test_a_body_that_is_no_json_is_no_message(client: Any, sandbox: Sandbox, content: bytes, content_type: str) -> None:
    sandbox.inject("get_user", Fault.status(502, content, {"content-type": content_type}))
    error = failure(client)
    assert type(error) is ServerError
    assert error.message == "Bad Gateway"
    assert error.response_data is None


def test_a_status_without_a_name_is_shown_by_its_number(
    serve: Callable[..., Loopback], connect: Callable[..., Any]
) -> None:
    error = failure(connect(serve(reply(b"", 599)).base_url))
    assert type(error) is ServerError
    assert error.message == "HTTP status 599"


def test_field_errors_come_from_the_details(client: Any, sandbox: Sandbox) -> None:
    details = [
        {"loc": ["body", "prompt"], "msg": "too short", "type": "x"},
        {"loc": ["body", "prompt"], "msg": "too dull", "type": "x"},
        {"loc": ["query", "skip"], "msg": "negative", "type": "x"},
    ]
    sandbox.inject("get_user", Fault.status(422, {"detail": details}))
    error = failure(client)
    assert isinstance(error, ValidationError)
    assert error.field_errors == {"prompt": ["too short", "too dull"], "skip": ["negative"]}
    assert error.field == "prompt"
    assert error.details == details
    assert error.message == "prompt: too short, too dull; skip: negative"
    assert pickle.loads(pickle.dumps(error)).field_errors == error.field_errors


def test_the_sandboxes_own_refusal_has_field_errors(connect: Callable[..., Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        connect(exactly_once=False).create_agent_run(323, "hello", agent_type="odd", images=[1])
    assert caught.value.status_code == 422
    assert set(caught.value.field_errors) == {"agent_type", "images.0"}


def test_the_sandboxes_documented_refusals(client: Any, connect: Callable[..., Any], sandbox: Sandbox) -> None:
    with pytest.raises(AuthenticationError):
        connect(api_token="wrong").get_current_user()
    with pytest.raises(PermissionDeniedError):
        client.get_users(324)
    with pytest.raises(NotFoundError):
        client.get_users(325)
    sandbox.credits = 0
    with pytest.raises(PaymentRequiredError):
        client.create_agent_run(323, "hello")


@once
@pytest.mark.parametrize("header", ["x-request-id", "X-Request-ID", "request-id", "x-correlation-id"])
def test_the_request_id_has_several_names(
    serve: Callable[..., Loopback], connect: Callable[..., Any], header: str
) -> None:
    error = failure(connect(serve(reply({}, 500, {header: "abc-1"})).base_url))
    assert error.request_id == "abc-1"


def test_there_may_be_no_request_id(serve: Callable[..., Loopback], connect: Callable[..., Any]) -> None:
    error = failure(connect(serve(reply({}, 500)).base_url))
    assert error.request_id is None


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        (7, 7),
        ("0.5", 0.5),
        ("Thu, 01 Jan 2099 00:01:00 GMT", 60),
        ("garbage", GET_USER.rate_limit.seconds),
        (None, GET_USER.rate_limit.seconds),
    ],
)
def test_a_rate_limit_says_how_long_to_wait(
    serve: Callable[..., Loopback], connect: Callable[..., Any], retry_after: Any, seconds: float
) -> None:
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    answer = reply({"message": "Slow down"}, 429, {"date": "Thu, 01 Jan 2099 00:00:00 GMT", **headers})
    error = failure(connect(serve(answer).base_url))
    assert isinstance(error, RateLimitError)
    assert error.retry_after == seconds
    assert pickle.loads(pickle.dumps(error)).retry_after == seconds


def test_the_real_rate_limit_of_the_service_is_reported(client: Any, sandbox: Sandbox) -> None:
    sandbox.settings.rate_limits = True
    for _ in range(10):
        client.create_agent_run(323, "hello")
    with pytest.raises(RateLimitError) as caught:
        client.create_agent_run(323, "hello")
    assert caught.value.retry_after == 60


def test_a_redirect_says_where_to_and_is_not_followed(client: Any, sandbox: Sandbox) -> None:
    sandbox.inject("get_user", Fault.status(302, {}, {"location": "http://127.0.0.1:1/elsewhere"}))
    error = failure(client)
    assert "http://127.0.0.1:1/elsewhere" in error.message
    assert "base_url" in error.message
    assert len(sandbox.requests) == 1


@once
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 422, 429, 500])
def test_a_documented_error_is_never_a_value(client: Any, sandbox: Sandbox, status: int) -> None:
    sandbox.inject("get_user", Fault.status(status, {"message": "no", "status_code": status}))
    for call in (client.get_user, client.with_raw_response.get_user):
        with pytest.raises(CodegenAPIError):
            call(323, 1)
