"""spec/ gives openapi.yaml: by rules, by the overlay, and joined with what is written of the ChatServer."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools import load, normalize, overlay, validate

from .documents import CHATSERVER, HISTORY, OURS, Data, actions, answering, facts, normalized, operation

ORG = "/v1/organizations/{org_id}"


def fields(data: Data, schema: str) -> Data:
    return data["components"]["schemas"][schema]["properties"]


@pytest.mark.slow
def test_spec_gives_the_contract_byte_by_byte() -> None:
    made = normalize.contract()
    assert made.problems == []
    assert made.unmatched == []
    assert normalize.text(made.data) == load.CONTRACT.read_text(encoding="utf-8")
    assert made.data == OURS


@pytest.mark.parametrize("path", [pytest.param(path, marks=pytest.mark.slow) for path in HISTORY[:-1]] + HISTORY[-1:])
def test_an_older_document_gives_a_contract(path: Path) -> None:
    made = normalized(load.read(str(path)))
    assert made.problems == []
    assert all("is no operation" in problem for problem in validate.problems(made.data))  # overlays may name more
    chat = {name: item for name, item in made.data["paths"].items() if "servers" in item}
    assert chat == CHATSERVER["paths"]


OF_THE_PATH = {"name": "deep", "in": "query", "schema": {"type": "boolean"}}
GIVEN = [
    {"name": "Authorization", "in": "header", "required": True, "schema": {}},
    {"name": "x-trace", "in": "header", "schema": {"type": "string"}},
    {"name": "thing_id", "in": "path", "required": True, "schema": {"type": "integer"}},
    {"name": "org_id", "in": "path", "schema": {"type": "integer"}},
    {"name": "crumb", "in": "cookie", "schema": {"type": "string"}},
    {"name": "tags", "in": "query", "style": "form", "explode": False, "schema": {"type": "array"}},
]
MODE = {"type": "string", "enum": ["a", "b"]}
ALIKE = "{target: $.components.schemas.UserResponse.properties.is_admin, update: {x-codegen: {name: RunStatus}}}"
AGAIN = ("/v1/users", "/v1/beta/organizations/{org_id}/users", "/v1/repositories", "/v2/models", "/v1/things")
"""Paths of which another has the id already."""


def publish(data: Data) -> None:
    """Add to a published document what the rules are for."""
    org_id = {"name": "org_id", "in": "path", "required": True, "schema": {"type": "integer"}}
    plain = {"parameters": [org_id], "responses": answering({})}
    refers = {"200": {"$ref": "#/components/responses/First"}}
    before = {path: {"get": {"responses": answering({})}} for path in AGAIN}
    data["paths"] = before | data["paths"] | {
        f"{ORG}/new": {"get": {**plain, "tags": ["Big Things", "other"], "operationId": "x" * 80}},
        f"{ORG}/limited": {"get": {**plain, "description": "Rate limit: 5 requests per minute."}},
        f"{ORG}/given": {"get": {"parameters": GIVEN, "responses": answering({})}},
        f"{ORG}/bare": {"get": {"responses": answering({"type": "object"})}},
        "/v1/deep": {
            "parameters": [{"$ref": "#/components/parameters/Deep"}],
            "put": {"parameters": [{**OF_THE_PATH, "schema": {"type": "integer"}}], "responses": {}},
            "get": {"responses": refers},
        },
    }  # fmt: skip
    data["components"]["parameters"] = {"Deep": OF_THE_PATH}
    data["components"]["responses"] = {
        "First": {"$ref": "#/components/responses/Second"},
        "Second": answering({"type": "string"})["200"],
    }
    inner = {"type": "object", "properties": {"mode": MODE, "any": {"type": "object"}}}
    fields(data, "CreateAgentRunInput")["options"] = {"anyOf": [inner, {"type": "null"}]}
    fields(data, "CreateAgentRunInput")["word"] = {"anyOf": [{"type": "string"}, {"type": "null"}]}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> normalize.Normalized:
    return normalized(facts(publish), *actions(ALIKE, tmp_path_factory.mktemp("overlay")))


def test_everything_added_is_valid(made: normalize.Normalized) -> None:
    assert made.problems + validate.problems(made.data) == []
    undeclared = "org_id is in the path without a declaration; it is declared now"
    assert [(note.partition(": ")[0].rpartition("/")[2], note.partition(": ")[2]) for note in made.notes] == [
        ("users", undeclared),
        *[("check-suite-settings", undeclared)] * 2,
        ("given", "the path lacks its parameter thing_id, which is a query parameter now"),
        ("given", "the cookie crumb is left out; clients send none"),
        ("bare", undeclared),
        ("is_admin", "it differs from RunStatus, so it stays on its own"),
    ]


def test_a_new_operation_gets_an_id_a_limit_and_the_refusals(made: normalize.Normalized) -> None:
    added = operation(made.data, "get_new")
    assert added["tags"] == ["big-things"]
    assert {"name": "big-things", "description": "Operations of the group big-things."} in made.data["tags"]
    assert added["x-codegen"] == {
        "service": "codegen",
        "rate-limit": {"requests": 60, "seconds": 30, "group": "standard"},
        "idempotent": True,
    }
    assert [parameter["$ref"] for parameter in added["parameters"]] == ["#/components/parameters/OrgId"]
    assert list(added["responses"]) == ["200", "401", "403", "404", "429"]
    assert added["responses"]["404"] == {"$ref": "#/components/responses/NotFound"}
    assert (added["summary"], added["description"]) == ("Get new", "Get new.")
    limit = {"requests": 5, "seconds": 60, "group": "get-limited"}
    assert operation(made.data, "get_limited")["x-codegen"]["rate-limit"] == limit


def test_parameters_are_those_that_a_client_gives(made: normalize.Normalized) -> None:
    found = [load.resolve(made.data, item) for item in operation(made.data, "get_given")["parameters"]]
    assert [(item["in"], item["name"]) for item in found] == [
        ("path", "org_id"), ("header", "x-trace"), ("query", "thing_id"), ("query", "tags"),
    ]  # fmt: skip
    assert (found[0]["schema"], found[0]["required"], found[3]["explode"]) == ({"type": "integer"}, True, False)


def test_references_and_parameters_of_the_path_are_taken_in(made: normalize.Normalized) -> None:
    assert operation(made.data, "get_deep")["parameters"][0]["schema"] == {"type": "boolean"}
    assert operation(made.data, "put_deep")["parameters"][0]["schema"] == {"type": "integer"}
    content = operation(made.data, "get_deep")["responses"]["200"]["content"]
    assert content == {"application/json": {"schema": {"type": "string"}}}


def test_a_known_operation_keeps_its_id_and_all_new_ones_get_one(made: normalize.Normalized) -> None:
    before = {(path, method): item["operationId"] for path, method, item in load.each_operation(OURS)}
    after = {(path, method): item["operationId"] for path, method, item in load.each_operation(made.data)}
    assert {place: after[place] for place in before} == before
    assert [after[path, "get"] for path in AGAIN] == [
        "get_v1_users", "get_v1_beta_organizations_users", "get_v1_repositories", "get_models", "get_things",
    ]  # fmt: skip


def test_null_has_one_form_and_an_object_without_fields_one_name(made: normalize.Normalized) -> None:
    options = fields(made.data, "CreateAgentRunInput")["options"]
    assert options["anyOf"][0]["properties"] == {
        "mode": {**MODE, "description": "Mode."},
        "any": {"$ref": "#/components/schemas/FreeFormObject", "description": "Any."},
    }
    assert options["anyOf"][1:] == [{"type": "null"}]
    assert fields(made.data, "CreateAgentRunInput")["word"] == {"type": ["string", "null"], "description": "Word."}


def test_a_schema_that_differs_from_what_the_overlay_calls_it_stays_on_its_own(made: normalize.Normalized) -> None:
    assert fields(made.data, "UserResponse")["is_admin"]["type"] == ["boolean", "null"]
    assert made.data["components"]["schemas"]["RunStatus"] == OURS["components"]["schemas"]["RunStatus"]


@pytest.mark.parametrize(
    ("schema", "form"),
    [
        ({"type": ["string", "integer", "null"]}, {"type": ["string", "integer", "null"]}),
        ({"type": "array"}, {"type": "array", "items": {}}),
        ({"allOf": [{"$ref": "#/a"}], "default": 1}, {"$ref": "#/a", "default": 1}),
        ({"allOf": [{"$ref": "#/a"}], "properties": {"b": {}}}, {"allOf": [{"$ref": "#/a"}], "properties": {"b": {}}}),
        ({"type": "integer", "minimum": 1.0}, {"type": "integer", "minimum": 1}),
    ],
)
def test_a_schema_has_one_form(schema: Data, form: Data) -> None:
    assert normalize.canonical(schema) == form


def test_an_unrelated_document_gets_few_notes() -> None:
    odd = {"/v1/odd": {"get": {"responses": answering({"type": "string"})}}}
    made = normalized(facts(lambda data: data.update(paths=odd)))
    assert made.problems + validate.problems(made.data) == []
    assert made.notes == []
    assert len(made.unmatched) > 50


@pytest.mark.slow
@settings(max_examples=5)
@given(st.data())
def test_any_document_gives_a_valid_contract(data: st.DataObject) -> None:
    def change(published: Data) -> None:
        for path in data.draw(st.lists(st.sampled_from(sorted(published["paths"])), max_size=6, unique=True)):
            del published["paths"][path]
        for name in data.draw(st.lists(st.text("abc-", min_size=1, max_size=5), max_size=2, unique=True)):
            tags = data.draw(st.lists(st.text(max_size=5), max_size=3))
            prose = data.draw(st.text(max_size=30))
            published["paths"][f"/v1/x{name}"] = {
                "get": {"tags": tags, "description": prose, "responses": {"200": {"description": prose}}}
            }

    published = facts(change)
    made, again = normalized(published), normalized(copy.deepcopy(published))
    assert json.dumps(made.data) == json.dumps(again.data)
    assert load.parse(normalize.text(made.data)) == made.data
    assert [line for line in validate.problems(made.data) if "is no operation" not in line] == []


# Overlays

DATA: Data = {"a": {"b": 1, "list": [1]}, "items": [{"name": "x"}, {"name": "y"}, {"name": "z"}]}


@pytest.mark.parametrize(
    ("entry", "place", "value"),
    [
        ("{target: $.a, update: {c: {d: 3}, list: [2]}}", "a", {"b": 1, "list": [1, 2], "c": {"d": 3}}),
        ("{target: \"$.items[?@.name!='x']\", remove: true}", "items", [{"name": "x"}]),
        ("{target: $..name, remove: true}", "items", [{}, {}, {}]),
        ("{target: \"$.a['b','list']\", remove: true}", "a", {}),
        ("{target: \"$.items[?@.name=='z']\", update: {n: 1}}", "items", [*DATA["items"][:2], {"name": "z", "n": 1}]),
        ("{target: $.a.list, update: 7}", "a", {"b": 1, "list": [1, 7]}),
        ("{target: $.a, remove: false, update: {}}", "a", DATA["a"]),
    ],
)
def test_an_action_updates_or_removes(entry: str, place: str, value: Any, tmp_path: Path) -> None:
    data = copy.deepcopy(DATA)
    assert overlay.apply(data, actions(entry, tmp_path)) == []
    assert data[place] == value


def test_what_an_overlay_cannot_do_is_said_of_all_its_actions(tmp_path: Path) -> None:
    wrong = "{target: $, remove: true}\n{target: $.a, update: 1}\n{target: $.a.b, update: {}}"
    with pytest.raises(load.SpecError) as caught:
        overlay.apply(copy.deepcopy(DATA), actions(wrong, tmp_path))
    assert [line.split(": ")[1] for line in caught.value.problems] == ["$", "$.a", "$.a.b"]


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("openapi: 3.1.0", ["overlay.yaml is not an OpenAPI Overlay 1.0 document"]),
        ("overlay: 2.0.0\nactions: []", ["overlay.yaml is not an OpenAPI Overlay 1.0 document"]),
        (
            "overlay: 1.0.0\nactions: [{target: $.a}, {target: '$..[', update: {}}, {target: $, update: {}, c: 1}, 7]",
            ["action 1 needs a target", "action 2: '$..[' is no JSONPath", "action 3 needs", "action 4 needs"],
        ),
    ],
)
def test_an_overlay_that_is_none_is_refused(text: str, reasons: list[str], tmp_path: Path) -> None:
    (tmp_path / "overlay.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(load.SpecError) as caught:
        overlay.read(tmp_path / "overlay.yaml")
    for problem, reason in zip(caught.value.problems, reasons, strict=True):
        assert reason in problem
