"""The sandbox serves the whole contract, as the contract says."""

from typing import Any

import pytest
from codegen_api.operations import OPERATIONS

BODIES: dict[str, Any] = {
    "create_agent_run": {"prompt": "Fix the bug"},
    "resume_agent_run": {"agent_run_id": 1, "prompt": "Go on"},
    "ban_agent_run": {"agent_run_id": 1},
    "unban_agent_run": {"agent_run_id": 1},
    "remove_codegen_from_pr": {"agent_run_id": 1},
    "update_check_suite_settings": {"check_retry_count": 5},
    "edit_pull_request": {"state": "closed"},
    "edit_repo_pull_request": {"state": "draft"},
    "generate_setup_commands": {"repo_id": 1},
    "generate_slack_connect_token": {"org_id": 323},
    "create_chat_completion": {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": "Hi"}],
        "user": "ada",
    },
    "add_admin": {"workos_id": "user_1", "email": "ada@example.com"},
}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "get_user": {"user_id": 2},
    "revoke_oauth_token": {"provider": "slack"},
    "analyze_sandbox_logs": {"sandbox_id": 1},
    "list_sessions": {"user_id": "ada"},
    "remove_admin": {"email": "admin@example.com"},
}


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_every_operation_is_served(api, operation_id):
    api.create()
    session_id = api.call("create_chat_completion", BODIES["create_chat_completion"]).json()["system_fingerprint"]
    arguments = {"agent_run_id": 1, "repo_id": 107, "pr_id": 1, **ARGUMENTS.get(operation_id, {})}
    if operation_id == "get_session":
        arguments |= {"session_id": session_id, "user_id": "ada"}
    response = api.call(operation_id, BODIES.get(operation_id), **arguments)
    assert response.status_code == 200, response.text
    assert api.sandbox.requests[-1].operation == operation_id
    assert api.sandbox.requests[-1].status == 200


def test_what_the_contract_gains_is_answered_501_until_it_is_served(api):
    del api.sandbox._handler.serving["get_users"]
    response = api.call("get_users", check=False)
    assert response.status_code == 501
    assert "get_users" in response.json()["message"]


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_a_token_is_needed(api, operation_id):
    for header in ("", "Bearer", "Bearer wrong", "Basic local-token"):
        api.client.headers["authorization"] = header
        arguments = dict.fromkeys(("agent_run_id", "repo_id", "pr_id", "user_id", "sandbox_id"), 1)
        response = api.call(operation_id, session_id="x", email="x", provider="x", **arguments)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.json()["status_code"] == 401


@pytest.mark.parametrize("method", ["DELETE", "HEAD", "OPTIONS", "TRACE", "PATCH"])
def test_other_methods_are_refused_with_what_is_allowed(api, method):
    url = api.url("get_check_suite_settings", org_id=323)
    response = api.client.request(method, url)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, PUT"
    assert response.content == b"" if method == "HEAD" else response.json()["status_code"] == 405


def test_a_literal_segment_wins_over_a_variable_one(api):
    assert api.client.get(api.url("resume_agent_run", org_id=323)).headers["allow"] == "POST"


def test_unknown_paths_lead_nowhere(api):
    url = api.url("get_users", org_id=323)
    for path in ("/", f"{url}/", f"/{url}", url.replace("323", "")):
        response = api.client.get(path)
        assert response.status_code == 404
        assert response.json() == {"message": "Not Found", "status_code": 404}
    assert api.sandbox.requests[-1].operation is None


def test_organisations_are_known_foreign_or_unknown(api):
    scoped = [name for name, operation in OPERATIONS.items() if "org_id" in {a.name for a in operation.arguments}]
    scoped.remove("generate_slack_connect_token")
    arguments = dict.fromkeys(("agent_run_id", "repo_id", "pr_id", "user_id", "sandbox_id"), 1)
    for operation_id in scoped:
        body = BODIES.get(operation_id)
        for org_id, status in ((324, 403), (325, 404), (2**70, 404), (-1, 404)):
            response = api.call(operation_id, body, **{**arguments, "provider": "slack", "org_id": org_id})
            assert response.status_code == status, operation_id
            assert response.json()["status_code"] == status
    assert api.call("generate_slack_connect_token", {"org_id": 324}).status_code == 403


def test_every_answer_has_its_own_request_id(api):
    ids = [api.call("get_current_user").headers["x-request-id"] for _ in range(3)]
    assert len(set(ids)) == 3
    assert all(name.startswith("sandbox-0-") for name in ids)


def test_any_token_can_be_accepted(serve):
    api = serve(token=None)
    api.client.headers["authorization"] = "bearer whatever"
    assert api.call("get_current_user").status_code == 200
    del api.client.headers["authorization"]
    assert api.call("get_current_user").status_code == 401
    assert api.sandbox.token
    assert api.sandbox.chat_api_key == api.sandbox.token


def test_requests_are_recorded_as_they_were_sent(api):
    api.clock.advance(3)
    api.call("remove_admin", email="a/b@example.com")
    api.call("get_users", skip=1)
    removed, listed = api.sandbox.requests
    assert removed.path == api.url("remove_admin", email="a/b@example.com")
    assert (removed.method, removed.status, removed.at) == ("DELETE", 404, 3)
    assert (listed.operation, listed.query) == ("get_users", "skip=1")
