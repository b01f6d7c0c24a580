"""spec/ gives openapi.yaml: by rules, by the overlay, and joined with what is written of the ChatServer."""

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools import adapter, load, normalize, overlay, validate

from ..support.text import any_text
from .documents import CHATSERVER, HISTORY, OURS, actions, answering, facts, normalized

GOLDEN = Path(__file__).with_name("normalize")


def test_each_rule_shapes_the_contract():
    published, _ = load.facts(load.read(str(GOLDEN / "published.yaml")))
    made = normalize.normalize(published, {"paths": {}}, overlay.read(GOLDEN / "overlay.yaml"))
    assert normalize.text(made.data) == (GOLDEN / "contract.yaml").read_text(encoding="utf-8")
    assert made.unmatched == ["$.components.schemas.Input.properties.gone"]
    declared = "org_id is in the path without a declaration; it is declared now"
    assert made.notes == [
        f"GET /v1/beta/organizations/{{org_id}}/things: {declared}",
        "GET /v2/organizations/{org_id}/things: the cookie crumb is left out; clients send none",
        "GET /v2/organizations/{org_id}/things: the path lacks its parameter thing_id, which is a query parameter now",
        f"POST /v2/organizations/{{org_id}}/things: {declared}",
        "POST /v2/organizations/{org_id}/things: text/plain is left out; clients speak JSON here",
        "#/components/schemas/Input/properties/other: it differs from Mode, so it stays on its own",
    ]
    assert made.problems + validate.problems(made.data) == []
    adapter.read(made.data)


def ids(data):
    return {(path, method): operation["operationId"] for path, method, operation in load.each_operation(data)}


@pytest.mark.parametrize("path", [pytest.param(path, marks=pytest.mark.slow) for path in HISTORY[:-1]] + HISTORY[-1:])
def test_an_older_document_gives_a_contract_in_which_known_operations_keep_their_ids(path):
    made = normalized(load.read(str(path)))
    assert made.problems == []
    assert all("is no operation" in problem for problem in validate.problems(made.data))  # overlays may name more
    assert {place: name for place, name in ids(made.data).items() if place in ids(OURS)}.items() <= ids(OURS).items()
    assert CHATSERVER["paths"].items() <= made.data["paths"].items()


def test_an_unrelated_document_gets_few_notes():
    odd = {"/v1/odd": {"get": {"responses": answering({"type": "string"})}}}
    made = normalized(facts(lambda data: data.update(paths=odd)))
    assert made.problems + validate.problems(made.data) == []
    assert made.notes == []
    assert len(made.unmatched) > 50


@pytest.mark.slow
@settings(max_examples=5)
@given(st.data())
def test_any_document_gives_a_valid_contract(data):
    def change(published):
        for path in data.draw(st.lists(st.sampled_from(sorted(published["paths"])), max_size=6, unique=True)):
            del published["paths"][path]
        for name in data.draw(st.lists(st.text("abc-", min_size=1, max_size=5), max_size=2, unique=True)):
            tags = data.draw(st.lists(any_text(max_size=5), max_size=3))
            prose = data.draw(any_text(max_size=30))
            published["paths"][f"/v1/x{name}"] = {
                "get": {"tags": tags, "description": prose, "responses": {"200": {"description": prose}}}
            }

    published = facts(change)
    made, again = normalized(published), normalized(copy.deepcopy(published))
    assert json.dumps(made.data) == json.dumps(again.data)
    assert load.parse(normalize.text(made.data)) == made.data
    assert [line for line in validate.problems(made.data) if "is no operation" not in line] == []


# Overlays

DATA = {"a": {"b": 1, "list": [1]}, "items": [{"name": "x"}, {"name": "y"}, {"name": "z"}]}


@pytest.mark.parametrize(
    ("entry", "place", "value"),
    [
        ("{target: $.a, update: {c: {d: 3}, list: [2]}}", "a", {"b": 1, "list": [1, 2], "c": {"d": 3}}),
        ("{target: \"$.items[?@.name!='x']\", remove: true}", "items", [{"name": "x"}]),
        ("{target: $..name, remove: true}", "items", [{}, {}, {}]),
        ("{target: $.a.list, update: 7}", "a", {"b": 1, "list": [1, 7]}),
        ("{target: $.a, remove: false, update: {}}", "a", DATA["a"]),
    ],
)
def test_an_action_updates_or_removes(entry, place, value):
    data = copy.deepcopy(DATA)
    assert overlay.apply(data, actions(entry)) == []
    assert data[place] == value


def test_what_an_overlay_cannot_do_is_said_of_all_its_actions():
    wrong = "{target: $, remove: true}\n{target: $.a, update: 1}\n{target: $.a.b, update: {}}"
    with pytest.raises(load.SpecError) as caught:
        overlay.apply(copy.deepcopy(DATA), actions(wrong))
    assert [line.split(": ")[1] for line in caught.value.problems] == ["$", "$.a", "$.a.b"]


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("overlay: 2.0.0\nactions: []", ["it is not an OpenAPI Overlay 1.0 document"]),
        (
            "overlay: 1.0.0\nactions: [{target: $.a}, {target: '$..[', update: {}}, {target: $, update: {}, c: 1}, 7]",
            ["action 1 needs a target", "action 2: '$..[' is no JSONPath", "action 3 needs", "action 4 needs"],
        ),
    ],
)
def test_an_overlay_that_is_none_is_refused(text, reasons):
    with pytest.raises(load.SpecError) as caught:
        overlay.parse(load.parse(text), "it")
    for problem, reason in zip(caught.value.problems, reasons, strict=True):
        assert reason in problem
