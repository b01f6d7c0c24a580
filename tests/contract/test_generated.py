"""The traps of the generator, each of which the templates or the contract must keep shut."""

import datetime
import subprocess
import sys
from typing import Any

import httpx
import pytest
from codegen_api import Client, models, reserved
from codegen_api.codec import parse_timestamp
from codegen_api.enums import AgentRunStatus, MessageType
from codegen_api.errors import InvalidModel, UnexpectedStatus
from hypothesis import given
from hypothesis import strategies as st

RUN = {"id": 7, "organization_id": 323}


def answering(status: int, body: object) -> Client:
    transport = httpx.MockTransport(lambda request: httpx.Response(status, json=body))
    return Client("http://service.invalid", http_client=httpx.Client(transport=transport))


def test_no_repr_shows_the_token() -> None:
    assert "s3cret" not in repr(Client("http://service.invalid", "s3cret"))
    token = models.GenerateTokenResponse(token="s3cret", message="", expires_in_minutes=1)
    assert "s3cret" not in repr(token)


def test_a_required_field_travels_as_null() -> None:
    rules = {"organization_rules": None, "user_custom_prompt": None}
    assert models.CLIRulesResponse.from_dict(rules).to_dict() == rules


def test_unknown_words_survive() -> None:
    run = models.AgentRunResponse.from_dict({**RUN, "source_type": "CARRIER_PIGEON", "status": "DREAMING"})
    assert (run.source_type, run.status, run.raw_status) == ("CARRIER_PIGEON", "DREAMING", "DREAMING")
    assert models.AgentRunResponse.from_dict({**RUN, "source_type": "API"}).source_type is models.SourceType.API
    log = models.AgentRunLogResponse.from_dict({"agent_run_id": 7, "message_type": "HUM"})
    assert log.message_type == "HUM"
    assert run.to_dict() == {**RUN, "source_type": "CARRIER_PIGEON", "status": "DREAMING"}


@pytest.mark.parametrize(("status", "body"), [(418, {}), (404, {"message": "Agent run not found."}), (302, {})])
def test_anything_but_success_is_an_exception(status: int, body: object) -> None:
    with pytest.raises(UnexpectedStatus) as caught:
        answering(status, body).get_agent_run(323, 7)
    assert caught.value.status_code == status


@pytest.mark.parametrize("body", [[], "text", None, 3, {"items": None}, {"items": 5}, {"items": ["x"]}])
def test_a_body_of_another_shape_is_a_typed_error(body: object) -> None:
    page = {"total": 1, "page": 1, "size": 1, "pages": 1}
    with pytest.raises(InvalidModel):
        models.AgentRunsResponse.from_dict({**page, **body} if isinstance(body, dict) else body)  # type: ignore[arg-type]


def test_free_form_objects_are_dicts() -> None:
    log = models.AgentRunLogResponse.from_dict(
        {"agent_run_id": 7, "tool_input": {"a": {"b": 1}}, "observation": {"c": 2}}
    )
    assert type(log.tool_input) is dict
    assert type(log.observation) is dict
    assert models.AgentRunLogResponse.from_dict({"agent_run_id": 7, "observation": "text"}).observation == "text"
    settings = models.CheckSuiteSettingsRequest(check_retry_counts={"ci": 2})
    assert settings.to_dict() == {"check_retry_counts": {"ci": 2}}


def test_unknown_fields_are_kept_and_reachable() -> None:
    run = models.AgentRunResponse.from_dict({**RUN, "cost": 4})
    assert (run["cost"], run.dict()["cost"], run.to_dict()["cost"]) == (4, 4, 4)
    assert run.cost == 4  # type: ignore[attr-defined]
    assert "cost" in run
    assert "nothing" not in run
    with pytest.raises(AttributeError, match="nothing"):
        run.nothing  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(KeyError):
        run["nothing"]


def test_a_model_is_a_response_model_of_fastapi_and_a_dict() -> None:
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


def test_what_the_package_keeps_in_metadata_is_not_shown() -> None:
    run = models.AgentRunResponse.from_dict({**RUN, "metadata": {"mine": 1, "codegen_sdk": {"tags": ["a"]}}})
    assert run.metadata == {"mine": 1}
    assert run.reserved_metadata == {"tags": ["a"]}
    assert run.to_dict()["metadata"] == {"mine": 1, "codegen_sdk": {"tags": ["a"]}}
    assert run.dict()["metadata"] == {"mine": 1}


@pytest.mark.parametrize("metadata", [None, {}, {"mine": 1}, {"empty": False}])
@pytest.mark.parametrize("kept", [{}, {"tags": ["a"]}, {"empty": True}])
def test_users_get_their_metadata_back_from_beside_what_the_package_keeps(
    metadata: dict[str, Any] | None, kept: dict[str, Any]
) -> None:
    whole = reserved.with_reserved(metadata, kept)
    assert whole is not None
    run = models.AgentRunResponse.from_dict({**RUN, "metadata": whole})
    assert run.metadata == run.dict()["metadata"] == metadata
    assert run.to_dict()["metadata"] == whole
    changed = models.AgentRunResponse(7, 323, metadata=None, reserved_metadata=run.reserved_metadata)
    assert models.AgentRunResponse.from_dict(changed.to_dict()).metadata is None


@pytest.mark.parametrize("reserved", [None, 5, "empty", ["empty"], {}])
def test_what_others_put_under_the_reserved_key_is_not_shown(reserved: Any) -> None:
    assert models.AgentRunResponse.from_dict({**RUN, "metadata": {"codegen_sdk": reserved}}).metadata is None


def test_every_wire_word_has_its_meaning() -> None:
    meanings = {
        "pending": ["PENDING", "QUEUED"],
        "running": ["ACTIVE", "RUNNING", "EVALUATION"],
        "completed": ["COMPLETE", "completed"],
        "failed": ["ERROR", "FAILED", "TIMEOUT", "MAX_ITERATIONS_REACHED", "OUT_OF_TOKENS"],
        "cancelled": ["CANCELLED", "STOPPED"],
        "paused": ["PAUSED"],
    }
    for meaning, words in meanings.items():
        for word in words:
            for model in (
                models.AgentRunResponse.from_dict({**RUN, "status": word}),
                models.AgentRunWithLogsResponse.from_dict({**RUN, "logs": [], "status": word}),
                models.SetupCommandsResponse.from_dict({"agent_run_id": 7, "url": "", "status": word}),
                models.AnalyzeLogsResponse.from_dict({"agent_run_id": 7, "message": "", "status": word}),
            ):
                assert (model.status, model.raw_status) == (meaning, word)
    assert {status for status in AgentRunStatus if status.is_terminal} == {"completed", "failed", "cancelled"}
    assert f"{MessageType.ACTION}" == "ACTION"


def offset(minutes: int) -> datetime.tzinfo:
    return datetime.timezone(datetime.timedelta(minutes=minutes))


@given(st.datetimes(timezones=st.integers(-1439, 1439).map(offset)))
def test_timestamps_of_any_offset_are_read(moment: datetime.datetime) -> None:
    assert parse_timestamp(moment.isoformat()) == moment


def test_timestamps_in_other_notations_are_read() -> None:
    expected = datetime.datetime(2026, 3, 1, 12, 30, tzinfo=datetime.UTC)
    for text in (
        "2026-03-01T12:30:00",
        "2026-03-01 12:30:00+00:00",
        "Sun, 01 Mar 2026 12:30:00 GMT",
        "2026-03-01T12:30Z",
    ):
        assert parse_timestamp(text) == expected


def test_importing_the_models_imports_none_of_them() -> None:
    code = "import sys, codegen_api.models; print([name for name in sys.modules if 'codegen_api.models.' in name])"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"
