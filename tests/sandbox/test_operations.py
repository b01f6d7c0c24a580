"""The sandbox serves the whole contract, to those who may use it."""

import pytest
from codegen_api.operations import OPERATIONS

from ..support.calls import SESSION_USER, required


def test_every_operation_is_served_to_those_with_a_token_for_its_organization(api):
    api.create()
    stored = api.ask("Hi", user=SESSION_USER).json()["system_fingerprint"]
    for name, operation in OPERATIONS.items():
        given = required(operation, session_id=stored)
        response = api.call(name, **given)
        assert response.status_code == 200, response.text
        record = api.sandbox.requests[-1]
        assert (record.operation, record.status) == (name, 200)
        if "org_id" in given:
            for org_id, status in ((324, 403), (325, 404), (2**70, 404), (-1, 404)):
                # The token of Slack is asked for with the organization in the body.
                response = api.call(name, **{**given, "org_id": org_id})
                assert (response.status_code, response.json()["status_code"]) == (status, status), name
    for name, operation in OPERATIONS.items():
        for header in ("", "Bearer", "Bearer wrong", "Basic local-token"):
            api.client.headers["authorization"] = header
            response = api.call(name, **required(operation))
            assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("method", ["DELETE", "HEAD", "ODD"])
def test_other_methods_are_refused_with_the_allowed_ones(either, method):
    response = either.client.request(method, either.url("get_check_suite_settings"))
    assert (response.status_code, response.headers["allow"]) == (405, "GET, PUT")
    assert response.content == b"" if method == "HEAD" else response.json()["status_code"] == 405
    assert int(response.headers["content-length"]) > 0


def test_paths(either):
    assert either.client.get(either.url("resume_agent_run")).headers["allow"] == "POST", "a literal wins"
    url = either.url("get_users")
    for path in ("/", f"{url}/", f"/{url}", url.replace("323", "")):
        response = either.client.get(path)
        assert (response.status_code, response.json()) == (404, {"message": "Not Found", "status_code": 404})
    assert either.sandbox.requests[-1].operation is None


def test_requests_are_recorded_as_they_were_sent(either):
    either.clock.advance(3)
    answers = [either.call("remove_admin", email="a/b@example.com"), either.call("get_users", skip=1)]
    removed, listed = either.sandbox.requests
    assert removed.path == either.url("remove_admin", email="a/b@example.com")
    assert (removed.method, removed.status, removed.at) == ("DELETE", 404, 3)
    assert (listed.operation, listed.query) == ("get_users", "skip=1")
    assert listed.arguments == {"org_id": 323, "skip": 1, "limit": 100}
    assert [answer.headers["x-request-id"] for answer in answers] == ["sandbox-0-1", "sandbox-0-2"]


def test_repositories_are_on_two_pages_and_owner_repo_is_on_the_second(serve):
    api, other = serve(org_id=7), serve()
    pages = [api.json("get_repositories", skip=skip, limit=40) for skip in range(0, 160, 40)]
    numbers = [(page["page"], page["size"], page["pages"], page["total"]) for page in pages]
    assert numbers == [(number, 40, 4, 150) for number in (1, 2, 3, 4)]
    found = [repository for page in pages for repository in page["items"]]
    assert {repository["organization_id"] for repository in found} == {7}
    names = [repository["full_name"] for repository in found]
    assert len(set(names)) == 150
    assert names.index("owner/repo") > 100, "not on the first page of the default size"
    beyond = api.json("get_repositories", skip=2**80, limit=7)
    assert (beyond["items"], beyond["pages"]) == ([], 22)
    api.sandbox.repositories[0]["full_name"] = "owner/renamed"
    assert api.json("get_repositories")["items"][0]["full_name"] == "owner/renamed"
    assert other.sandbox.repositories[0]["full_name"] == names[0]


def test_users_and_check_suite_settings(api):
    users = api.json("get_users")["items"]
    assert api.json("get_current_user") == users[0]
    assert api.json("get_user", user_id=users[-1]["id"]) == users[-1]
    assert api.json("get_user", user_id=99)["message"] == "User not found."
    before = api.json("get_check_suite_settings", repo_id=1)
    change = {"check_retry_count": 7, "ignored_checks": ["lint"], "custom_prompts": None}
    assert api.status("update_check_suite_settings", repo_id=1, **change) == 200
    after = api.json("get_check_suite_settings", repo_id=1)
    assert after == {**before, "check_retry_count": 7, "ignored_checks": ["lint"]}
    assert api.json("get_check_suite_settings", repo_id=2) == before
    assert api.status("update_check_suite_settings", repo_id=999, **change) == 404
