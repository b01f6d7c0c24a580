"""Applying OpenAPI Overlay 1.0 documents.

oas-patch 0.6.0, the library for this on PyPI, was tried: it fails with TypeError when a target selects elements of a
list (`parameters[?@.name=='org_id']`), removes where `remove: false` stands, shares one updated object between all
matches of a target, and cannot tell which targets matched nothing. The queries, the hard part, are a library's.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonpath_rfc9535
from attrs import frozen

from tools.contract import document
from tools.contract.reading import ImportRefusedError


@frozen
class Action:
    """One action of an overlay."""

    target: str
    update: Any
    remove: bool


def load(path: Path = document.OVERLAY) -> list[Action]:
    """Read the actions of an overlay document.

    Raises:
        ImportRefusedError: if the file is not an Overlay 1.0 document or a target is not a JSONPath.

    """
    data = document.load(path)
    if not str(data.get("overlay", "")).startswith("1.0.") or not isinstance(data.get("actions"), list):
        raise ImportRefusedError(f"{path.name} is not an OpenAPI Overlay 1.0 document")
    actions = []
    for number, item in enumerate(data["actions"], 1):
        unknown = item.keys() - {"target", "description", "update", "remove"} if isinstance(item, dict) else {"?"}
        unknown = {key for key in unknown if not key.startswith("x-")}
        if unknown or not isinstance(item.get("target"), str) or not {"update", "remove"} & item.keys():
            raise ImportRefusedError(f"{path.name}: action {number} needs a target, and update or remove, and no more")
        try:
            jsonpath_rfc9535.compile(item["target"])
        except jsonpath_rfc9535.JSONPathError as error:
            raise ImportRefusedError(
                f"{path.name}: action {number}: {item['target']} is no JSONPath: {error}"
            ) from error
        actions.append(Action(item["target"], item.get("update"), item.get("remove") is True))
    return actions


def apply(data: dict[str, Any], actions: list[Action]) -> list[str]:
    """Apply actions to `data` in order, in place; returns the targets that matched nothing."""
    unmatched = []
    for action in actions:
        found = [node.location for node in jsonpath_rfc9535.find(action.target, data)]
        if not found:
            unmatched.append(action.target)
        # From the last to the first, because removing from a list moves what follows.
        for location in sorted(
            found, key=lambda place: [(isinstance(part, str), part) for part in place], reverse=True
        ):
            _apply_at(data, location, action)
    return unmatched


def _apply_at(data: dict[str, Any], location: tuple[int | str, ...], action: Action) -> None:
    parent: Any = None
    node: Any = data
    try:
        for part in location:
            parent, node = node, node[part]
    except (KeyError, IndexError):
        return  # removed together with what held it
    if action.remove:
        if parent is None:
            raise ImportRefusedError(f"{action.target}: an overlay cannot remove the whole document")
        del parent[location[-1]]
    elif isinstance(node, dict):
        if not isinstance(action.update, dict):
            raise ImportRefusedError(f"{action.target}: an object can only be updated with an object")
        _merge(node, action.update)
    elif isinstance(node, list):
        node.append(copy.deepcopy(action.update))
    else:
        raise ImportRefusedError(f"{action.target}: selects {node!r}; an overlay updates objects and lists")


def _merge(node: dict[str, Any], update: dict[str, Any]) -> None:
    for key, value in update.items():
        present = node.get(key)
        if isinstance(present, dict) and isinstance(value, dict):
            _merge(present, value)
        elif isinstance(present, list) and isinstance(value, list):
            present += copy.deepcopy(value)
        else:
            node[key] = copy.deepcopy(value)
