"""Generated models: they read like mappings and keep what they do not know."""

import pytest
from codegen_api import models, reserved
from codegen_api.enums import MessageType

RUN = {"id": 7, "organization_id": 323}


def test_a_token_in_an_answer_is_not_in_its_repr():
    assert "s3cret" not in repr(models.GenerateTokenResponse(token="s3cret", message="", expires_in_minutes=1))


def test_message_types_have_the_words_that_users_know_and_print_them():
    assert {f"{word}" for word in MessageType} == {
        "ACTION", "PLAN_EVALUATION", "FINAL_ANSWER", "ERROR", "USER_MESSAGE", "USER_GITHUB_ISSUE_COMMENT",
        "INITIAL_PR_GENERATION", "DETECT_PR_ERRORS", "FIX_PR_ERRORS", "PR_CREATION_FAILED", "PR_EVALUATION",
        "COMMIT_EVALUATION", "AGENT_RUN_LINK",
    }  # fmt: skip


def test_unknown_fields_are_kept_and_reachable():
    run = models.AgentRunResponse.from_dict({**RUN, "cost": 4})
    assert run.cost == run["cost"] == run.dict()["cost"] == 4
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
