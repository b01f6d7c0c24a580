"""What does not fit the contract is refused, in the way of each service."""

import httpx
import jsonschema_rs
import pytest
from codegen_api.operations import OPERATIONS
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen_ext.testing.sandbox import schema as schemas
from codegen_ext.testing.sandbox.messages import MAX_BODY_BYTES, Json


def problems(response: httpx.Response) -> list[tuple[list[str | int], str]]:
    assert response.status_code == 422, response.text
    return [(problem["loc"], problem["type"]) for problem in response.json()["detail"]]


@pytest.mark.parametrize(
    ("body", "loc", "kind"),
    [
        ({}, ["body", "prompt"], "missing"),
        ({"prompt": None}, ["body", "prompt"], "string_type"),
        ({"prompt": 1}, ["body", "prompt"], "string_type"),
        ({"prompt": "x", "images": "y"}, ["body", "images"], "array_type"),
        ({"prompt": "x", "images": ["y", 1]}, ["body", "images", 1], "string_type"),
        ({"prompt": "x", "metadata": []}, ["body", "metadata"], "object_type"),
        ({"prompt": "x", "repo_id": 1.5}, ["body", "repo_id"], "integer_type"),
        ({"prompt": "x", "repo_id": True}, ["body", "repo_id"], "integer_type"),
        ({"prompt": "x", "agent_type": "other"}, ["body", "agent_type"], "enum"),
        ([], ["body"], "object_type"),
        ("x", ["body"], "object_type"),
    ],
)
def test_bodies_are_checked(api, body, loc, kind):
    assert problems(api.call("create_agent_run", body)) == [(loc, kind)]
    assert api.sandbox.runs == []


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b'{"prompt": "\xff"}', "application/json"),
        (b'{"prompt": "\\ud800"}', "application/json"),
        (b'{"prompt": "x", "metadata": {"a": NaN}}', "application/json"),
        (b'{"prompt": "x", "metadata": {"a": 1e999}}', "application/json"),
        (b'{"prompt": "x", "metadata": {"a": ' + b"9" * 5000 + b"}}", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"prompt": "x"}', "text/plain"),
        (b'{"prompt": "x"}', ""),
        (b"prompt=x", "application/x-www-form-urlencoded"),
    ],
)
def test_a_body_that_is_no_json_is_refused(api, content, content_type):
    url = api.url("create_agent_run", org_id=323)
    response = api.client.post(url, content=content, headers={"content-type": content_type})
    assert [loc[0] for loc, _ in problems(response)] == ["body"]


def test_odd_but_valid_bodies_are_accepted(api):
    url = api.url("create_agent_run", org_id=323)
    for content, content_type in (
        (
            b'{"prompt": "a\\u0000b \\ud83d\\ude00", "extra": 1, "org_id": 324}',
            "application/json; charset=utf-8",
        ),
        (b'{"prompt": "x", "metadata": {"n": 123456789012345678901234567890}, "repo_id": 2.0}', "APPLICATION/JSON"),
    ):
        response = api.client.post(url, content=content, headers={"content-type": content_type})
        assert response.status_code == 200, response.text
    assert api.sandbox.runs[0].prompt == "a\x00b 😀"
    assert api.call("ban_agent_run", {"agent_run_id": 1, "metadata": 5}).status_code == 200
    assert api.run(2)["metadata"] == {"n": 123456789012345678901234567890}


@pytest.mark.parametrize(
    ("query", "name", "kind"),
    [
        ("limit=0", "limit", "greater_than_equal"),
        ("limit=101", "limit", "less_than_equal"),
        ("skip=-1", "skip", "greater_than_equal"),
        ("skip=", "skip", "integer_type"),
        ("skip=1.0", "skip", "integer_type"),
        ("skip=+1", "skip", "integer_type"),
        ("skip=01", "skip", "integer_type"),
        ("skip=%D9%A1", "skip", "integer_type"),
        ("skip=%00", "skip", "integer_type"),
        ("skip=" + "9" * 5000, "skip", "integer_type"),
        ("skip=1&skip=2", "skip", "duplicate"),
        ("skip=1&skip=1", "skip", "duplicate"),
        ("reverse=1", "reverse", "boolean_type"),
        ("reverse=TRUE", "reverse", "boolean_type"),
        ("per_page=5", "per_page", "extra_forbidden"),
    ],
)
def test_queries_are_checked(api, query, name, kind):
    api.create()
    response = api.client.get(f"{api.url('get_agent_run_logs', org_id=323, agent_run_id=1)}?{query}")
    assert problems(response) == [(["query", name], kind)]


def test_paths_are_checked(api):
    for org_id in ("x", "1.0", "0x1", "%20", "%2F", "٣"):
        response = api.client.get(api.url("get_users", org_id=org_id))
        assert problems(response) == [(["path", "org_id"], "integer_type")]


def test_everything_wrong_is_reported_at_once(api):
    url = api.url("update_check_suite_settings", org_id="x")
    response = api.client.put(url, json={"check_retry_count": 11, "ignored_checks": [1]})
    assert problems(response) == [
        (["path", "org_id"], "integer_type"),
        (["query", "repo_id"], "missing"),
        (["body", "check_retry_count"], "less_than_equal"),
        (["body", "ignored_checks", 0], "string_type"),
    ]


def test_the_chatserver_says_400(api):
    for body in ({}, {"model": "", "messages": []}, {"model": "m", "messages": [{"role": "tool", "content": "x"}]}):
        response = api.call("create_chat_completion", body)
        assert response.status_code == 400
        assert response.json()["status_code"] == 400
        assert "body." in response.json()["message"]
    assert "user_id" in api.call("list_sessions").json()["message"]


def test_a_path_value_may_be_any_text(api):
    for email in ("a/b", "%", "\x00", "..", "é", "a b", "?x#y"):
        assert api.call("remove_admin", email=email).status_code == 404


def test_a_body_is_limited(api):
    url = api.url("create_agent_run", org_id=323)
    response = api.client.post(url, content=b" " * (MAX_BODY_BYTES + 1))
    assert (response.status_code, response.json()["status_code"]) == (413, 413)


def test_every_body_of_the_contract_is_required():
    for operation in OPERATIONS.values():
        spec = schemas.document()["paths"][operation.path][operation.method.lower()]
        assert spec.get("requestBody", {"required": True})["required"], operation.id


SCHEMAS: list[Json] = [
    {"type": "integer", "minimum": -2, "maximum": 5},
    {"type": ["number", "null"], "minimum": 0},
    {"type": "string", "minLength": 2},
    {"type": "string", "enum": ["a", "b"]},
    {"type": "array", "minItems": 1, "items": {"type": "boolean"}},
    {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}, "additionalProperties": False},
    {"type": "object", "additionalProperties": {"type": "string"}},
    {"anyOf": [{"type": "object", "required": ["b"]}, {"type": "string"}, {"type": "null"}]},
    {},
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.sampled_from(["", "a", "b", "cc"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_schemas_mean_the_same_as_elsewhere(schema):
    validator = jsonschema_rs.validator_for(schema)

    @given(VALUES)
    @settings(max_examples=100)
    def compare(value: object) -> None:
        assert (not list(schemas.problems(schema, value, ()))) == validator.is_valid(value)

    compare()
