"""The sandbox serves the whole contract within its limits, and refuses what does not fit in the way of each service."""

import json
import subprocess
import sys

import httpx
import pytest
from codegen_api.operations import CREATE_CHAT_COMPLETION, OPERATIONS

from codegen_ext.testing import Sandbox
from codegen_ext.testing.sandbox.messages import MAX_BODY_BYTES

from ..docs.pages import ROOT
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


def test_other_methods_and_paths_are_refused(either):
    for method in ("DELETE", "HEAD", "ODD"):
        response = either.client.request(method, either.url("get_check_suite_settings"))
        assert (response.status_code, response.headers["allow"]) == (405, "GET, PUT")
        assert response.content == b"" if method == "HEAD" else response.json()["status_code"] == 405
        assert int(response.headers["content-length"]) > 0
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
    found = [one for skip in (0, 100) for one in api.json("get_repositories", skip=skip, limit=100)["items"]]
    assert {repository["organization_id"] for repository in found} == {7}
    names = [repository["full_name"] for repository in found]
    assert (len(names), len(set(names)), names.index("owner/repo") >= 100) == (150, 150, True)
    beyond = api.json("get_repositories", skip=2**80, limit=7)
    assert (beyond["items"], beyond["pages"], beyond["total"]) == ([], 22, 150)
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


LOGS = OPERATIONS["get_agent_run_logs"].path.format(org_id=323, agent_run_id=1)
DIGITS = b'{"prompt": "x", "metadata": {"a": ' + b"9" * 5000 + b"}}"


def problems(response):
    assert response.status_code == 422, response.text
    return [(".".join(map(str, problem["loc"])), problem["type"]) for problem in response.json()["detail"]]


def post(api, content, kind="application/json"):
    return api.client.post(api.url("create_agent_run"), content=content, headers={"content-type": kind})


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({}, ("body.prompt", "missing")),
        ({"prompt": "x", "images": "y"}, ("body.images", "array_type")),
        ({"prompt": "x", "images": ["y", 1]}, ("body.images.1", "string_type")),
        ({"prompt": "x", "metadata": []}, ("body.metadata", "object_type")),
        ({"prompt": "x", "repo_id": True}, ("body.repo_id", "integer_type")),
        ({"prompt": "x", "agent_type": "other"}, ("body.agent_type", "enum")),
        ([], ("body", "object_type")),
        (b"", ("body", "missing")),
        *((text, ("body", "json_invalid")) for text in (b"{", b'{"prompt": "\xff"}', b'{"prompt": "\\ud800"}')),
        *((b'{"prompt": "x", "metadata": {"a": %b}}' % n, ("body", "json_invalid")) for n in (b"NaN", b"1e999")),
        *((text, ("body", "json_invalid")) for text in (DIGITS, b"[" * 100_000)),
    ],
)
def test_bodies_are_checked(api, body, problem):
    assert problems(post(api, body if isinstance(body, bytes) else json.dumps(body))) == [problem]
    assert api.sandbox.runs == []


def test_a_body_has_the_right_type_and_at_most_64_mib(api):
    content = b'{"prompt": "a\\u0000b \\ud83d\\ude00", "extra": 1, "org_id": 324, "repo_id": 2.0}'
    assert post(api, content, "APPLICATION/JSON; charset=utf-8").status_code == 200
    assert (api.sandbox.runs[0].prompt, api.sandbox.runs[0].repo_id) == ("a\x00b 😀", 2)
    for kind in ("text/plain", ""):
        assert problems(post(api, b'{"prompt": "x"}', kind)) == [("body", "media_type")]
    response = post(api, b" " * (MAX_BODY_BYTES + 1))
    assert (response.status_code, response.json()["status_code"]) == (413, 413)


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("limit=0", "greater_than_equal"),
        ("limit=101", "less_than_equal"),
        *((f"skip={text}", "integer_type") for text in ("", "1.0", "+1", "01", "%D9%A1", "9" * 5000)),
        ("skip=1&skip=1", "duplicate"),
        ("reverse=TRUE", "boolean_type"),
        ("per_page=5", "extra_forbidden"),
    ],
)
def test_queries_are_checked(api, query, kind):
    assert problems(api.client.get(f"{LOGS}?{query}")) == [(f"query.{query.partition('=')[0]}", kind)]


def test_paths_are_checked(api):
    for org_id in ("x", "1.0", "%2F", "٣"):
        assert problems(api.client.get(api.url("get_users", org_id=org_id))) == [("path.org_id", "integer_type")]
    for email in ("a/b", "%", "\x00", "..", "é", "?x#y"):
        assert api.status("remove_admin", email=email) == 404, "a path value may be any text"


def test_everything_wrong_is_reported_at_once_by_each_service(api):
    url = api.url("update_check_suite_settings", org_id="x")
    assert problems(api.client.put(url, json={"check_retry_count": 11, "ignored_checks": [1]})) == [
        ("path.org_id", "integer_type"),
        ("query.repo_id", "missing"),
        ("body.check_retry_count", "less_than_equal"),
        ("body.ignored_checks.0", "string_type"),
    ]
    for body in ({}, {"model": "", "messages": []}, {"messages": [{"role": "tool", "content": "x"}]}):
        response = api.call("create_chat_completion", **body)
        assert (response.status_code, response.json()["status_code"]) == (400, 400)
        assert "body.model" in response.json()["message"]
    assert "user_id" in api.json("list_sessions")["message"]


GROUPS = sorted({(operation.service, operation.rate_limit.group) for operation in OPERATIONS.values()})


@pytest.mark.parametrize("group", GROUPS, ids="-".join)
def test_every_group_has_its_limit(serve, group):
    limited = serve(rate_limits=True)
    members = [one for one in OPERATIONS.values() if (one.service, one.rate_limit.group) == group]
    limit = members[0].rate_limit

    def call(index):
        member = members[index % len(members)]
        return limited.call(member.id, check=False, **required(member))

    assert all(call(index).status_code != 429 for index in range(limit.requests))
    refused = call(0)
    assert (refused.status_code, refused.json()["status_code"]) == (429, 429)
    assert refused.headers["retry-after"] == str(int(limit.seconds))
    limited.clock.advance(limit.seconds - 0.5)
    assert call(1).headers["retry-after"] == "1", "a refused request does not count"
    limited.clock.advance(0.5)
    assert call(2).status_code != 429


def test_groups_services_and_tokens_count_apart(serve):
    api = serve(rate_limits=True, token=None)
    assert [api.status("get_current_user") for _ in range(61)][-1] == 429
    assert api.status("get_cli_rules") == api.status("list_models") == 200
    api.client.headers["authorization"] = "bearer any other"
    assert api.status("get_current_user") == 200
    del api.client.headers["authorization"]
    assert api.status("get_current_user") == 401


def test_speed_shortens_runs_and_windows_which_can_be_switched_off(serve):
    api = serve(rate_limits=True, speed=20)
    answers = [api.call("create_agent_run", prompt="x") for _ in range(11)]
    assert answers[-1].headers["retry-after"] == "3"
    api.sandbox.settings.rate_limits = False
    assert api.create() == 11
    api.sandbox.rate_limits = True
    api.clock.advance(0.09)
    assert api.run(11)["status"] == "RUNNING", "2 s at this speed are 0.1 s"
    api.clock.advance(2.91)
    assert (api.create(), api.run(11)["status"]) == (12, "COMPLETE")


# Without these, nearly every id is unknown and the answer 404; with them, one in three still is.
KNOWN = {
    "org_id": [323, 324],
    "agent_run_id": [1, 2],
    "repo_id": [1, 2, 107],
    "pr_id": [1],
    "sandbox_id": [1],
    "user_id": [1, "ada"],
    "provider": ["slack", "github"],
    "email": ["admin@example.com"],
}


@pytest.mark.slow
def test_schemathesis_finds_nothing(tmp_path):
    with Sandbox(rate_limits=False, run_seconds=0.2) as sandbox:
        authorization = f"Bearer {sandbox.token}"
        body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "user": "ada"}
        url = sandbox.base_url + CREATE_CHAT_COMPLETION.path
        stored = httpx.post(url, json=body, headers={"authorization": authorization}).json()
        known = KNOWN | {"session_id": [stored["system_fingerprint"]]}
        arguments = [argument for operation in OPERATIONS.values() for argument in operation.arguments]
        places = {f"{one.location}.{one.name}": one.name for one in arguments if one.name in known}
        lines = ["[dictionaries]", *(f"{name} = {{values = {values}}}" for name, values in known.items())]
        lines += ["[parameters]"]
        lines += [f'"{place}" = {{dictionary = "{name}", probability = 0.7}}' for place, name in places.items()]
        config = tmp_path / "schemathesis.toml"
        config.write_text("\n".join(lines))
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", config, "run", ROOT / "openapi.yaml"]
        command += ["--url", sandbox.base_url, "--header", f"Authorization: {authorization}", "--checks", "all"]
        command += ["--max-examples", "15", "--seed", "1", "--generation-deterministic", "--no-color"]
        result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{len(OPERATIONS)} selected / {len(OPERATIONS)} total" in result.stdout
    assert {request.operation for request in sandbox.requests if request.status == 200} == set(OPERATIONS)
