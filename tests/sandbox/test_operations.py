"""The sandbox serves the whole contract, to those who may use it."""

import asyncio
from typing import Any

import httpx
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
    "create_chat_completion": {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}], "user": "ada"},
    "add_admin": {"workos_id": "user_1", "email": "ada@example.com"},
}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "get_user": {"user_id": 2},
    "revoke_oauth_token": {"provider": "slack"},
    "analyze_sandbox_logs": {"sandbox_id": 1},
    "list_sessions": {"user_id": "ada"},
    "remove_admin": {"email": "admin@example.com"},
}
IDS = dict.fromkeys(("agent_run_id", "repo_id", "pr_id", "user_id", "sandbox_id"), 1)


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_every_operation_is_served_to_those_with_a_token(api, operation_id):
    api.create()
    session_id = api.call("create_chat_completion", BODIES["create_chat_completion"]).json()["system_fingerprint"]
    arguments = {"agent_run_id": 1, "repo_id": 107, "pr_id": 1, **ARGUMENTS.get(operation_id, {})}
    if operation_id == "get_session":
        arguments |= {"session_id": session_id, "user_id": "ada"}
    response = api.call(operation_id, BODIES.get(operation_id), **arguments)
    assert response.status_code == 200, response.text
    record = api.sandbox.requests[-1]
    assert (record.operation, record.status) == (operation_id, 200)
    for header in ("", "Bearer", "Bearer wrong", "Basic local-token"):
        api.client.headers["authorization"] = header
        response = api.call(operation_id, session_id="x", email="x", provider="x", **IDS)
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
        assert response.json()["status_code"] == 401


@pytest.mark.parametrize("method", ["DELETE", "HEAD", "OPTIONS", "TRACE", "PATCH", "ODD"])
def test_other_methods_are_refused_with_the_allowed_ones(either, method):
    response = either.client.request(method, either.url("get_check_suite_settings", org_id=323))
    assert (response.status_code, response.headers["allow"]) == (405, "GET, PUT")
    assert response.content == b"" if method == "HEAD" else response.json()["status_code"] == 405
    assert int(response.headers["content-length"]) > 0


def test_paths(either):
    assert either.client.get(either.url("resume_agent_run", org_id=323)).headers["allow"] == "POST", "a literal wins"
    url = either.url("get_users", org_id=323)
    for path in ("/", f"{url}/", f"/{url}", url.replace("323", "")):
        response = either.client.get(path)
        assert response.status_code == 404
        assert response.json() == {"message": "Not Found", "status_code": 404}
    assert either.sandbox.requests[-1].operation is None


def test_organizations_are_known_foreign_or_unknown(serve):
    api = serve(org_id=7)
    scoped = [name for name, operation in OPERATIONS.items() if "org_id" in {a.name for a in operation.arguments}]
    scoped.remove("generate_slack_connect_token")
    for operation_id in scoped:
        for org_id, status in ((8, 403), (323, 404), (2**70, 404), (-1, 404)):
            arguments = {**IDS, "provider": "slack", "org_id": org_id}
            response = api.call(operation_id, BODIES.get(operation_id), **arguments)
            assert (response.status_code, response.json()["status_code"]) == (status, status), operation_id
    assert api.call("generate_slack_connect_token", {"org_id": 8}).status_code == 403
    assert api.call("get_organizations").json()["items"][0]["id"] == 7


def test_any_token_can_be_accepted(serve):
    api = serve(token=None)
    api.client.headers["authorization"] = "bearer whatever"
    assert api.call("get_current_user").status_code == 200
    del api.client.headers["authorization"]
    assert api.call("get_current_user").status_code == 401
    assert api.sandbox.token
    assert api.sandbox.chat_api_key == api.sandbox.token


def test_requests_are_recorded_as_they_were_sent(either):
    either.clock.advance(3)
    answers = [either.call("remove_admin", email="a/b@example.com"), either.call("get_users", skip=1)]
    removed, listed = either.sandbox.requests
    assert removed.path == either.url("remove_admin", email="a/b@example.com")
    assert (removed.method, removed.status, removed.at) == ("DELETE", 404, 3)
    assert (listed.operation, listed.query) == ("get_users", "skip=1")
    assert listed.arguments == {"org_id": 323, "skip": 1, "limit": 100}
    assert [answer.headers["x-request-id"] for answer in answers] == ["sandbox-0-1", "sandbox-0-2"]


def test_both_ways_and_both_kinds_of_client_at_once(serve):
    api = serve(over_http=True)
    headers = dict(api.client.headers)

    async def create() -> int:
        async with httpx.AsyncClient(transport=api.sandbox.transport(), base_url="http://x", headers=headers) as client:
            return (await client.post(api.url("create_agent_run", org_id=323), json={"prompt": "y"})).json()["id"]

    assert [api.create("x"), asyncio.run(create())] == [1, 2]
    assert [run.prompt for run in api.sandbox.runs] == ["x", "y"]
