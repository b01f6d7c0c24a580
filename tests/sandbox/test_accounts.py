"""Users, organizations, repositories, pull requests and integrations."""

import pytest


def test_owner_repo_is_found_by_those_who_read_all_pages(api):
    pages = [api.call("get_repositories", skip=skip, limit=40).json() for skip in range(0, 160, 40)]
    assert [(page["page"], page["size"], page["pages"], page["total"]) for page in pages] == [
        (number, 40, 4, 150) for number in (1, 2, 3, 4)
    ]
    names = [repository["full_name"] for page in pages for repository in page["items"]]
    assert len(set(names)) == 150
    assert names.index("owner/repo") > 100, "not on the first page of the default size"
    beyond = api.call("get_repositories", skip=2**80, limit=7).json()
    assert (beyond["items"], beyond["pages"]) == ([], 22)
    api.sandbox.repositories.append({**api.sandbox.repositories[0], "id": 151, "full_name": "owner/new"})
    assert api.call("get_repositories", skip=150).json()["items"][0]["full_name"] == "owner/new"


def test_users_and_the_current_one(api):
    users = api.call("get_users").json()["items"]
    assert api.call("get_current_user").json() == users[0]
    assert api.call("get_user", user_id=users[-1]["id"]).json() == users[-1]
    assert api.call("get_user", user_id=99).json()["message"] == "User not found."


def test_check_suite_settings_are_kept_for_each_repository(api):
    before = api.call("get_check_suite_settings", repo_id=1).json()
    change = {"check_retry_count": 7, "ignored_checks": ["lint"], "custom_prompts": None, "unknown": 1}
    assert api.call("update_check_suite_settings", change, repo_id=1).status_code == 200
    after = api.call("get_check_suite_settings", repo_id=1).json()
    assert after == {**before, "check_retry_count": 7, "ignored_checks": ["lint"]}
    assert api.call("get_check_suite_settings", repo_id=2).json() == before
    assert api.call("get_check_suite_settings", repo_id=999).status_code == 404
    assert api.call("update_check_suite_settings", change, repo_id=999).status_code == 404


@pytest.mark.parametrize("state", ["open", "closed", "draft", "ready_for_review"])
def test_pull_requests_change_their_state(api, state):
    edited = api.call("edit_pull_request", {"state": state}, pr_id=1).json()
    assert (edited["success"], edited["state"], edited["number"]) == (True, state, 1)
    assert api.call("edit_repo_pull_request", {"state": "closed"}, repo_id=107, pr_id=1).json()["state"] == "closed"
    assert api.call("edit_repo_pull_request", {"state": "closed"}, repo_id=1, pr_id=1).status_code == 404
    assert api.call("edit_pull_request", {"state": "closed"}, pr_id=99).status_code == 404


def test_a_revoked_token_deactivates_its_integration(api):
    assert api.call("get_integrations").json()["total_active_integrations"] == 4
    assert api.call("get_oauth_token_status").json()["slack"] == {"connected": True}
    assert [api.call("revoke_oauth_token", provider=name).status_code for name in ("slack", "slack", "no")] == [
        200,
        200,
        404,
    ]
    assert api.call("get_oauth_token_status").json()["slack"] == {"connected": False}
    assert api.call("get_integrations").json()["total_active_integrations"] == 3
