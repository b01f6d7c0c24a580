"""The service's document is refused in one line or reduced to facts, of which rules and overlay make openapi.yaml."""

import contextlib
import copy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools import adapter, load, normalize, overlay, validate

from ..support.loopback import reply
from ..support.text import any_text
from .documents import HISTORY, OURS, actions, answering, facts, written

GOLDEN = Path(__file__).with_name("normalize")
CHATSERVER, ACTIONS = load.load(load.CHATSERVER), overlay.read(load.OVERLAY)

# Reading


def test_json_yaml_and_urls_are_read(tmp_path, serve):
    text = "openapi: 3.1.0\npaths: {/v1/things: {get: {responses: {200: {description: 2026-01-02}}}}}"
    data = {"openapi": "3.1.0", "paths": {"/v1/things": {"get": {"responses": {"200": {"description": "2026-01-02"}}}}}}
    (tmp_path / "published.yaml").write_text(text, encoding="utf-8")
    server = serve(reply(data))
    for source in (str(tmp_path / "published.yaml"), written(tmp_path, data), f"{server.base_url}/openapi.json"):
        assert load.read(source) == data


def refusal(source):
    with pytest.raises(load.SpecError) as caught:
        load.read(str(source))
    (line,) = str(caught.value).splitlines()
    return line


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a: &a [*a]", "neither JSON nor YAML"),
        (b"a: 1\na: 2", "neither JSON nor YAML"),
        (b'{"a": NaN}', "neither JSON nor YAML"),
        (b'{"a":' * 100_000, "neither JSON nor YAML"),
        (b'{"a": ' + b"9" * 5000 + b"}", "neither JSON nor YAML"),
        (b"", "an object is expected, not NoneType"),
        (b'{"a": "\\ud800"}', "surrogates not allowed"),
        (b'{"openapi": "\xe9"}', "is not UTF-8"),
        (b"openapi: 3.0.3\npaths: {/a: {}}", "not OpenAPI 3.1 but 3.0.3"),
        (b"openapi: 3.1.0\npaths: {}", "has no paths"),
        (b"openapi: 3.1.0\npaths: {/a: {get: x}}", "/a does not hold operations"),
        (b"x" * 5_000_000, "more than 2,000,000 bytes"),
    ],
)
def test_what_cannot_be_used_is_refused(content, reason, tmp_path):
    (tmp_path / "published.json").write_bytes(content)
    assert reason in refusal(tmp_path / "published.json")


def test_what_cannot_be_fetched_is_refused(tmp_path, serve):
    assert "No such file" in refusal(tmp_path / "nowhere.json")
    assert "404" in refusal(f"{serve(reply(status=404)).base_url}/openapi.json")
    assert "more than 2,000,000 bytes" in refusal(f"{serve(reply(b'x' * 5_000_000)).base_url}/openapi.json")


@settings(max_examples=15)
@given(any_text(max_size=60))
def test_whatever_comes_is_data_or_a_refusal(text):
    with contextlib.suppress(load.SpecError):
        assert isinstance(load.parse(text), dict)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("List them.\n\nRate limit: 10 requests per minute.", (10, 60)),
        ("Rate Limit: 1 request per hour", (1, 3600)),
        ("rate limit: 7 requests per 2 minutes", (7, 120)),
        ("**Rate limit:** 8 requests/minute", (8, 60)),
        ("Rate limits: **1,000 requests** a day.", (1000, 86400)),
        ("Rate limited to 5 calls every 10s.", (5, 10)),
        ("Things.", None),
        ("Rate limit: 0 requests per minute.", None),
    ],
)
def test_a_limit_is_read_out_of_the_prose(text, limit):
    found, notes = load.facts({"openapi": "3.1.0", "paths": {"/v1/things": {"get": {"description": text}}}})
    said = found["paths"]["/v1/things"]["get"]
    assert "description" not in said
    assert said.get("x-rate-limit") == (limit and {"requests": limit[0], "seconds": limit[1]})
    assert bool(notes) == (limit is None and "imit" in text)


def test_prose_goes_and_names_stay():
    names = ["title", "description", "example", "x-word"]
    facts = {"type": "object", "required": names, "properties": {name: {"default": "x"} for name in names}}
    published = copy.deepcopy(facts) | {"title": "T", "description": "Prose.", "x-codegen": {"enum": "Evil"}}
    for node in published["properties"].values():
        node["title"] = "T"
    document = {"openapi": "3.1.0", "paths": {}, "components": {"schemas": {"Thing": published}}}
    assert load.facts(document)[0]["components"]["schemas"]["Thing"] == facts


# Rules


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
    made = normalize.normalize(load.facts(load.read(str(path)))[0], CHATSERVER, ACTIONS)
    assert made.problems == []
    assert all("is no operation" in problem for problem in validate.problems(made.data))  # overlays may name more
    assert {place: name for place, name in ids(made.data).items() if place in ids(OURS)}.items() <= ids(OURS).items()
    assert CHATSERVER["paths"].items() <= made.data["paths"].items()


@pytest.mark.slow
@settings(max_examples=10)
@given(st.text("abc-", min_size=1, max_size=5), st.lists(any_text(max_size=5), max_size=3), any_text(max_size=30))
def test_an_unrelated_document_gives_a_valid_contract_with_few_notes(name, tags, prose):
    odd = {"tags": tags, "description": prose, "responses": answering({"type": "string", "title": prose})}
    published, notes = load.facts(facts(lambda data: data.update(paths={f"/v1/x{name}": {"get": odd}})))
    made = normalize.normalize(published, CHATSERVER, ACTIONS)
    assert made.problems + validate.problems(made.data) + notes + made.notes == []
    assert len(made.unmatched) > 50
    assert load.parse(normalize.text(made.data)) == made.data


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
    with pytest.raises(load.SpecError, match="it is not an OpenAPI Overlay"):
        overlay.parse({"overlay": "2.0.0", "actions": []}, "it")
    reasons = ("1 needs a target", "2: '$..[' is no JSONPath", "3 needs", "4 needs")
    with pytest.raises(load.SpecError) as caught:
        actions("{target: $.a}\n{target: '$..[', update: {}}\n{target: $, update: {}, c: 1}\n7")
    for problem, reason in zip(caught.value.problems, reasons, strict=True):
        assert f"action {reason}" in problem
    wrong = actions("{target: $, remove: true}\n{target: $.a, update: 1}\n{target: $.a.b, update: {}}")
    with pytest.raises(load.SpecError) as caught:
        overlay.apply(copy.deepcopy(DATA), wrong)
    assert [line.split(": ")[1] for line in caught.value.problems] == ["$", "$.a", "$.a.b"]
