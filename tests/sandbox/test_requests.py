"""What does not fit the contract is refused, in the way of each service."""

import json

import pytest
from codegen_api.operations import OPERATIONS

from codegen_ext.testing.sandbox.messages import MAX_BODY_BYTES

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
