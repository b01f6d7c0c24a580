"""What comes back: every operation's model, its response as a whole, and metadata as they were given."""

import json
from typing import Any

import codegen_api
import pytest
from codegen_api import models
from codegen_api.operations import OPERATIONS

from codegen_ext import ChatServerClient, CodegenClient
from codegen_ext.testing import Fault, Sandbox

from ..conftest import TOKEN, Flavour
from ..support.calls import SESSION_USER, required

KINDS: dict[str, tuple[Any, Any]] = {
    "codegen": (CodegenClient, codegen_api.Client),
    "chatserver": (ChatServerClient, codegen_api.ChatServerClient),
}
"""The clients of each service: those of this package, and the bare ones, whose models the raw responses have."""
USER = {"id": 1, "email": None, "github_user_id": "1", "github_username": "octocat"}


@pytest.mark.parametrize("raw", [False, True])
def test_every_operation_returns_its_model_from_its_path_whole_when_asked(
    flavour: Flavour, client: Any, sandbox: Sandbox, raw: bool
) -> None:
    with flavour.chat(TOKEN, sandbox.base_url) as chat:
        callers = {"codegen": client, "chatserver": chat}
        client.create_agent_run(323, "hello", metadata={"a": {"b": [1]}})
        answer = chat.create_chat_completion("gpt-4o", [{"role": "user", "content": "Hi"}], user=SESSION_USER)
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


def check(result: Any, annotation: str) -> None:
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
def test_any_status_of_success_is_decoded(client: Any, sandbox: Sandbox, status: int) -> None:
    sandbox.inject("get_current_user", Fault.status(status, USER))
    assert client.get_current_user().github_username == "octocat"
    whole = client.with_raw_response.get_current_user()
    assert (whole.status_code, whole.parsed.id, json.loads(whole.content)) == (status, 1, USER)
    assert whole.headers["content-type"] == "application/json"


def test_metadata_comes_back_as_it_was_given_without_the_reserved_key(client: Any, sandbox: Sandbox) -> None:
    given = {"deep": {"list": [1, {"x": None}]}, "ünï": "☃"}
    run = client.create_agent_run(323, "hello", metadata={**given, "codegen_sdk": {"priority": "high"}})
    kept = {"priority": "high", "request_id": sandbox.runs[0].metadata["codegen_sdk"]["request_id"]}
    assert sandbox.runs[0].metadata == {**given, "codegen_sdk": kept}
    for shown in (run, client.get_agent_run_logs(323, run.id), client.list_agent_runs(323).items[0]):
        assert shown.metadata == shown.dict()["metadata"] == given
        assert "codegen_sdk" not in json.dumps(shown.dict())
        assert shown.to_dict()["metadata"] == {**given, "codegen_sdk": kept}
