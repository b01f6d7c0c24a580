"""OpenAPI Overlay 1.0: targets are JSONPath (RFC 9535), updates merge, lists are appended to, removals remove."""

import copy
from pathlib import Path
from typing import Any

import pytest

from tools.contract import overlay, reading

from .upstream_documents import current

DATA = {"a": {"b": 1, "list": [1]}, "items": [{"name": "x"}, {"name": "y"}, {"name": "z"}]}


def applied(*actions: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    data = copy.deepcopy(DATA)
    made = [overlay.Action(item["target"], item.get("update"), item.get("remove", False)) for item in actions]
    return data, overlay.apply(data, made)


def test_objects_are_merged_and_lists_in_them_joined() -> None:
    data, unmatched = applied({"target": "$.a", "update": {"b": 2, "c": {"d": 3}, "list": [2]}})
    assert data["a"] == {"b": 2, "c": {"d": 3}, "list": [1, 2]}
    assert unmatched == []


def test_a_list_gets_the_update_as_a_further_element() -> None:
    assert applied({"target": "$.items", "update": {"name": "new"}})[0]["items"][-1] == {"name": "new"}


def test_elements_of_lists_are_updated_one_by_one() -> None:
    data, _ = applied({"target": "$.items[?@.name!='x']", "update": {"more": {"n": 1}}})
    assert [item.get("more") for item in data["items"]] == [None, {"n": 1}, {"n": 1}]
    data["items"][1]["more"]["n"] = 2
    assert data["items"][2]["more"]["n"] == 1


def test_several_elements_are_removed_at_once() -> None:
    assert applied({"target": "$.items[?@.name!='y']", "remove": True})[0]["items"] == [{"name": "y"}]
    assert applied({"target": "$..name", "remove": True})[0]["items"] == [{}, {}, {}]
    assert applied({"target": "$.a['b','list']", "remove": True})[0]["a"] == {}


def test_remove_false_removes_nothing() -> None:
    assert applied({"target": "$.a", "remove": False, "update": {}})[0] == DATA


def test_actions_apply_in_order_and_what_matches_nothing_is_named() -> None:
    first = {"target": "$", "update": {"new": {"here": True}}}
    data, unmatched = applied(
        first, {"target": "$.new", "update": {"x": 1}}, {"target": "$.nowhere[?@.a]", "update": {}}
    )
    assert data["new"] == {"here": True, "x": 1}
    assert unmatched == ["$.nowhere[?@.a]"]


@pytest.mark.parametrize(
    "action", [{"target": "$", "remove": True}, {"target": "$.a", "update": 1}, {"target": "$.a.b", "update": {}}]
)
def test_what_an_overlay_cannot_do_is_refused(action: dict[str, Any]) -> None:
    with pytest.raises(reading.ImportRefusedError):
        applied(action)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("openapi: 3.1.0", "not an OpenAPI Overlay 1.0 document"),
        ("overlay: 2.0.0\nactions: []", "not an OpenAPI Overlay 1.0 document"),
        ("overlay: 1.0.0\nactions: [{target: $.a}]", "action 1 needs a target, and update or remove"),
        ("overlay: 1.0.0\nactions: [{target: $.a, update: {}, copy: $.b}]", "action 1 needs"),
        ("overlay: 1.0.0\nactions: [{target: '$..[', update: {}}]", "is no JSONPath"),
    ],
)
def test_an_overlay_that_is_none_is_refused(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "overlay.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(reading.ImportRefusedError, match=reason.replace("$", r"\$").replace("[", r"\[")):
        overlay.load(tmp_path / "overlay.yaml")


def test_every_target_of_ours_names_what_the_service_has_now() -> None:
    from tools.contract.canonical import Import

    importing = Import(overlay.load())
    importing.run(current())
    assert importing.unmatched == []
