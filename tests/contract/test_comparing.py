"""What a change of the contract means for users: random edits, each of a known kind, are classified rightly."""

import copy
import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools import load, normalize
from tools.contract import diff, document, reporting, second_opinion, shapes, versions
from tools.contract.changes import BREAKING, DANGEROUS, SAFE, Change, member_name, python_name
from tools.contract.comparing import compare

from .documents import HISTORY

CURRENT = load.FACTS

pytestmark = pytest.mark.slow

OURS = document.load()
Data = dict[str, Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]
Expected = tuple[str, str, str, str]
"""Severity, kind, action, and a Python name that the change must mention."""


def operations(data: Data, wanted: Callable[[Data], bool] = lambda operation: True) -> list[Data]:
    return [operation for _, _, operation in document.each_operation(data) if wanted(operation)]


def method(operation: Data) -> str:
    client = {"codegen": "CodegenClient", "chatserver": "ChatServerClient"}[operation["x-codegen"]["service"]]
    return f"{client}.{operation['operationId']}"


def reached(statuses: bool) -> set[str]:
    """The schemas that travel in answers, or in requests."""
    roots = {}
    for path, verb, operation in document.each_operation(OURS):
        sent = {"body": operation.get("requestBody", {}), "query": {"all": operation.get("parameters", [])}}
        received = {status: node for status, node in operation["responses"].items() if status[0] == "2"}
        roots[f"{verb} {path}"] = received if statuses else sent
    return {name for kind, name in normalize.reachable(OURS, roots) if kind == "schemas"}


RECEIVED, SENT = reached(statuses=True), reached(statuses=False)
SCHEMAS = OURS["components"]["schemas"]
MODELS = sorted(name for name in RECEIVED - SENT if SCHEMAS[name].get("properties") and "anyOf" not in str(name))
BODIES = sorted(name for name in SENT - RECEIVED if SCHEMAS[name].get("properties"))
PLAIN = {"type": "string", "description": "Made up."}


def add_operation(data: Data, draw: Draw) -> Expected:
    operation = copy.deepcopy(draw(st.sampled_from(operations(data))))
    operation["operationId"] = "get_brand_new"
    data["paths"]["/v9/brand-new"] = {"get": operation}
    return SAFE, "operation", "added", method(operation)


def remove_operation(data: Data, draw: Draw) -> Expected:
    path, verb, operation = draw(st.sampled_from(document.each_operation(data)))
    del data["paths"][path][verb]
    return BREAKING, "operation", "removed", method(operation)


def rename_operation(data: Data, draw: Draw) -> Expected:
    operation = draw(st.sampled_from(operations(data)))
    expected = method(operation)
    operation["operationId"] += "_renamed"
    return BREAKING, "operation", "changed", expected


def move_operation(data: Data, draw: Draw) -> Expected:
    path = draw(
        st.sampled_from(
            sorted(
                path
                for path, item in data["paths"].items()
                if len(document.each_operation({"paths": {path: item}})) == 1
            )
        )
    )
    data["paths"][f"{path}/moved"] = data["paths"].pop(path)
    return (
        SAFE,
        "operation",
        "changed",
        method(document.each_operation({"paths": {path: data["paths"][f"{path}/moved"]}})[0][2]),
    )


def deprecate_operation(data: Data, draw: Draw) -> Expected:
    operation = draw(st.sampled_from(operations(data)))
    operation["deprecated"] = True
    return DANGEROUS, "operation", "changed", method(operation)


def add_optional_parameter(data: Data, draw: Draw) -> Expected:
    operation = draw(st.sampled_from(operations(data)))
    operation["parameters"] = [*operation.get("parameters", ()), {"name": "newWord", "in": "query", "schema": PLAIN}]
    return SAFE, "parameter", "added", f"{method(operation)}(new_word)"


def add_required_parameter(data: Data, draw: Draw) -> Expected:
    operation = draw(st.sampled_from(operations(data)))
    parameter = {"name": "new-word", "in": "query", "required": True, "schema": PLAIN}
    operation["parameters"] = [*operation.get("parameters", ()), parameter]
    return BREAKING, "parameter", "added", f"{method(operation)}(new_word)"


def inlined(data: Data, draw: Draw, wanted: Callable[[Data], bool]) -> tuple[Data, Data]:
    """An operation and one of its query parameters, written out."""
    places = [
        (operation, index)
        for operation in operations(data)
        for index, raw in enumerate(operation.get("parameters", ()))
        if (node := document.resolve(data, raw))["in"] == "query" and wanted(node)
    ]
    operation, index = draw(st.sampled_from(places))
    parameter = copy.deepcopy(document.resolve(data, operation["parameters"][index]))
    operation["parameters"][index] = parameter
    return operation, parameter


def remove_parameter(data: Data, draw: Draw) -> Expected:
    operation, parameter = inlined(data, draw, lambda node: True)
    operation["parameters"].remove(parameter)
    return BREAKING, "parameter", "removed", f"{method(operation)}({parameter['name']})"


def require_parameter(data: Data, draw: Draw) -> Expected:
    operation, parameter = inlined(data, draw, lambda node: not node.get("required"))
    parameter["required"] = True
    return BREAKING, "parameter", "changed", f"{method(operation)}({parameter['name']})"


def tighten_parameter(data: Data, draw: Draw) -> Expected:
    operation, parameter = inlined(data, draw, lambda node: node["schema"].get("type") == "integer")
    keyword, value = draw(st.sampled_from([("maximum", 0), ("minimum", 10_000)]))
    parameter["schema"][keyword] = value
    return BREAKING, "parameter", "changed", f"{method(operation)}({parameter['name']})"


def loosen_parameter(data: Data, draw: Draw) -> Expected:
    operation, parameter = inlined(data, draw, lambda node: "minimum" in node["schema"])
    keyword = draw(st.sampled_from(sorted({"maximum", "minimum"} & parameter["schema"].keys())))
    del parameter["schema"][keyword]
    return SAFE, "parameter", "changed", f"{method(operation)}({parameter['name']})"


def change_parameter_type(data: Data, draw: Draw) -> Expected:
    operation, parameter = inlined(data, draw, lambda node: node["schema"].get("type") == "integer")
    kind, severity = draw(st.sampled_from([("string", BREAKING), ("boolean", BREAKING), ("number", SAFE)]))
    parameter["schema"]["type"] = kind
    return severity, "parameter", "changed", f"{method(operation)}({parameter['name']})"


def change_default(data: Data, draw: Draw) -> Expected:
    operation, parameter = inlined(
        data, draw, lambda node: node["schema"].get("type") == "integer" and "default" in node["schema"]
    )
    parameter["schema"]["default"] += 1
    return DANGEROUS, "parameter", "changed", f"{method(operation)}({parameter['name']})"


def add_request_field(data: Data, draw: Draw) -> Expected:
    name = draw(st.sampled_from(BODIES))
    data["components"]["schemas"][name]["properties"]["newField"] = PLAIN
    return SAFE, "request field", "added", f"{name}.new_field"


def add_required_request_field(data: Data, draw: Draw) -> Expected:
    name = draw(st.sampled_from(BODIES))
    schema = data["components"]["schemas"][name]
    schema["properties"]["newField"] = PLAIN
    schema["required"] = [*schema.get("required", ()), "newField"]
    return BREAKING, "request field", "added", f"{name}.new_field"


def field_of(data: Data, draw: Draw, names: list[str], wanted: Callable[[Data, str], bool]) -> tuple[str, Data, str]:
    places = [
        (name, field)
        for name in names
        for field in data["components"]["schemas"][name]["properties"]
        if wanted(data["components"]["schemas"][name], field)
    ]
    name, field = draw(st.sampled_from(places))
    return name, data["components"]["schemas"][name], field


def remove_request_field(data: Data, draw: Draw) -> Expected:
    name, schema, field = field_of(data, draw, BODIES, lambda schema, field: True)
    del schema["properties"][field]
    schema["required"] = [other for other in schema.get("required", ()) if other != field]
    return BREAKING, "request field", "removed", f"{name}.{python_name(field)}"


def require_request_field(data: Data, draw: Draw) -> Expected:
    name, schema, field = field_of(data, draw, BODIES, lambda schema, field: field not in schema.get("required", ()))
    schema["required"] = [*schema.get("required", ()), field]
    return BREAKING, "request field", "changed", f"{name}.{python_name(field)}"


def add_response_field(data: Data, draw: Draw) -> Expected:
    name = draw(st.sampled_from(MODELS))
    schema = data["components"]["schemas"][name]
    schema["properties"]["newField"] = PLAIN
    if draw(st.booleans()):
        schema["required"] = [*schema.get("required", ()), "newField"]
    return SAFE, "response field", "added", f"{name}.new_field"


def remove_response_field(data: Data, draw: Draw) -> Expected:
    name, schema, field = field_of(data, draw, MODELS, lambda schema, field: True)
    del schema["properties"][field]
    schema["required"] = [other for other in schema.get("required", ()) if other != field]
    return BREAKING, "response field", "removed", f"{name}.{python_name(field)}"


def is_never_none(schema: Data, field: str) -> bool:
    return field in schema.get("required", ()) and "null" not in shapes.shape(OURS, schema["properties"][field])


def make_response_field_optional(data: Data, draw: Draw) -> Expected:
    name, schema, field = field_of(data, draw, MODELS, is_never_none)
    schema["required"] = [other for other in schema["required"] if other != field]
    return BREAKING, "response field", "changed", f"{name}.{python_name(field)}"


def make_response_field_nullable(data: Data, draw: Draw) -> Expected:
    name, schema, field = field_of(data, draw, MODELS, is_never_none)
    schema["properties"][field] = {"anyOf": [schema["properties"][field], {"type": "null"}], "description": "Null."}
    return BREAKING, "response field", "changed", f"{name}.{python_name(field)}"


def promise_response_field(data: Data, draw: Draw) -> Expected:
    name, schema, field = field_of(data, draw, MODELS, lambda schema, field: field not in schema.get("required", ()))
    schema["required"] = [*schema.get("required", ()), field]
    return SAFE, "response field", "changed", f"{name}.{python_name(field)}"


def change_response_type(data: Data, draw: Draw) -> Expected:
    name, schema, field = field_of(
        data, draw, MODELS, lambda schema, field: schema["properties"][field].get("type") == "integer"
    )
    schema["properties"][field]["type"] = draw(st.sampled_from(["string", "boolean", "number"]))
    return BREAKING, "response field", "changed", f"{name}.{python_name(field)}"


def enum_of(data: Data, draw: Draw) -> tuple[str, Any, str]:
    """The name of an enum, its words, and the name of its class."""
    found = []
    for name, schema in data["components"]["schemas"].items():
        policy = schema.get("x-codegen", {})
        if "enum" in schema:
            found.append((name, schema["enum"], name))
        elif "words" in policy:
            found.append((name, policy["words"], policy["enum"]))
    return draw(st.sampled_from(found))


def add_enum_value(data: Data, draw: Draw) -> Expected:
    _, words, kind = enum_of(data, draw)
    words.append("NEW_WORD") if isinstance(words, list) else words.update(NEW_WORD=["NEW_WORD"])
    return SAFE, "enum value", "added", f"{kind}.NEW_WORD"


def remove_enum_value(data: Data, draw: Draw) -> Expected:
    _, words, kind = enum_of(data, draw)
    word = draw(st.sampled_from(sorted(words)))
    words.remove(word) if isinstance(words, list) else words.pop(word)
    return BREAKING, "enum value", "removed", f"{kind}.{member_name(word)}"


def add_status(data: Data, draw: Draw) -> Expected:
    operation = draw(st.sampled_from(operations(data)))
    operation["responses"][draw(st.sampled_from(["418", "503", "201"]))] = {"description": "New."}
    return SAFE, "status code", "added", method(operation)


def remove_status(data: Data, draw: Draw) -> Expected:
    operation = draw(st.sampled_from(operations(data)))
    del operation["responses"][
        draw(st.sampled_from(sorted(status for status in operation["responses"] if status[0] != "2")))
    ]
    return SAFE, "status code", "removed", method(operation)


def lower_limit(data: Data, draw: Draw) -> Expected:
    operation = draw(st.sampled_from(operations(data)))
    limit = operation["x-codegen"]["rate-limit"]
    if draw(st.booleans()):
        limit["requests"] -= draw(st.integers(1, limit["requests"] - 1))
    else:
        limit["seconds"] += draw(st.integers(1, 1_000))
    return DANGEROUS, "limit", "changed", method(operation)


def raise_limit(data: Data, draw: Draw) -> Expected:
    operation = draw(st.sampled_from(operations(data)))
    operation["x-codegen"]["rate-limit"]["requests"] += draw(st.integers(1, 1_000))
    return SAFE, "limit", "changed", method(operation)


EDITS = [
    value for name, value in list(globals().items())
    if callable(value) and getattr(value, "__annotations__", {}).get("return") is Expected
]  # fmt: skip


def test_every_kind_of_edit_is_tried() -> None:
    assert len(EDITS) >= 26


@settings(max_examples=150)
@given(st.sampled_from(EDITS), st.data())
def test_an_edit_is_classified_rightly(edit: Callable[[Data, Draw], Expected], data: st.DataObject) -> None:
    new = copy.deepcopy(OURS)
    severity, kind, action, name = edit(new, data.draw)
    changes = compare(OURS, new)
    expected = [
        change for change in changes if (change.severity, change.kind, change.action) == (severity, kind, action)
    ]
    assert expected, changes
    assert any(name in change.python for change in expected), changes
    assert any(f"Async{name}" in change.python for change in expected) or "Client." not in name
    # Nothing else is made up; only a new argument that must be given may move those behind it.
    others = [change for change in changes if change not in expected]
    assert all("positional" in change.detail and change.severity == DANGEROUS for change in others), changes
    assert [change.severity for change in changes] == sorted(
        (change.severity for change in changes), key=["breaking", "dangerous", "safe"].index
    )


def test_prose_is_no_change() -> None:
    new = copy.deepcopy(OURS)
    for operation in operations(new):
        operation |= {"summary": "Other", "description": "Other."}
    for schema in new["components"]["schemas"].values():
        schema["description"] = "Other."
        for field in schema.get("properties", {}).values():
            field["description"] = "Other."
    assert compare(OURS, new) == []


def changed(edit: Callable[[Data], object]) -> list[Change]:
    new = copy.deepcopy(OURS)
    edit(new)
    return compare(OURS, new)


def test_an_argument_before_others_moves_them() -> None:
    def add(data: Data) -> None:
        operation = next(item for item in operations(data) if item["operationId"] == "get_users")
        operation["parameters"].insert(1, {"name": "team", "in": "query", "schema": {"type": "string"}})

    severities = {change.detail: change.severity for change in changed(add)}
    assert severities["team: is new and optional"] == SAFE
    assert severities["the order of positional arguments is org_id, team, skip, limit now"] == DANGEROUS


def test_a_schema_in_both_directions_gets_the_graver_judgement() -> None:
    def add(data: Data) -> None:
        data["components"]["schemas"]["FreeFormObject"] |= {"properties": {"a": PLAIN}, "required": ["a"]}

    assert changed(add)[0].severity == BREAKING


def test_the_class_of_a_result_that_changes_breaks() -> None:
    def change(data: Data) -> None:
        operation = next(item for item in operations(data) if item["operationId"] == "get_user")
        media = operation["responses"]["200"]["content"]["application/json"]
        media["schema"] = {"$ref": "#/components/schemas/AgentRunResponse"}

    assert [(item.severity, item.kind, item.detail) for item in changed(change)] == [
        (BREAKING, "response field", "the result is UserResponse -> AgentRunResponse")
    ]


def test_the_last_success_that_goes_breaks() -> None:
    found = changed(lambda data: operations(data)[0]["responses"].pop("200"))
    assert (BREAKING, "status code", "removed") in [(item.severity, item.kind, item.action) for item in found]


def test_a_class_that_is_gone_breaks() -> None:
    def rename(data: Data) -> None:
        text = json.dumps(data).replace("UserResponse", "PersonResponse")
        data.clear()
        data.update(json.loads(text))

    details = {change.detail: change.severity for change in changed(rename)}
    assert details["the class UserResponse is gone"] == BREAKING


@pytest.mark.parametrize(
    ("wide", "narrow", "allowed"),
    [
        ({"number"}, {"integer"}, True),
        ({"integer"}, {"number"}, False),
        ({"string"}, {"string=API"}, True),
        ({"string=API"}, {"string"}, False),
        ({"[number]"}, {"[integer]"}, True),
        ({"[integer]", "null"}, {"[integer]"}, True),
        ({"any"}, {"model UserResponse"}, True),
        ({"{any}"}, {"{string}"}, True),
        ({"string"}, {"string(date-time)"}, False),
    ],
)
def test_what_a_schema_allows(wide: set[str], narrow: set[str], allowed: bool) -> None:
    assert shapes.allows(frozenset(wide), frozenset(narrow)) is allowed


@pytest.mark.parametrize(
    ("schema", "tighter"),
    [
        ({"type": "integer"}, {"multipleOf": 5}),
        ({"type": "array", "items": {}}, {"uniqueItems": True}),
        ({"type": "array", "items": {"type": "string"}}, {"items": {"type": "string", "maxLength": 5}}),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, {"anyOf": [{"type": "integer", "maximum": 5}]}),
    ],
)
def test_bounds_of_all_kinds_are_seen(schema: Data, tighter: Data) -> None:
    assert [is_narrower for _, is_narrower in shapes.narrowed(schema, {**schema, **tighter})] == [True]
    assert [is_narrower for _, is_narrower in shapes.narrowed({**schema, **tighter}, schema)] == [False]


# The command


def test_the_report_is_for_people_and_for_machines(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "report.json"
    assert diff.main([str(CURRENT), str(HISTORY[-1]), "--json", str(target)]) == 1
    printed = capsys.readouterr()
    assert "| operation removed | `GET /v1/mcp-providers` |" in printed.out
    assert "`CodegenClient.get_mcp_providers`, `AsyncCodegenClient.get_mcp_providers`" in printed.out
    assert printed.err == "breaking changes need a higher major version than the last tag has\n"
    report = json.loads(target.read_text(encoding="utf-8"))
    assert report["summary"]["breaking"] == len([item for item in report["changes"] if item["severity"] == "breaking"])
    assert {"severity", "kind", "action", "where", "detail", "python"} == report["changes"][0].keys()


def test_what_only_adds_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert diff.main([str(HISTORY[-1]), str(CURRENT), "--json", "-"]) == 0
    summary = json.loads(capsys.readouterr().out)["summary"]
    assert summary["breaking"] == 0
    assert summary["safe"] > 10


def test_a_raised_major_version_allows_to_break(monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = {**OURS, "paths": dict(list(OURS["paths"].items())[1:])}
    monkeypatch.setattr(diff, "load", {"old": OURS, "new": fewer}.__getitem__)
    assert diff.main(["old", "new"]) == 1
    monkeypatch.setattr(versions, "major_raised", lambda: True)
    assert diff.main(["old", "new"]) == 0


def test_a_ref_is_compared_with_the_working_tree(capsys: pytest.CaptureFixture[str]) -> None:
    assert diff.main(["HEAD", "HEAD"]) == 0
    assert "0 breaking, 0 dangerous, 0 safe." in capsys.readouterr().out
    assert diff.main(["no-such-ref"]) == 2
    assert "no-such-ref is no file, no URL and no git ref" in capsys.readouterr().err


def test_a_report_shows_hostile_words_as_text() -> None:
    change = Change(BREAKING, "operation", "removed", "GET /x`|<script>", "a\n# heading | b", ["`x`"])
    text = reporting.as_markdown([change], ["note `\n# other"])
    assert "\n# heading" not in text
    assert "\n# other" not in text
    assert "`GET /x \\|<script>`" in text


# redocly's opinion


def test_without_redocly_the_report_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(second_opinion, "REDOCLY", tmp_path / "nowhere")
    new = copy.deepcopy(OURS)
    del new["paths"][next(iter(new["paths"]))]
    assert diff.differences(OURS, new)[1] == ["redocly is not installed (npm ci), so nobody gave a second opinion"]
    assert diff.differences(OURS, OURS)[1] == []


@pytest.mark.node
def test_redocly_finds_nothing_that_ours_has_not_seen() -> None:
    if not second_opinion.is_available() and "CODEGEN_TEST_ALL" not in os.environ:
        pytest.skip("@redocly/cli is not installed; `make test-all` installs it")
    old, new = diff.load(str(CURRENT)), diff.load(str(HISTORY[0]))
    changes = compare(old, new)
    assert second_opinion.major_findings(old, new)
    assert second_opinion.unseen(old, new, changes) == []
    missed = second_opinion.unseen(old, new, [])
    assert missed
    assert {change.severity for change in missed} == {DANGEROUS}
