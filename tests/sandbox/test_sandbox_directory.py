"""People, organisations, repositories and pull requests."""

import pytest


def read_all(api, operation_id, limit, **arguments):
    items, pages = [], 1
    while len(items) // limit < pages:
        page = api.call(operation_id, skip=len(items), limit=limit, **arguments).json()
        assert page["page"] == len(items) // limit + 1
        assert page["size"] == limit
        pages = page["pages"]
        items += page["items"]
        if len(items) >= page["total"]:
            break
    assert len(items) == page["total"]
    return items


def test_owner_repo_is_found_by_those_who_read_all_pages(api):
    first = api.call("get_repositories").json()
    assert len(first["items"]) == 100
    assert (first["total"], first["pages"]) == (150, 2)
    assert "owner/repo" not in [repository["full_name"] for repository in first["items"]]
    names = [repository["full_name"] for repository in read_all(api, "get_repositories", 40)]
    assert "owner/repo" in names
    assert len(set(names)) == 150


def test_beyond_the_end_there_is_nothing(api):
    page = api.call("get_repositories", skip=2**80, limit=7).json()
    assert page["items"] == []
    assert page["pages"] == 22


def test_users_and_the_current_one(api):
    users = read_all(api, "get_users", 2)
    assert api.call("get_current_user").json() in users
    assert api.call("get_user", user_id=users[-1]["id"]).json() == users[-1]
    assert api.call("get_user", user_id=99).json()["message"] == "User not found."


def test_only_the_own_organisation_is_listed(api):
    (organization,) = api.call("get_organizations").json()["items"]
    assert (organization["id"], organization["name"]) == (323, "Sandbox Organization")


def test_another_organisation_can_be_the_own_one(serve):
    api = serve(org_id=7)
    assert api.call("get_organizations").json()["items"][0]["id"] == 7
    assert api.call("get_repositories").status_code == 200
    assert api.call("get_repositories", org_id=323).status_code == 404


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


def test_a_revoked_token_takes_its_integration_with_it(api):
    before = api.call("get_integrations").json()
    assert before["total_active_integrations"] == 4
    assert api.call("get_oauth_token_status").json()["slack"] == {"connected": True}
    assert api.call("revoke_oauth_token", provider="slack").status_code == 200
    assert api.call("revoke_oauth_token", provider="slack").status_code == 200
    assert api.call("revoke_oauth_token", provider="nobody").status_code == 404
    assert api.call("get_oauth_token_status").json()["slack"] == {"connected": False}
    assert api.call("get_integrations").json()["total_active_integrations"] == 3


def test_what_never_changes(api):
    assert [provider["is_mcp"] for provider in api.call("get_mcp_providers").json()] == [True, True]
    assert api.call("get_cli_rules").json()["organization_rules"]
    assert api.call("generate_slack_connect_token", {"org_id": 323}).json()["expires_in_minutes"] == 10
