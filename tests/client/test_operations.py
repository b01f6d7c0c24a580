"""Every operation: what it refuses before anything is sent, what it sends, and what comes back."""

import json
import math

import codegen_api
import pytest
from codegen_api import models
from codegen_api.operations import OPERATIONS

from codegen_ext import ChatServerClient, CodegenClient, ValidationError
from codegen_ext.testing import Fault

from ..conftest import TOKEN, once
from ..support.calls import SESSION_USER, required
from ..support.loopback import reply

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
def test_what_an_argument_does_not_take_is_refused_by_its_name(callers, sandbox):
    for operation, argument in EVERY_ARGUMENT:
        for value, problem in wrong_values(argument):
            with pytest.raises(ValidationError) as caught:
                getattr(callers[operation.service], operation.id)(
                    **required(operation, **{argument.python_name: value})
                )
            error = caught.value
            assert error.operation == operation.id
            assert error.status_code == (400 if operation.service == "chatserver" else None)
            assert list(error.field_errors) == [argument.name]
            assert error.field == argument.name
            assert argument.name in error.message
            assert problem in error.message
    assert sandbox.requests == []


@once
def test_the_bounds_themselves_are_accepted(callers, sandbox):
    callers["codegen"].create_agent_run(323, "hello")
    for operation, argument in EVERY_ARGUMENT:
        for bound in (argument.minimum, argument.maximum):
            if bound is not None:
                getattr(callers[operation.service], operation.id)(
                    **required(operation, **{argument.python_name: bound})
                )
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


def test_metadata_comes_back_as_it_was_given_without_the_reserved_key(client, sandbox):
    given = {"deep": {"list": [1, {"x": None}]}, "ünï": "☃"}
    run = client.create_agent_run(323, "hello", metadata={**given, "codegen_sdk": {"priority": "high"}})
    kept = {"priority": "high", "request_id": sandbox.runs[0].metadata["codegen_sdk"]["request_id"]}
    assert sandbox.runs[0].metadata == {**given, "codegen_sdk": kept}
    for shown in (run, client.get_agent_run_logs(323, run.id), client.list_agent_runs(323).items[0]):
        assert shown.metadata == shown.dict()["metadata"] == given
        assert "codegen_sdk" not in json.dumps(shown.dict())
        assert shown.to_dict()["metadata"] == {**given, "codegen_sdk": kept}
