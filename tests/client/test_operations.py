"""Every operation: what it refuses, sends and returns; ways to call differently, and what is no operation."""

import json
import math

import codegen_api
import pytest
from codegen_api import models
from codegen_api.operations import OPERATIONS

from codegen_ext import ChatServerClient, CodegenAPIError, CodegenClient, ValidationError
from codegen_ext.testing import Fault

from ..conftest import TOKEN, once
from ..support.calls import SESSION_USER, required
from ..support.loopback import HANG, reply

KINDS = {
    "codegen": (CodegenClient, codegen_api.Client),
    "chatserver": (ChatServerClient, codegen_api.ChatServerClient),
}
"""The clients of each service: those of this package, and the bare ones, whose models the raw responses have."""
USER = {"id": 1, "email": None, "github_user_id": "1", "github_username": "octocat"}
EVERY_ARGUMENT = [(operation, argument) for operation in OPERATIONS.values() for argument in operation.arguments]
NO_NUMBERS = (True, 3.0, "abc", " 7", "7 ", "", "-", "--7", "+7", "1_000", "٣", "7.0", "9" * 5000, [7], b"7")


def wrong_values(argument):
    """Yield values that an argument does not take, and what the refusal says."""
    if argument.required:
        yield None, "is required"
    if argument.type == "integer":
        yield from ((bad, "expected a whole number") for bad in NO_NUMBERS)
    elif argument.type == "string":
        yield from ((bad, "expected text") for bad in (5, True, b"text", ["text"]))
    elif argument.type == "number":
        yield from ((bad, "") for bad in ("0.5", True, math.nan))
    if argument.minimum is not None:
        yield argument.minimum - 1, f"must be at least {argument.minimum}"
    if argument.maximum is not None:
        yield argument.maximum + 1, f"must be at most {argument.maximum}"


@pytest.fixture
def callers(flavour, client, sandbox):
    """A client of each service."""
    with flavour.chat(TOKEN, sandbox.base_url) as chat:
        yield {"codegen": client, "chatserver": chat}


@once
def test_an_argument_takes_its_bounds_and_what_it_does_not_take_is_refused_by_its_name(callers, sandbox):
    callers["codegen"].create_agent_run(323, "hello")
    for operation, argument in EVERY_ARGUMENT:
        call, before = getattr(callers[operation.service], operation.id), len(sandbox.requests)
        for value, problem in wrong_values(argument):
            with pytest.raises(ValidationError) as caught:
                call(**required(operation, **{argument.python_name: value}))
            error = caught.value
            assert error.operation == operation.id
            assert error.status_code == (400 if operation.service == "chatserver" else None)
            assert list(error.field_errors) == [argument.name]
            assert error.field == argument.name
            assert argument.name in error.message
            assert problem in error.message
        assert len(sandbox.requests) == before
        for bound in (argument.minimum, argument.maximum):
            if bound is not None:
                call(**required(operation, **{argument.python_name: bound}))
                assert (sandbox.requests[-1].operation, sandbox.requests[-1].status) == (operation.id, 200)


def test_bodies_travel_as_the_contract_names_them(serve, connect):
    server = serve(reply({"id": 1, "organization_id": 323}))
    client = connect(server.base_url)
    client.create_agent_run(323, "hello", images=["data:,x"], metadata={"a": 1}, repo_id="5", agent_type="codegen")
    client.with_options(exactly_once=False).create_agent_run(323, "hello", metadata={"a": 1})
    marked, plain = server.requests
    assert (marked.method, marked.path) == ("POST", "/v1/organizations/323/agent/run")
    body = marked.json()
    assert len(body["metadata"].pop("codegen_sdk").pop("request_id")) == 32
    expected = {"prompt": "hello", "images": ["data:,x"], "repo_id": 5, "agent_type": "codegen", "metadata": {"a": 1}}
    assert body == expected
    assert plain.json() == {"prompt": "hello", "metadata": {"a": 1}}
    assert marked.headers["content-type"] == marked.headers["accept"] == "application/json"
    assert marked.headers["authorization"] == f"Bearer {TOKEN}"
    assert marked.headers["user-agent"].startswith("codegen-sdk/")


def test_a_page_by_its_number(client):
    """As older clients ask for it."""
    ids = [client.create_agent_run(323, f"run {number}").id for number in range(5)]
    pages = [client.get_agent_runs(323, page=page, per_page=2) for page in (1, 2, 3, 4)]
    assert [[run.id for run in page.items] for page in pages] == [ids[:2:-1], ids[2:0:-1], ids[:1], []]
    assert [page.page for page in pages] == [1, 2, 3, 4]
    assert [run.id for run in client.get_agent_runs("323").items] == ids[::-1]


@pytest.mark.parametrize("raw", [False, True])
def test_every_operation_returns_its_model_or_all(callers, sandbox, raw):
    callers["codegen"].create_agent_run(323, "hello", metadata={"a": {"b": [1]}})
    messages = [{"role": "user", "content": "Hi"}]
    answer = callers["chatserver"].create_chat_completion("gpt-4o", messages, user=SESSION_USER)
    for operation in OPERATIONS.values():
        caller = callers[operation.service]
        session = {"session_id": answer.system_fingerprint} if operation.id == "get_session" else {}
        call = getattr(caller.with_raw_response if raw else caller, operation.id)
        result = call(**required(operation, **session))
        assert sandbox.requests[-1].operation == operation.id
        if raw:
            assert (result.status_code, result.status_code.phrase) == (200, "OK")
            assert result.headers["X-Request-Id"].startswith("sandbox-")
            assert isinstance(json.loads(result.content), dict | list)
            result = result.parsed
        check(result, getattr(KINDS[operation.service][raw], operation.id).__annotations__["return"])


def check(result, annotation):
    if annotation == "Any" or annotation.startswith("dict["):
        assert isinstance(result, dict)
    elif annotation.startswith("list["):
        assert result
        for item in result:
            check(item, annotation.removeprefix("list[").removesuffix("]"))
    else:
        assert type(result) is getattr(models, annotation)
        assert json.loads(json.dumps(result.dict())) == result.dict()


@pytest.mark.parametrize("status", [201, 202, 299])
def test_any_status_of_success_is_decoded(client, sandbox, status):
    sandbox.inject("get_current_user", Fault.status(status, USER))
    assert client.get_current_user().github_username == "octocat"
    whole = client.with_raw_response.get_current_user()
    assert (whole.status_code, whole.parsed.id, json.loads(whole.content)) == (status, 1, USER)
    assert whole.headers["content-type"] == "application/json"


def test_a_derived_client_has_other_settings_and_the_same_connections(client):
    derived = client.with_options(timeout=5).with_options(max_retries=7, exactly_once=False)
    assert (derived.config.timeout, derived.config.max_retries) == (5, 7)
    assert (client.config.timeout, client.config.max_retries) == (30, 0)
    assert (type(derived), derived.session, derived.metrics) == (type(client), client.session, client.metrics)
    with derived:
        assert derived.get_current_user().id == 1
    assert client.get_stats().total_requests == 1
    with client.with_options(user_agent_suffix="x", max_connections=3) as other:
        assert other.session is not client.session
        assert other.get_current_user().id == 1
    assert not client.session.is_closed
    with pytest.raises(LookupError), client:
        raise LookupError
    assert derived.session.is_closed


def test_a_call_may_have_headers_and_parameters_of_its_own(serve, connect):
    server = serve(reply(USER), reply({"id": 1, "organization_id": 323}), reply(USER))
    client = connect(server.base_url, default_headers={"X-Team": "core"}, user_agent_suffix="mine/1.0")
    client.get_current_user(extra_headers={"X-Team": "other", "User-Agent": "mine"}, extra_query={"expand": ["a", "b"]})
    client.create_agent_run(
        323, "x", extra_body={"reasoning": "high"}, extra_query={"dry": True}, extra_headers={"X-Trace": "2"}
    )
    client.with_raw_response.get_current_user(extra_headers={"X-Trace": "3"})
    client.request("GET", "/v1/users/me")
    first, second, third, fourth = server.requests
    assert [request.headers["x-team"] for request in server.requests] == ["other", "core", "core", "core"]
    assert [request.headers.get("x-trace") for request in server.requests] == [None, "2", "3", None]
    assert first.headers["user-agent"] == "mine"
    assert all(one.headers["user-agent"].endswith(" mine/1.0") for one in (second, third, fourth))
    assert first.path == "/v1/users/me?expand=a&expand=b"
    assert second.path.endswith("?dry=true")
    assert {"reasoning", "prompt", "metadata"} <= set(second.json())
    assert second.headers["content-type"] == "application/json"
    assert second.headers["authorization"] == f"Bearer {TOKEN}"


def test_unknown_paths_can_be_asked_too(serve, connect):
    server = serve(reply({"answer": 42}), reply([1, 2]), reply(b"", 204, content_type=None), reply({}, 405))
    client = connect(f"{server.base_url}/v1")
    assert client.request("GET", "/v2/new", params={"a": 1, "b": ["x", "y"]}) == {"answer": 42}
    assert client.request("POST", "v2/new", json={"b": 2}, extra_headers={"X-A": "1"}) == [1, 2]
    assert client.request("DELETE", "//example.com/v1") is None
    with pytest.raises(CodegenAPIError, match="HTTP status 405") as caught:
        client.request("PUT", "/v2/new/1", json=[])
    assert (caught.value.status_code, caught.value.operation) == (405, "PUT /v2/new/1")
    with pytest.raises(ValidationError, match="cannot be sent"):
        client.request("POST", "/v1/users/me", json=object())
    with pytest.raises(ValidationError, match="URL too long"):
        client.revoke_oauth_token("x" * 70_000, 323)
    get, post, _, _ = server.requests
    assert (get.method, get.path, get.body) == ("GET", "/v2/new?a=1&b=x&b=y", b"")
    assert (post.method, post.path, post.json(), post.headers["x-a"]) == ("POST", "/v2/new", {"b": 2}, "1")
    assert get.headers["authorization"] == f"Bearer {TOKEN}"


def test_operations_share_hooks_cookies_and_headers_of_the_session(serve, connect, flavour):
    server = serve(reply(USER, headers={"Set-Cookie": "a=1"}), reply(USER))
    client = connect(server.base_url)
    seen = []

    def note(message):
        seen.append(f"{type(message).__name__} {message.headers['x-a'] if hasattr(message, 'method') else ''}")

    async def note_async(message):
        note(message)

    hook = note_async if flavour.is_async else note
    client.session.event_hooks = {"request": [hook], "response": [hook]}
    client.session.headers["X-A"] = "b"
    client.get_current_user()
    client.get_current_user()
    assert seen == ["Request b", "Response "] * 2
    assert [request.headers.get("cookie") for request in server.requests] == [None, "a=1"]


@pytest.mark.parametrize("base", ["", "/", "/v1", "/v1/", "/gate/v1", "/gate/"])
def test_a_base_address_may_have_path_and_version(serve, connect, base):
    server, prefix = serve(reply(USER)), "/gate" if "gate" in base else ""
    client = connect(server.base_url + base)
    client.get_current_user()
    client.request("GET", "/v1/other")
    assert [request.path for request in server.requests] == [f"{prefix}/v1/users/me", f"{prefix}/v1/other"]


def test_the_session_streams(serve, connect, flavour):
    # A transport that waited for the end of this body would wait for ever.
    session = connect(serve(reply(b"first\n", content_type="text/plain", length=100) + HANG).base_url).session

    async def first_line():
        async with session.stream("GET", "/v1/export") as response:
            return await anext(response.aiter_lines())

    if flavour.is_async:
        assert flavour.settle(first_line()) == "first"
    else:
        with session.stream("GET", "/v1/export") as response:
            assert next(response.iter_lines()) == "first"
