"""Responses that refuse, break on the way, or are not what the contract promises: typed errors with all details."""

import gzip
import pickle
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
from codegen_api.operations import GET_USER

from codegen_ext import (
    AmbiguousRequestError,
    AuthenticationError,
    CodegenAPIError,
    InvalidResponseError,
    NetworkError,
    NotFoundError,
    RateLimitError,
    ServerError,
    ValidationError,
)
from codegen_ext import TimeoutError as CodegenTimeoutError
from codegen_ext.testing import Fault, Sandbox

from ..conftest import Flavour, once
from ..support.loopback import CLOSE, HANG, Loopback, reply

Connect = Callable[..., Any]
Serve = Callable[..., Loopback]
USER = {"id": 1, "email": None, "github_user_id": "1", "github_username": "octocat"}
RUN = {"id": 1, "organization_id": 323, "status": "RUNNING"}


def failure(client: Any, method: str = "get_current_user", *arguments: Any, **options: Any) -> Any:
    """Return the error of a call, which names the operation and survives a pickle."""
    with pytest.raises(CodegenAPIError) as caught:
        getattr(client, method)(*arguments, **options)
    error = caught.value
    assert error.operation == method
    assert method in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.response_data) == (str(error), error.response_data)
    return error


STATUSES = {  # docs/errors.md lists more, which tests/docs tries
    **dict.fromkeys((301, 307, 418, 499), CodegenAPIError),
    400: ValidationError,
    401: AuthenticationError,
    404: NotFoundError,
    422: ValidationError,
    429: RateLimitError,
    **dict.fromkeys((500, 504), ServerError),
}


@pytest.mark.parametrize(("status", "kind"), STATUSES.items())
def test_a_status_is_an_error_of_its_kind(client: Any, sandbox: Sandbox, status: int, kind: type[Exception]) -> None:
    body = {"message": "It broke", "status_code": status, "more": [1]}
    sandbox.inject("get_user", Fault.status(status, body))
    for number, caller in enumerate((client, client.with_raw_response), 1):
        error = failure(caller, "get_user", 323, 1)
        assert type(error) is kind
        assert (error.status_code, error.response_data, error.request_id) == (status, body, f"sandbox-0-{number}")
        if status >= 400:
            assert error.message == "It broke"
            assert str(error) == f"It broke (operation get_user, status {status}, request id {error.request_id})"


def detail(**entry: Any) -> dict[str, Any]:
    return {"detail": [entry]}


MESSAGES = [
    ({"message": "It broke", "status_code": 400}, "It broke"),
    ({"detail": "It broke"}, "It broke"),
    ({"detail": {"msg": "It broke"}}, "It broke"),
    ({"detail": ["It broke"]}, "It broke"),
    ({"detail": [{"message": "It broke"}]}, "It broke"),
    ({"error": {"message": "It broke", "type": "x", "code": None}}, "It broke"),
    ({"error": "It broke"}, "It broke"),
    ({"errors": [{"message": "It broke"}]}, "It broke"),
    ({"errors": ["It broke", {"detail": "at all"}]}, "It broke"),
    ({"message": "It broke", "detail": "Another"}, "It broke"),
    ({"message": "", "detail": "It broke"}, "It broke"),
    (detail(loc=["body", "prompt"], msg="It broke", type="x"), "prompt: It broke"),
    (detail(loc=["query", "a", 0, "b"], msg="It broke", type="x"), "a.0.b: It broke"),
    (detail(loc=["body"], msg="It broke", type="x"), "body: It broke"),
    (detail(loc=[], msg="It broke"), "request: It broke"),
    (detail(msg="It broke"), "request: It broke"),
    (detail(loc="body", msg="It broke"), "request: It broke"),
    (detail(loc=["body", "x"]), "x: is invalid"),
    *((body, "") for body in ({}, [], "text", 5, {"message": None}, {"detail": []}, {"detail": [5]}, {"error": {}})),
]


@once
@pytest.mark.parametrize(("body", "message"), MESSAGES)
def test_the_services_own_words_are_the_message_or_else_the_name_of_the_status(
    client: Any, sandbox: Sandbox, body: Any, message: str
) -> None:
    sandbox.inject("get_user", Fault.status(422, body))
    error = failure(client, "get_user", 323, 1)
    assert error.message.startswith(message or "Unprocessable")
    assert error.response_data == body


@once
@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"<html><h1>502 Bad Gateway</h1></html>", "text/html"),
        *(
            (content, "application/json")
            for content in (b"", b'{"message": "cut', b"\xff\xfe\x00", b"[" * 100_000, b"null")
        ),
    ],
)
def test_a_body_that_is_no_json_is_no_message(client: Any, sandbox: Sandbox, content: bytes, content_type: str) -> None:
    sandbox.inject("get_current_user", Fault.status(502, content, {"content-type": content_type}))
    error = failure(client)
    assert (type(error), error.message, error.response_data) == (ServerError, "Bad Gateway", None)


def test_field_errors_come_from_the_details(client: Any, sandbox: Sandbox) -> None:
    details = [
        {"loc": ["body", "prompt"], "msg": "too short", "type": "x"},
        {"loc": ["body", "prompt"], "msg": "too dull", "type": "x"},
        {"loc": ["query", "skip"], "msg": "negative", "type": "x"},
    ]
    sandbox.inject("get_current_user", Fault.status(422, {"detail": details}))
    error = failure(client)
    assert error.field_errors == {"prompt": ["too short", "too dull"], "skip": ["negative"]}
    assert (error.field, error.details) == ("prompt", details)
    assert error.message == "prompt: too short, too dull; skip: negative"
    assert pickle.loads(pickle.dumps(error)).field_errors == error.field_errors


@pytest.mark.parametrize("header", ["x-request-id", "X-Request-ID", "request-id", "x-correlation-id", "other"])
def test_the_request_id_has_several_names(serve: Serve, connect: Connect, header: str) -> None:
    error = failure(connect(serve(reply(b"", 599, {header: "abc-1"})).base_url))
    assert error.request_id == (None if header == "other" else "abc-1")
    assert (type(error), error.message) == (ServerError, "HTTP status 599")


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("7", 7),
        ("0.5", 0.5),
        ("Thu, 01 Jan 2099 00:01:00 GMT", 60),
        ("garbage", GET_USER.rate_limit.seconds),
        (None, GET_USER.rate_limit.seconds),
    ],
)
def test_a_rate_limit_says_how_long_to_wait(
    serve: Serve, connect: Connect, retry_after: str | None, seconds: float
) -> None:
    headers = {"retry-after": retry_after} if retry_after else {}
    answer = reply({"message": "Slow down"}, 429, {"date": "Thu, 01 Jan 2099 00:00:00 GMT", **headers})
    error = failure(connect(serve(answer).base_url))
    assert type(error) is RateLimitError
    assert error.retry_after == pickle.loads(pickle.dumps(error)).retry_after == seconds


def test_a_redirect_says_where_to_and_is_not_followed(client: Any, sandbox: Sandbox) -> None:
    sandbox.inject("get_current_user", Fault.status(302, {}, {"location": "http://127.0.0.1:1/elsewhere"}))
    message = failure(client).message
    assert "http://127.0.0.1:1/elsewhere" in message
    assert "base_url" in message
    assert len(sandbox.requests) == 1
    sandbox.clear_faults()
    sandbox.inject("get_current_user", Fault.status(304, b""))
    assert failure(client).message == "Not Modified"


def page(items: str) -> bytes:
    return b'{"items": %b, "total": 1, "page": 1, "size": 1, "pages": 1}' % items.encode()


INVALID = [
    *(
        ("get_current_user", (), reply(content), "not valid JSON")
        for content in (b"{", b"nonsense", b'{"id": 1', b"\xff\xfe{", b"[" * 100_000, b'{"id": NaN1}', b"{'id': 1}")
    ),
    *(
        ("get_current_user", (), reply(USER, content_type=kind), f"expected JSON, got content type {kind or 'none'!r}")
        for kind in ("text/html", "text/plain; charset=utf-8", "application/octet-stream", None)
    ),
    ("get_current_user", (), reply(), "the response body is empty"),
    ("get_current_user", (), reply(status=204, content_type=None), "the response body is empty"),
    ("get_current_user", (), reply(b"[]"), "not fit the contract: UserResponse: expected an object, got list"),
    ("get_current_user", (), reply(b"null"), "expected an object, got NoneType"),
    ("get_current_user", (), reply(b'"text"'), "expected an object, got str"),
    ("get_current_user", (), reply(b'{"email": null}'), "the required field 'id' is missing"),
    ("get_users", (323,), reply(page("[null]")), "got NoneType"),
    ("get_users", (323,), reply(page("null")), "UsersResponse"),
    ("get_users", (323,), reply(page("5")), "UsersResponse"),
    ("get_users", (323,), reply(page('[{"id": 1}]')), "UserResponse"),
    ("get_mcp_providers", (), reply(b"[null]"), "OAuthProviderResponse"),
    ("get_mcp_providers", (), reply(b"null"), "not fit"),
    ("get_mcp_providers", (), reply(b"5"), "not fit"),
    (
        "get_agent_run",
        (323, 1),
        reply(b'{"id": 1, "organization_id": 2, "github_pull_requests": [[]]}'),
        "got list",
    ),
]


@pytest.mark.parametrize(("method", "arguments", "answer", "problem"), INVALID)
def test_what_the_contract_does_not_promise(
    serve: Serve, connect: Connect, method: str, arguments: tuple[Any, ...], answer: bytes, problem: str
) -> None:
    answer = answer.replace(b"\r\n", b"\r\nx-request-id: abc-1\r\n", 1)
    client = connect(serve(answer).base_url)
    error = failure(client, method, *arguments)
    assert type(error) is InvalidResponseError
    assert problem in error.message
    assert (error.status_code, error.request_id) == (204 if b" 204 " in answer else 200, "abc-1")
    if "empty" in problem:
        assert client.request("GET", "/v1/users/me") is None
    elif "JSON" in problem:
        with pytest.raises(InvalidResponseError, match=problem.partition(",")[0]) as caught:
            client.request("GET", "/v1/users/me")
        assert caught.value.operation == "GET /v1/users/me"
    else:
        assert error.__cause__ is not None


@pytest.mark.parametrize("kind", ["Application/JSON", "application/problem+JSON; Charset=UTF-8", "APPLICATION/json"])
def test_media_types_ignore_case_and_have_suffixes(serve: Serve, connect: Connect, kind: str) -> None:
    assert connect(serve(reply(USER, content_type=kind)).base_url).get_current_user().id == 1


def test_a_charset_that_is_none_does_no_harm_to_a_logged_create(serve: Serve, connect: Connect) -> None:
    answer = reply(RUN, content_type="application/json; charset=hex")
    client = connect(serve(answer).base_url, log_level="DEBUG", log_responses=True)
    assert client.create_agent_run(323, "x").id == 1


def test_an_answer_about_another_run_is_refused(serve: Serve, connect: Connect) -> None:
    client = connect(serve(reply({**RUN, "id": 99})).base_url)
    error = failure(client, "get_agent_run", 323, 1)
    assert type(error) is InvalidResponseError
    assert "asked for 1, the response is about 99" in error.message
    assert client.get_agent_run(323, "99").id == 99


@pytest.mark.parametrize("total", [None, "x", 2.5, [1]])
def test_a_create_whose_answer_was_lost_stays_in_doubt_while_lists_make_no_sense(
    serve: Serve, connect: Connect, total: Any
) -> None:
    page = reply({"items": [RUN], "total": total, "page": 1, "size": 100, "pages": 1})
    error = failure(connect(serve(CLOSE, page).base_url), "create_agent_run", 323, "x")
    assert type(error) is AmbiguousRequestError
    assert error.request_id


BROKEN = {
    "cut at once": (Fault.truncate(0), httpx.RemoteProtocolError),
    "cut": (Fault.truncate(20), httpx.RemoteProtocolError),
    "no gzip": (Fault.status(200, b"no gzip", {"content-encoding": "gzip"}), httpx.DecodingError),
    "reset before": (Fault.reset_before(), httpx.TransportError),
    "reset after": (Fault.reset_after(), httpx.TransportError),
}


@pytest.mark.parametrize(("fault", "kind"), BROKEN.values(), ids=BROKEN)
def test_a_connection_that_breaks(connect: Connect, sandbox: Sandbox, fault: Fault, kind: type[Exception]) -> None:
    client = connect(exactly_once=False)
    sandbox.inject("create_agent_run", fault, times=1)
    error = failure(client, "create_agent_run", 323, "hello")
    assert type(error) is NetworkError
    assert isinstance(error.original_error, kind)
    assert error.__cause__ is error.original_error
    assert pickle.loads(pickle.dumps(error)).original_error.args == error.original_error.args
    assert client.create_agent_run(323, "hello").id


@pytest.mark.parametrize("from_environment", [True, False])
def test_a_refused_connection_names_the_address_and_where_it_is_from(
    flavour: Flavour, monkeypatch: pytest.MonkeyPatch, from_environment: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
    monkeypatch.setenv("CODEGEN_BASE_URL", f"{address}/v1" if from_environment else "")
    settings = {} if from_environment else {"base_url": address}
    with flavour.client(api_token="token-123456", max_retries=0, **settings) as client:
        error = failure(client)
    assert (type(error), type(error.original_error)) == (NetworkError, httpx.ConnectError)
    source = " (from CODEGEN_BASE_URL)" if from_environment else ""
    assert error.message == f"cannot reach {address}{source}: connection refused"
    assert str(error).count("get_current_user") == 1


def test_an_answer_that_does_not_come_in_time(serve: Serve, connect: Connect) -> None:
    client = connect(serve(HANG).base_url, timeout=0.05)
    error = failure(client)
    assert type(error) is CodegenTimeoutError
    assert error.message == "get_current_user timed out after 0.05 s while waiting for the response"
    assert isinstance(error.__cause__, httpx.ReadTimeout)
    # The timeout that is told is the call's own.
    assert failure(client, timeout=0.03).timeout_duration == 0.03
    assert failure(client.with_raw_response, timeout=0.03).timeout_duration == 0.03
    assert failure(client.with_options(timeout=0.02)).timeout_duration == 0.02
    with pytest.raises(CodegenTimeoutError, match=r"GET /v1/x timed out after 0.04 s"):
        client.request("GET", "/v1/x", timeout=0.04)


def test_a_connection_that_is_not_made_in_time(connect: Connect) -> None:
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


class Endless(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body of any number of parts; counts those that were taken."""

    def __init__(self, part: bytes, parts: int) -> None:
        self.part = part
        self.parts = parts
        self.taken = 0

    def __iter__(self) -> Iterator[bytes]:
        while self.taken < self.parts:
            self.taken += 1
            yield self.part

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self:
            yield part


def answering(kind: str, body: Endless, **headers: str) -> httpx.MockTransport:
    return httpx.MockTransport(
        lambda request: httpx.Response(200, headers={"content-type": kind, **headers}, stream=body)
    )


@pytest.mark.parametrize("packed", [False, True])
def test_a_body_that_is_too_large_after_decoding_is_not_read_on(connect: Connect, packed: bool) -> None:
    body = Endless(gzip.compress(b" " * 10_000_000), 1) if packed else Endless(b" " * 1_000, 10_000)
    transport = answering("application/json", body, **({"content-encoding": "gzip"} if packed else {}))
    error = failure(connect(transport=transport, max_response_bytes=50_000), "get_agent_run", 323, 1)
    assert type(error) is InvalidResponseError
    assert "max_response_bytes" in error.message
    assert body.taken <= 51


@pytest.mark.parametrize("part", [b"x" * 1_000, b"data: " + b"x" * 990 + b"\n"])
def test_an_event_that_is_too_large_ends_its_stream(flavour: Flavour, part: bytes) -> None:
    body = Endless(part, 10_000)
    transport = answering("Text/Event-Stream; charset=utf-8", body)
    with (
        flavour.chat("key", "http://service.invalid", transport=transport, max_response_bytes=50_000) as chat,
        pytest.raises(CodegenAPIError, match="more than 50000 bytes"),
    ):
        list(chat.stream_chat_completion("gpt-4o", [{"role": "user", "content": "Hi"}]))
    assert body.taken <= 60
