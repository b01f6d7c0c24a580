"""Every operation of the contract as a method of every client, and both kinds of client alike."""

import inspect
import json
from typing import Any

import pytest
from codegen_api import models
from codegen_api.operations import OPERATIONS, Operation

from codegen_ext import (
    AsyncChatServerClient,
    AsyncCodegenClient,
    ChatServerClient,
    CodegenClient,
)
from codegen_ext._async.client import AsyncRawCodegen
from codegen_ext._sync.client import RawCodegen
from codegen_ext.chatserver._async.client import AsyncRawChatServer
from codegen_ext.chatserver._sync.client import RawChatServer
from codegen_ext.testing import Sandbox

from ..conftest import TOKEN, Flavour
from ..support.calls import SESSION_USER, required

CLIENTS = {"codegen": (CodegenClient, AsyncCodegenClient), "chatserver": (ChatServerClient, AsyncChatServerClient)}
RAW = {"codegen": (RawCodegen, AsyncRawCodegen), "chatserver": (RawChatServer, AsyncRawChatServer)}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda operation: operation.id)
def test_an_operation_is_a_method_of_its_service_with_its_arguments_in_four_forms(operation: Operation[Any]) -> None:
    wanted = {a.python_name: a.required for a in operation.arguments if a.name != "stream"}
    for kind in (*CLIENTS[operation.service], *RAW[operation.service]):
        method = getattr(kind, operation.id)
        assert inspect.iscoroutinefunction(method) is kind.__name__.startswith("Async")
        assert inspect.getdoc(method)
        parameters = dict(inspect.signature(method).parameters)
        for name in ("self", "timeout", "extra_headers", "extra_query", "extra_body"):
            parameters.pop(name)
        assert {name: one.default is one.empty for name, one in parameters.items()} == wanted
    (other,) = set(CLIENTS) - {operation.service}
    assert not any(hasattr(kind, operation.id) for kind in CLIENTS[other])


@pytest.mark.parametrize("raw", [False, True])
def test_every_operation_returns_its_model_from_its_path_whole_when_asked(
    flavour: Flavour, client: Any, sandbox: Sandbox, raw: bool
) -> None:
    with flavour.chat(TOKEN, sandbox.base_url) as chat:
        clients = {"codegen": client, "chatserver": chat}
        client.create_agent_run(323, "hello", metadata={"a": {"b": [1]}})
        answer = chat.create_chat_completion("gpt-4o", [{"role": "user", "content": "Hi"}], user=SESSION_USER)
        for operation in OPERATIONS.values():
            caller = clients[operation.service]
            session = {"session_id": answer.system_fingerprint} if operation.id == "get_session" else {}
            result = getattr(caller.with_raw_response if raw else caller, operation.id)(
                **required(operation, **session)
            )
            assert sandbox.requests[-1].operation == operation.id
            if raw:
                assert (result.status_code, result.status_code.phrase) == (200, "OK")
                assert result.headers["X-Request-Id"].startswith("sandbox-")
                assert isinstance(json.loads(result.content), dict | list)
                result = result.parsed
            kind = (RAW if raw else CLIENTS)[operation.service][0]
            check(result, getattr(kind, operation.id).__annotations__["return"])


def check(result: Any, annotation: str) -> None:
    if annotation == "Any" or annotation.startswith("dict["):
        assert isinstance(result, dict)
    elif annotation.startswith("list["):
        assert result
        for item in result:
            check(item, annotation.removeprefix("list[").removesuffix("]"))
    else:
        assert type(result) is getattr(models, annotation)
        plain = result.dict()
        assert json.loads(json.dumps(plain)) == plain
        assert json.loads(json.dumps(result.to_dict())) == result.to_dict()


def test_arguments_reach_the_service(client: Any, sandbox: Sandbox) -> None:
    for number in range(3):
        client.create_agent_run(323, f"run {number}")
    page = client.list_agent_runs(323, user_id=1, source_type="API", skip=1, limit=1)
    assert [run.id for run in page.items] == [2]
    assert (page.total, page.page, page.size, page.pages) == (3, 2, 1, 3)
    assert sandbox.requests[-1].query == "user_id=1&source_type=API&skip=1&limit=1"
    client.list_agent_runs(323)  # what is not given is not sent
    assert sandbox.requests[-1].query in ("", "skip=0&limit=100")


def test_path_arguments_are_quoted_and_bodies_may_be_models(flavour: Flavour, sandbox: Sandbox) -> None:
    with flavour.chat(TOKEN, sandbox.base_url) as chat:
        chat.add_admin("user_3", "a/b c?d@example.com")
        assert chat.remove_admin("a/b c?d@example.com").success is True
        assert sandbox.requests[-1].path == "/api/v1/platform/admins/a%2Fb%20c%3Fd%40example.com"
        message = models.ChatMessage(role=models.ChatRole.USER, content="Hi there")
        answer = chat.create_chat_completion("gpt-4o", [message, {"role": "assistant", "content": "Yes?"}])
    assert answer.choices[0].message.content == "Echo: Hi there"
