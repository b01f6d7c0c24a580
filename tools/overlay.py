"""Apply OpenAPI Overlay 1.0 documents; the queries are a library's (RFC 9535)."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, NamedTuple

import jsonpath_rfc9535

from tools.load import Data, SpecError, load, one_line


class Action(NamedTuple):
    """One action of an overlay."""

    target: str
    query: jsonpath_rfc9535.JSONPathQuery
    update: Any
    remove: bool


def read(path: Path) -> list[Action]:
    """Read the actions of an overlay document.

    Raises:
        SpecError: with all reasons why it is no Overlay 1.0 document.

    """
    return parse(load(path), path.name)


def parse(data: Data, name: str = "the overlay") -> list[Action]:
    """Return the actions of an overlay document; raises SpecError as `read` does."""
    if not str(data.get("overlay", "")).startswith("1.0.") or not isinstance(data.get("actions"), list):
        raise SpecError(f"{name} is not an OpenAPI Overlay 1.0 document")
    actions, problems = [], []
    for number, item in enumerate(data["actions"], 1):
        keys = item.keys() if isinstance(item, dict) else set()
        if not {"target"} < keys <= {"target", "description", "update", "remove"}:
            problems.append(f"{name}: action {number} needs a target, and update or remove, and no more")
            continue
        try:
            query = jsonpath_rfc9535.compile(item["target"])
        except (jsonpath_rfc9535.JSONPathError, TypeError) as error:
            problems.append(f"{name}: action {number}: {item['target']!r} is no JSONPath: {one_line(error)}")
            continue
        actions.append(Action(item["target"], query, item.get("update"), item.get("remove") is True))
    if problems:
        raise SpecError(*problems)
    return actions


def apply(data: Data, actions: list[Action]) -> list[str]:
    """Apply actions to `data` in order, in place; returns the targets that matched nothing.

    Raises:
        SpecError: with all actions that do not suit what they select.

    """
    unmatched, problems = [], []
    for action in actions:
        found = list(action.query.find(data))
        if not found:
            unmatched.append(action.target)
        for node in reversed(found):  # because removing from a list moves what follows
            if action.remove and node.location:
                _remove(data, node.location)
            elif isinstance(node.value, list) and not action.remove:
                node.value.append(copy.deepcopy(action.update))
            elif isinstance(node.value, dict) and isinstance(action.update, dict) and not action.remove:
                _merge(node.value, action.update)
            else:
                problems.append(f"spec/overlay.yaml: {action.target}: it updates an object with an object, or a list")
    if problems:
        raise SpecError(*problems)
    return unmatched


def _remove(data: Any, location: tuple[int | str, ...]) -> None:
    for part in location[:-1]:
        data = data[part]
    del data[location[-1]]


def _merge(node: Data, update: Data) -> None:
    for key, value in update.items():
        present = node.get(key)
        if isinstance(present, dict) and isinstance(value, dict):
            _merge(present, value)
        elif isinstance(present, list) and isinstance(value, list):
            present += copy.deepcopy(value)
        else:
            node[key] = copy.deepcopy(value)
