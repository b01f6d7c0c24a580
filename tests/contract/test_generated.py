"""The generated client: one way of calling, and models that read like mappings and keep what they do not know."""

import importlib
import pkgutil

import codegen_api
import pytest
from codegen_api import models, reserved
from codegen_api.enums import AgentRunStatus, MessageType
from codegen_api.operations import OPERATIONS

import codegen_ext

RUN = {"id": 7, "organization_id": 323}
CLIENTS = [
    ("codegen", codegen_api.Client, codegen_ext.CodegenClient),
    ("codegen", codegen_api.AsyncClient, codegen_ext.AsyncCodegenClient),
    ("chatserver", codegen_api.ChatServerClient, codegen_ext.ChatServerClient),
    ("chatserver", codegen_api.AsyncChatServerClient, codegen_ext.AsyncChatServerClient),
]
IN_ITS_OWN_FORM = {"list_admins"}
"""Operations whose method `chatserver_sdk` had with another result, which its users rely on."""


def public(kind):
    return {name for name in dir(kind) if name[0] != "_"}


@pytest.mark.parametrize(("service", "bare", "full"), CLIENTS)
def test_each_operation_has_one_method_and_codegen_ext_overrides_only_how_it_is_performed(service, bare, full):
    names = {operation.id for operation in OPERATIONS.values() if operation.service == service}
    raw, full_raw = (type(kind.with_raw_response.fget(None)) for kind in (bare, full))
    assert public(bare) - names <= {"send", "close", "aclose", "with_raw_response"}
    assert public(raw) == names
    assert {name for name in names if getattr(bare, name) is not getattr(full, name)} == IN_ITS_OWN_FORM & names
    assert [name for name in names if getattr(raw, name) is not getattr(full_raw, name)] == []


def test_only_the_base_of_the_clients_sends():
    modules = pkgutil.walk_packages(codegen_api.__path__, "codegen_api.")
    using = {module.name for module in modules if hasattr(importlib.import_module(module.name), "httpx")}
    assert using == {"codegen_api._async.base", "codegen_api._sync.base"}


def test_no_repr_shows_the_token():
    assert "s3cret" not in repr(codegen_api.Client("http://service.invalid", "s3cret"))
    assert "s3cret" not in repr(models.GenerateTokenResponse(token="s3cret", message="", expires_in_minutes=1))


def test_the_enums_have_the_words_that_users_know_and_print_them():
    assert set(AgentRunStatus) == {"pending", "running", "completed", "failed", "cancelled", "paused"}
    assert {f"{word}" for word in MessageType} == {
        "ACTION", "PLAN_EVALUATION", "FINAL_ANSWER", "ERROR", "USER_MESSAGE", "USER_GITHUB_ISSUE_COMMENT",
        "INITIAL_PR_GENERATION", "DETECT_PR_ERRORS", "FIX_PR_ERRORS", "PR_CREATION_FAILED", "PR_EVALUATION",
        "COMMIT_EVALUATION", "AGENT_RUN_LINK",
    }  # fmt: skip
    log = models.AgentRunLogResponse.from_dict({"agent_run_id": 7, "message_type": "FINAL_ANSWER"})
    assert log.message_type is MessageType.FINAL_ANSWER
    assert models.AgentRunResponse.from_dict({**RUN, "source_type": "API"}).source_type is models.SourceType.API


def test_unknown_fields_are_kept_and_reachable():
    run = models.AgentRunResponse.from_dict({**RUN, "cost": 4})
    assert (run["cost"], run.dict()["cost"], run.to_dict()["cost"]) == (4, 4, 4)
    assert run.cost == 4
    assert "cost" in run
    assert "nothing" not in run
    with pytest.raises(AttributeError, match="nothing"):
        run.nothing  # noqa: B018
    with pytest.raises(KeyError):
        run["nothing"]


def test_a_model_is_a_response_model_of_fastapi_and_a_dict():
    from fastapi import FastAPI
    from fastapi.encoders import jsonable_encoder
    from fastapi.testclient import TestClient

    run = models.AgentRunResponse.from_dict({**RUN, "status": "COMPLETE", "metadata": {"a": [1]}, "new": 1})
    app = FastAPI()
    app.get("/run")(lambda: run)
    app.get("/typed", response_model=models.AgentRunResponse)(lambda: run)
    app.get("/data", response_model=models.AgentRunResponse)(run.to_dict)
    app.get("/wrong", response_model=models.AgentRunResponse)(lambda: {"id": "x"})
    client = TestClient(app, raise_server_exceptions=False)
    answers = [client.get(path).json() for path in ("/run", "/typed", "/data")]
    assert answers == [{**run.dict(), "raw_status": "COMPLETE"}] * 3 == [jsonable_encoder(run)] * 3
    assert client.get("/wrong").status_code == 500
    described = client.get("/openapi.json").json()["paths"]["/typed"]["get"]["responses"]["200"]
    assert described["content"]["application/json"]["schema"]["description"].startswith("One agent run")
    assert dict(run) == {**run.dict(), "status": run.status}


@pytest.mark.parametrize("metadata", [None, {}, {"mine": 1}, {"empty": False}])
@pytest.mark.parametrize("kept", [{}, {"tags": ["a"]}, {"empty": True}])
def test_users_get_their_metadata_back_from_beside_what_the_package_keeps(metadata, kept):
    whole = reserved.with_reserved(metadata, kept)
    run = models.AgentRunResponse.from_dict({**RUN, "metadata": whole})
    assert run.metadata == run.dict()["metadata"] == metadata
    assert run.to_dict()["metadata"] == whole
    changed = models.AgentRunResponse(7, 323, metadata=None, reserved_metadata=run.reserved_metadata)
    assert models.AgentRunResponse.from_dict(changed.to_dict()).metadata is None
    for other in (None, 5, "empty", ["empty"], {}):
        assert models.AgentRunResponse.from_dict({**RUN, "metadata": {"codegen_sdk": other}}).metadata is None
