"""What comes back: models that keep all they were sent, with plain dicts where the contract is free."""

import copy
import json
import pickle
from typing import Any

import pytest
from codegen_api import models
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen_ext import AgentRunResponse
from codegen_ext.testing import Fault, Sandbox

USER = {"id": 1, "email": None, "github_user_id": "1", "github_username": "octocat"}
RUN = {"id": 7, "organization_id": 323}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("status", [200, 201, 202, 203, 206, 299])
def test_any_status_of_success_is_decoded(client: Any, sandbox: Sandbox, status: int) -> None:
    sandbox.inject("get_current_user", Fault.status(status, USER))
    assert client.get_current_user().github_username == "octocat"
    whole = client.with_raw_response.get_current_user()
    assert (whole.status_code, whole.parsed.id, json.loads(whole.content)) == (status, 1, USER)
    assert whole.headers["content-type"] == "application/json"


def test_an_unknown_field_is_kept_and_reachable_in_every_way(client: Any, sandbox: Sandbox) -> None:
    sandbox.inject("get_current_user", Fault.status(200, {**USER, "karma": {"level": [1, 2]}}))
    user = client.get_current_user()
    assert user.karma == user["karma"] == user.dict()["karma"] == user.to_dict()["karma"] == {"level": [1, 2]}
    assert user["github_username"] == "octocat"
    assert [name in user for name in ("karma", "id", "fame")] == [True, True, False]
    with pytest.raises(AttributeError, match="'UserResponse' object has no attribute 'fame'"):
        user.fame  # noqa: B018
    with pytest.raises(KeyError):
        user["fame"]


@pytest.mark.parametrize("metadata", [{}, {"a": 1}, {"deep": {"list": [1, {"x": None}]}, "ünï": "☃"}, None])
def test_metadata_comes_back_as_it_was_given(client: Any, metadata: dict[str, Any] | None) -> None:
    run = client.create_agent_run(323, "hello", metadata=metadata)
    assert run.metadata == client.get_agent_run(323, run.id).metadata == metadata
    assert client.list_agent_runs(323).items[0].metadata == metadata
    assert client.get_agent_run_logs(323, run.id).metadata == metadata
    assert type(run.metadata) is type(metadata)


def test_the_reserved_key_of_metadata_is_not_shown(client: Any, sandbox: Sandbox) -> None:
    run = client.create_agent_run(323, "hello", metadata={"a": 1, "codegen_sdk": {"priority": "high"}})
    kept = {"priority": "high", "request_id": sandbox.runs[0].metadata["codegen_sdk"]["request_id"]}
    assert sandbox.runs[0].metadata == {"a": 1, "codegen_sdk": kept}
    for shown in (run, client.get_agent_run_logs(323, run.id), client.list_agent_runs(323).items[0]):
        assert shown.metadata == shown.dict()["metadata"] == {"a": 1}
        assert "codegen_sdk" not in json.dumps(shown.dict())
        assert shown.to_dict()["metadata"] == {"a": 1, "codegen_sdk": kept}


def test_free_form_fields_are_plain_dicts(client: Any, sandbox: Sandbox) -> None:
    sandbox.script(logs=20, seconds=0)
    run = client.create_agent_run(323, "hello", metadata={"a": 1})
    logs = client.get_agent_run_logs(323, run.id).logs
    actions = [entry for entry in logs if entry.message_type == "ACTION"]
    assert {(type(entry.tool_input), type(entry.tool_output)) for entry in actions} == {(dict, dict)}
    assert {type(entry.observation) for entry in actions} == {str, dict}
    assert {"ACTION", "FINAL_ANSWER", "USER_MESSAGE"} <= {f"{entry.message_type}" for entry in logs}
    assert type(client.get_check_suite_settings(323, 107).custom_prompts) is dict
    assert type(client.get_oauth_token_status(323)) is dict


FREE_NAMES = st.text().filter(lambda name: not name.startswith("_") and not hasattr(models.UserResponse, name))


@settings(max_examples=20)
@given(JSON, st.dictionaries(FREE_NAMES, JSON, max_size=3))
def test_any_free_form_value_and_any_unknown_field_come_through_unchanged(value: Any, fields: dict[str, Any]) -> None:
    run = AgentRunResponse.from_dict({**RUN, "metadata": {"value": value}, "extra": value})
    assert (run.metadata, run["extra"]) == ({"value": value}, value)
    assert json.loads(json.dumps(run.dict()))["extra"] == value
    assert AgentRunResponse.from_dict(run.to_dict()) == run
    user = models.UserResponse.from_dict({**fields, **USER})
    assert {**user.dict(), **fields} == user.dict()
    assert all(user[name] == value for name, value in fields.items())


def test_models_can_be_copied_and_pickled_and_leave_their_source_alone() -> None:
    data = {**RUN, "id": 2**70, "status": "COMPLETE", "extra": [1]}
    run = AgentRunResponse.from_dict(data)
    assert data == {**RUN, "id": 2**70, "status": "COMPLETE", "extra": [1]}
    for other in (copy.copy(run), copy.deepcopy(run), pickle.loads(pickle.dumps(run))):
        assert (other, other.extra, other.id) == (run, [1], 2**70)
