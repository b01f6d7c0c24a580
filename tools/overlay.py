"""Apply OpenAPI Overlay 1.0 documents; the queries are a library's (RFC 9535)."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, NamedTuple

import jsonpath_rfc9535

from tools.load import OVERLAY, Data, SpecError, load


class Action(NamedTuple):
    """One action of an overlay."""

    target: str
    query: jsonpath_rfc9535.JSONPathQuery
    update: Any
    remove: bool


def read(path: Path = OVERLAY) -> list[Action]:
    """Read the actions of an overlay document.

    Raises:
        SpecError: with all reasons why it is no Overlay 1.0 document.

    """
    data = load(path)
    if not str(data.get("overlay", "")).startswith("1.0.") or not isinstance(data.get("actions"), list):
        raise SpecError(f"{path.name} is not an OpenAPI Overlay 1.0 document")
    actions, problems = [], []
    for number, item in enumerate(data["actions"], 1):
        where = f"{path.name}: action {number}"
        keys = {key for key in item if not key.startswith("x-")} if isinstance(item, dict) else set()
        if not {"target"} < keys <= {"target", "description", "update", "remove"}:
            problems.append(f"{where} needs a target, and update or remove, and no more")
            continue
        try:
            query = jsonpath_rfc9535.compile(item["target"])
        except (jsonpath_rfc9535.JSONPathError, TypeError) as error:
            problems.append(f"{where}: {item['target']!r} is no JSONPath: {' '.join(str(error).split())}")
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
        # From the last to the first, because removing from a list moves what follows.
        places = sorted((node.location for node in found), key=_rank, reverse=True)
        said = [_apply_at(data, place, action) for place in places]
        problems += [f"{OVERLAY.name}: {action.target}: {problem}" for problem in said if problem]
    if problems:
        raise SpecError(*dict.fromkeys(problems))
    return unmatched


def _rank(place: tuple[int | str, ...]) -> list[tuple[bool, int | str]]:
    return [(isinstance(part, str), part) for part in place]


def _apply_at(data: Data, location: tuple[int | str, ...], action: Action) -> str | None:
    parent: Any = None
    node: Any = data
    try:
        for part in location:
            parent, node = node, node[part]
    except (KeyError, IndexError):
        return None  # removed together with what held it
    if action.remove:
        if parent is None:
            return "an overlay cannot remove the whole document"
        del parent[location[-1]]
    elif isinstance(node, list):
        node.append(copy.deepcopy(action.update))
    elif isinstance(node, dict) and isinstance(action.update, dict):
        _merge(node, action.update)
    else:
        return "an overlay updates objects with objects, and lists"
    return None


def _merge(node: Data, update: Data) -> None:
    for key, value in update.items():
        present = node.get(key)
        if isinstance(present, dict) and isinstance(value, dict):
            _merge(present, value)
        elif isinstance(present, list) and isinstance(value, list):
            present += copy.deepcopy(value)
        else:
            node[key] = copy.deepcopy(value)
