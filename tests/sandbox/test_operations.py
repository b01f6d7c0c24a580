"""The sandbox serves the whole contract, to those who may use it."""

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
IDS: dict[str, Any] = dict.fromkeys(("agent_run_id", "repo_id", "pr_id", "user_id", "sandbox_id"), 1)
IDS |= {"provider": "slack", "email": "admin@example.com"}


def test_every_operation_is_served_to_those_with_a_token(api):
    api.create()
    stored = api.json("create_chat_completion", BODIES["create_chat_completion"])
    ids = {**IDS, "session_id": stored["system_fingerprint"]}
    for operation_id in OPERATIONS:
        arguments = {**ids, "user_id": "ada"} if operation_id in ("get_session", "list_sessions") else ids
        response = api.call(operation_id, BODIES.get(operation_id), **arguments)
        assert response.status_code == 200, response.text
        record = api.sandbox.requests[-1]
        assert (record.operation, record.status) == (operation_id, 200)
    for operation_id in OPERATIONS:
        for header in ("", "Bearer", "Bearer wrong", "Basic local-token"):
            api.client.headers["authorization"] = header
            response = api.call(operation_id, **ids)
            assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("method", ["DELETE", "HEAD", "ODD"])
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
            response = api.call(operation_id, BODIES.get(operation_id), **IDS, org_id=org_id)
            assert (response.status_code, response.json()["status_code"]) == (status, status), operation_id
    assert api.status("generate_slack_connect_token", {"org_id": 8}) == 403
    assert api.json("get_organizations")["items"][0]["id"] == 7
    assert api.json("get_integrations")["organization_id"] == 7


def test_any_token_can_be_accepted(serve):
    api = serve(token=None)
    api.client.headers["authorization"] = "bearer whatever"
    assert api.status("get_current_user") == 200
    del api.client.headers["authorization"]
    assert api.status("get_current_user") == 401
    assert api.sandbox.chat_api_key == api.sandbox.token
    assert api.sandbox.webhook_secret not in repr(api.sandbox)


def test_requests_are_recorded_as_they_were_sent(either):
    either.clock.advance(3)
    answers = [either.call("remove_admin", email="a/b@example.com"), either.call("get_users", skip=1)]
    removed, listed = either.sandbox.requests
    assert removed.path == either.url("remove_admin", email="a/b@example.com")
    assert (removed.method, removed.status, removed.at) == ("DELETE", 404, 3)
    assert (listed.operation, listed.query) == ("get_users", "skip=1")
    assert listed.arguments == {"org_id": 323, "skip": 1, "limit": 100}
    assert [answer.headers["x-request-id"] for answer in answers] == ["sandbox-0-1", "sandbox-0-2"]


def test_both_ways_at_once(serve):
    api = serve(over_http=True)
    with httpx.Client(transport=api.sandbox.transport(), headers=api.client.headers, base_url="http://x") as client:
        assert client.post(api.url("create_agent_run", org_id=323), json={"prompt": "y"}).json()["id"] == 1
    assert api.create("x") == 2
    assert [run.prompt for run in api.sandbox.runs] == ["y", "x"]


def test_owner_repo_is_found_by_those_who_read_all_pages(serve):
    api, other = serve(), serve()
    pages = [api.json("get_repositories", skip=skip, limit=40) for skip in range(0, 160, 40)]
    numbers = [(page["page"], page["size"], page["pages"], page["total"]) for page in pages]
    assert numbers == [(number, 40, 4, 150) for number in (1, 2, 3, 4)]
    names = [repository["full_name"] for page in pages for repository in page["items"]]
    assert len(set(names)) == 150
    assert names.index("owner/repo") > 100, "not on the first page of the default size"
    beyond = api.json("get_repositories", skip=2**80, limit=7)
    assert (beyond["items"], beyond["pages"]) == ([], 22)
    api.sandbox.repositories[0]["full_name"] = "owner/renamed"
    api.sandbox.repositories.append({**api.sandbox.repositories[0], "id": 151, "full_name": "owner/new"})
    assert api.json("get_repositories", skip=150)["items"][0]["full_name"] == "owner/new"
    assert other.sandbox.repositories[0]["full_name"] == names[0]
    assert len(other.sandbox.repositories) == 150


def test_users_and_check_suite_settings(api):
    users = api.json("get_users")["items"]
    assert api.json("get_current_user") == users[0]
    assert api.json("get_user", user_id=users[-1]["id"]) == users[-1]
    assert api.json("get_user", user_id=99)["message"] == "User not found."
    before = api.json("get_check_suite_settings", repo_id=1)
    change = {"check_retry_count": 7, "ignored_checks": ["lint"], "custom_prompts": None, "unknown": 1}
    assert api.status("update_check_suite_settings", change, repo_id=1) == 200
    after = api.json("get_check_suite_settings", repo_id=1)
    assert after == {**before, "check_retry_count": 7, "ignored_checks": ["lint"]}
    assert api.json("get_check_suite_settings", repo_id=2) == before
    assert api.status("update_check_suite_settings", change, repo_id=999) == 404
