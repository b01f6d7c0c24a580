"""Responses that refuse, break on the way, or are not what the contract promises: typed errors with all details."""

import copy
import gzip
import pickle
import socket
from contextlib import ExitStack, suppress

import httpx
import pytest
from codegen_api.models import AgentRunResponse
from codegen_api.operations import GET_USER

import codegen_ext
from codegen_ext import errors
from codegen_ext.testing import Fault

from ..conftest import once
from ..support.loopback import HANG, reply
from ..support.programs import free_port

USER = {"id": 1, "email": None, "github_user_id": "1", "github_username": "octocat"}
RUN = {"id": 1, "organization_id": 323, "status": "RUNNING"}


def failure(client, method="get_current_user", *arguments, **options):
    """Return the error of a call, which names the operation and survives a pickle."""
    with pytest.raises(errors.CodegenAPIError) as caught:
        getattr(client, method)(*arguments, **options)
    error = caught.value
    assert error.operation == method
    assert method in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.response_data) == (str(error), error.response_data)
    return error


MESSAGES = [
    ({"message": "It broke", "detail": "Another"}, "It broke"),
    ({"message": "", "detail": "It broke"}, "It broke"),
    ({"detail": {"msg": "It broke"}}, "It broke"),
    ({"detail": ["It broke"]}, "It broke"),
    ({"detail": [{"message": "It broke"}]}, "It broke"),
    ({"error": {"message": "It broke", "type": "x", "code": None}}, "It broke"),
    ({"error": "It broke"}, "It broke"),
    ({"errors": ["It broke", {"detail": "at all"}]}, "It broke; at all"),
    ({"detail": [{"loc": ["query", "a", 0, "b"], "msg": "It broke", "type": "x"}]}, "a.0.b: It broke"),
    ({"detail": [{"loc": ["body"], "msg": "It broke", "type": "x"}]}, "body: It broke"),
    ({"detail": [{"loc": "body", "msg": "It broke"}]}, "request: It broke"),
    ({"detail": [{"loc": ["body", "x"]}]}, "x: is invalid"),
    *((body, "Unprocessable") for body in ({}, [], "text", {"message": None}, {"detail": [5]}, {"error": {}})),
    *((body, "Unprocessable") for body in (b"<html>", b"", b'{"message": "cut', b"\xff\xfe\x00", b"[" * 100_000)),
]


@once
@pytest.mark.parametrize(("body", "message"), MESSAGES)
def test_the_message_is_the_services_or_names_the_status(client, sandbox, body, message):
    sandbox.inject("get_user", Fault.status(422, body))
    error = failure(client, "get_user", 323, 1)
    assert error.message.startswith(message)
    assert (error.status_code, error.response_data) == (422, None if isinstance(body, bytes) else body)


def test_field_errors_come_from_the_details(client, sandbox):
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


@pytest.mark.parametrize("header", ["X-Request-ID", "request-id", "x-correlation-id", "other"])
def test_the_request_id_has_several_names(serve, connect, header):
    error = failure(connect(serve(reply(b"", 599, {header: "abc-1"})).base_url))
    assert error.request_id == (None if header == "other" else "abc-1")
    assert (type(error), error.message) == (errors.ServerError, "HTTP status 599")


def test_a_rate_limit_without_retry_after_is_over_after_its_window(client, sandbox):
    sandbox.inject("get_user", Fault.status(429))
    assert failure(client, "get_user", 323, 1).retry_after == GET_USER.rate_limit.seconds


def test_a_redirect_says_where_to_and_is_not_followed(client, sandbox):
    sandbox.inject("get_current_user", Fault.status(302, {}, {"location": "http://127.0.0.1:1/elsewhere"}), times=1)
    message = failure(client).message
    assert "http://127.0.0.1:1/elsewhere" in message
    assert "base_url" in message
    assert len(sandbox.requests) == 1
    sandbox.inject("get_current_user", Fault.status(304, b""))
    assert failure(client).message == "Not Modified"


INVALID = [
    *((reply(content), "not valid JSON") for content in (b"{", b"\xff\xfe{", b"[" * 100_000)),
    (reply(USER, content_type="text/html"), "expected JSON, got content type 'text/html'"),
    (reply(USER, content_type=None), "expected JSON, got content type 'none'"),
    (reply(status=204, content_type=None), "the response body is empty"),
    (reply(b"[]"), "not fit the contract: UserResponse: expected an object, got list"),
    (reply(b'{"email": null}'), "the required field 'id' is missing"),
]


@pytest.mark.parametrize(("answer", "problem"), INVALID)
def test_what_the_contract_does_not_promise(serve, connect, answer, problem):
    client = connect(serve(answer.replace(b"\r\n", b"\r\nx-request-id: abc-1\r\n", 1)).base_url)
    error = failure(client)
    assert type(error) is errors.InvalidResponseError
    assert problem in error.message
    assert (error.status_code, error.request_id) == (204 if b" 204 " in answer else 200, "abc-1")
    if "empty" in problem:
        assert client.request("GET", "/v1/users/me") is None
    elif "JSON" in problem:
        with pytest.raises(errors.InvalidResponseError, match=problem.partition(",")[0]) as caught:
            client.request("GET", "/v1/users/me")
        assert caught.value.operation == "GET /v1/users/me"
    else:
        assert error.__cause__ is not None


@pytest.mark.parametrize("kind", ["Application/JSON", "application/problem+JSON", "application/json; charset=hex"])
def test_media_types_ignore_case_and_may_say_more(serve, connect, kind):
    client = connect(serve(reply(RUN, content_type=kind)).base_url, log_level="DEBUG", log_responses=True)
    assert client.create_agent_run(323, "x").id == 1


def test_an_answer_about_another_run_is_refused(serve, connect):
    client = connect(serve(reply({**RUN, "id": 99})).base_url)
    error = failure(client, "get_agent_run", 323, 1)
    assert type(error) is errors.InvalidResponseError
    assert "asked for 1, the response is about 99" in error.message
    assert client.get_agent_run(323, "99").id == 99


def test_a_refused_connection_names_the_address(flavour, monkeypatch):
    address = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("CODEGEN_BASE_URL", f"{address}/v1")
    with flavour.client(api_token="token-123456", max_retries=0) as client:
        error = failure(client)
    assert (type(error), type(error.original_error)) == (errors.NetworkError, httpx.ConnectError)
    assert error.message == f"cannot reach {address} (from CODEGEN_BASE_URL): connection refused"
    assert str(error).count("get_current_user") == 1


def test_an_answer_that_does_not_come_in_time(serve, connect):
    client = connect(serve(*[reply(USER), HANG] * 3).base_url, timeout=0.05)

    def connected():
        client.get_current_user(timeout=30)  # so that nothing but the response can take too long
        return client

    error = failure(connected())
    assert type(error) is errors.TimeoutError
    assert error.message == "get_current_user timed out after 0.05 s while waiting for the response"
    assert isinstance(error.__cause__, httpx.ReadTimeout)
    # The timeout that is told is the call's own.
    assert failure(connected(), timeout=0.03).timeout_duration == 0.03
    with pytest.raises(errors.TimeoutError, match=r"GET /v1/x timed out after 0.04 s"):
        connected().with_options(timeout=0.04).request("GET", "/v1/x")


def test_a_connection_that_is_not_made_in_time(connect):
    with ExitStack() as stack:
        address = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0)).getsockname()
        with suppress(TimeoutError):
            while True:
                stack.enter_context(socket.create_connection(address, timeout=0.02))
        error = failure(connect("http://{}:{}".format(*address), timeout=0.05))
    assert type(error) is errors.TimeoutError
    assert "while connecting" in error.message


def test_a_failure_without_words_is_called_by_its_name(connect):
    def fail(request):
        raise httpx.ReadError("")

    error = failure(connect(transport=httpx.MockTransport(fail)))
    assert (type(error), error.message) == (errors.NetworkError, "ReadError")


class Endless(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body of 10,000 parts; counts those that were taken."""

    def __init__(self, part):
        self.part = part
        self.taken = 0

    def __iter__(self):
        for self.taken in range(1, 10_001):
            yield self.part

    async def __aiter__(self):
        for part in self:
            yield part

    def transport(self, **headers):
        return httpx.MockTransport(lambda request: httpx.Response(200, headers=headers, stream=self))


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_body_that_is_too_large_after_decoding_is_not_read_on(connect, encoding):
    body = Endless(gzip.compress(b" " * 10_000_000) if encoding == "gzip" else b" " * 1_000)
    transport = body.transport(**{"content-type": "application/json", "content-encoding": encoding})
    error = failure(connect(transport=transport, max_response_bytes=50_000), "get_agent_run", 323, 1)
    assert type(error) is errors.InvalidResponseError
    assert "max_response_bytes" in error.message
    assert body.taken <= (1 if encoding == "gzip" else 51)


@pytest.mark.parametrize("part", [b"x" * 1_000, b"data: " + b"x" * 990 + b"\n"])
def test_an_event_that_is_too_large_ends_its_stream(flavour, part):
    body = Endless(part)
    transport = body.transport(**{"content-type": "Text/Event-Stream; charset=utf-8"})
    with (
        flavour.chat("key", "http://service.invalid", transport=transport, max_response_bytes=50_000) as chat,
        pytest.raises(errors.CodegenAPIError, match="more than 50000 bytes"),
    ):
        list(chat.stream_chat_completion("gpt-4o", [{"role": "user", "content": "Hi"}]))
    assert body.taken <= 60


KNOWN = AgentRunResponse.from_dict({"id": 7, "organization_id": 323, "status": "EVALUATION", "new": [1]})
WITH_MORE = [
    errors.ValidationError("bad", 422, "req-1", {"detail": []}, operation="x", field_errors={"f": ["no"]}, details=[1]),
    errors.RateLimitError("slow down", 429, "req-1", {"m": 1}, operation="x", retry_after=2.5),
    errors.ConfigurationError("wrong", config_key="timeout"),
    codegen_ext.MissingExtraError("missing", config_key="shared_state"),
    errors.AmbiguousRequestError("unknown", "req-1", [KNOWN], operation="x"),
    errors.NetworkError("broken", httpx.ReadError("reset"), operation="x"),
    errors.TimeoutError("late", 30.0, operation="x"),
    errors.WaitTimeoutError("late", 60.0, run_id=7, run=KNOWN),
    errors.TaskError("failed", task_id=7, task_status="failed"),
]
KINDS = [getattr(codegen_ext, name) for name in codegen_ext.__all__ if name.endswith("Error")]
OF_A_RESPONSE = [kind for kind in KINDS if kind not in map(type, WITH_MORE)]
ERRORS = [*WITH_MORE, *(kind("it failed", 499, "req-1", {"a": [1]}, operation="get_user") for kind in OF_A_RESPONSE)]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("again", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])
def test_an_error_survives_a_pickle_with_all_its_attributes(error, again):
    other = again(error)
    assert isinstance(error, errors.CodegenAPIError)
    assert type(other) is type(error)
    assert (str(other), other.args) == (str(error), error.args)
    mine, theirs = dict(vars(error)), dict(vars(other))
    assert repr(theirs.pop("original_error", None)) == repr(mine.pop("original_error", None))
    assert theirs == mine
    assert {"message", "status_code", "request_id", "response_data", "operation"} <= set(mine)
    assert error.message in str(error)
