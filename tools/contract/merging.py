"""Bringing openapi.yaml to a new state: comments, order and style stay, so that its git diff shows what changed."""

from __future__ import annotations

import copy
import io
from typing import Any

import griffe
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from tools.contract import canonical, document, overlay
from tools.contract.reading import nodes

Data = dict[str, Any]

ORDER = (
    "$ref", "operationId", "tags", "summary", "name", "in", "type", "anyOf", "description", "deprecated", "enum",
    "required", "properties", "items", "additionalProperties", "x-codegen", "parameters", "requestBody", "responses",
    "content", "headers", "schema", "service", "rate-limit", "idempotent", "reconcile", "cache-seconds", "invalidates",
    "paginate", "stream",
)  # fmt: skip
"""The order of keys in what is new; what is there keeps its own."""

PARAMETER_ORDER = ("name", "in", "required", "description", "schema")


def adopt(upstream: Data, current: Data) -> tuple[Data, list[str]]:
    """Bring a document of the service into our form and join it with what `current` has of the other service.

    Returns the whole document and notes for a maintainer.

    Raises:
        reading.ImportRefusedError: if the document and the overlay do not fit together.

    """
    importing = canonical.Import(
        overlay.load(), reserved=handwritten_names(current), known=current["components"]["schemas"]
    )
    data, conflicts = combine(importing.run(upstream), current)
    unmatched = [f"the overlay's target matches nothing: {target}" for target in importing.unmatched]
    return data, [*importing.notes, *conflicts, *unmatched]


def handwritten_names(current: Data) -> frozenset[str]:
    """The names that a new operation must not take: what people wrote in the clients, and the other service's.

    The package is read, not imported, because it cannot be while it names what the contract has lost.
    """
    package = griffe.load("codegen_ext", search_paths=[document.ROOT], allow_inspection=False, try_relative_path=False)
    clients = [package["client.CodegenClient"], package["async_client.AsyncCodegenClient"]]
    members = {name for client in clients for kind in (client, *client.mro()) for name in kind.members}
    found = [operation for _, _, operation in document.each_operation(current)]
    return frozenset(members | {item["operationId"] for item in found if item["x-codegen"]["service"] != "codegen"})


def combine(imported: Data, current: Data) -> tuple[Data, list[str]]:
    """Join the imported service with the paths of the other one, which stay as they are.

    Returns the whole document and notes on schemas that had to be renamed, because the other service has that name.
    """
    notes = []
    data = copy.deepcopy(imported)
    others = {path: item for path, item in current["paths"].items() if not _is_imported(item)}
    ours = {path: item for path, item in current["paths"].items() if _is_imported(item)}
    needed = canonical.reachable(current, others)
    only_theirs = needed - canonical.reachable(current, ours)
    for kind, name in sorted(only_theirs):
        mine = data["components"].get(kind, {}).get(name)
        if mine is not None and mine != current["components"][kind][name]:
            _rename(data, kind, name, f"Codegen{name}")
            notes.append(f"{name} is a schema of the other service; that of this one is Codegen{name} now")
    for kind, name in sorted(needed):
        data["components"].setdefault(kind, {}).setdefault(name, current["components"][kind][name])
    data["components"]["schemas"] = dict(sorted(data["components"]["schemas"].items()))
    for path in data["paths"].keys() & others.keys():
        data["paths"].pop(path)
        notes.append(f"{path} belongs to the other service, so that of this one is left out")
    data["paths"] |= others
    used = {tag for _, _, operation in document.each_operation(data) for tag in operation["tags"]}
    known = {tag["name"] for tag in data["tags"]}
    data["tags"] += [tag for tag in current.get("tags", ()) if tag["name"] not in known]
    data["tags"] = [tag for tag in data["tags"] if tag["name"] in used]
    canonical.prune(data)
    return data, notes


def _is_imported(item: Data) -> bool:
    return any(
        node.get("x-codegen", {}).get("service") == "codegen" for node in item.values() if isinstance(node, dict)
    )


def _rename(data: Data, kind: str, name: str, new: str) -> None:
    group = data["components"][kind]
    group[new] = group.pop(name)
    for _, node in nodes(data):
        if node.get("$ref") == f"#/components/{kind}/{name}":
            node["$ref"] = f"#/components/{kind}/{new}"


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def merged(text: str, target: Data) -> str:
    """Return the YAML document `text` with the content of `target`.

    What is equal is not touched. New keys go where `target` has them, after the key before them.
    """
    yaml = _yaml()
    tree = yaml.load(text)
    _bring(tree, target)
    out = io.StringIO()
    yaml.dump(tree, out)
    return out.getvalue()


def _bring(tree: CommentedMap, target: Data) -> None:
    for key in [key for key in tree if key not in target]:
        del tree[key]
    keys = list(target)
    for index, key in enumerate(keys):
        value = target[key]
        if key not in tree:
            before = next((name for name in reversed(keys[:index]) if name in tree), None)
            position = 0 if before is None else list(tree).index(before) + 1
            tree.insert(position, key, _fresh(key, value))
        elif tree[key] != value or type(tree[key]) is bool is not type(value):
            tree[key] = _brought(key, tree[key], value)


def _brought(key: str, node: Any, value: Any) -> Any:
    if isinstance(node, CommentedMap) and isinstance(value, dict):
        _bring(node, value)
        return node
    if isinstance(node, CommentedSeq) and isinstance(value, list):
        _bring_list(node, value)
        return node
    return _fresh(key, value)


def _identity(item: Any) -> Any:
    """What makes an element of a list the same one: its name, or what it refers to, or all of it."""
    if isinstance(item, dict):
        return (item.get("name"), item.get("in"), item.get("$ref")) if {"name", "$ref"} & item.keys() else str(item)
    return item


def _bring_list(node: CommentedSeq, value: list[Any]) -> None:
    wanted = [_identity(item) for item in value]
    for index in range(len(node) - 1, -1, -1):
        if _identity(node[index]) not in wanted:
            del node[index]
    for index, item in enumerate(value):
        places = [place for place in range(index, len(node)) if _identity(node[place]) == wanted[index]]
        if not places:
            node.insert(index, _fresh("", item))
        elif places[0] != index:
            node.insert(index, node.pop(places[0]))
        elif node[index] != item:
            node[index] = _brought("", node[index], item)
    del node[len(value) :]


def _fresh(key: str, value: Any) -> Any:
    """A new node in the style of the file: short things on one line."""
    if isinstance(value, dict):
        named = key in {"properties", "schemas", "parameters", "responses", "paths", "words"} and "$ref" not in value
        inline = key in {"rate-limit", "paginate"}
        order = PARAMETER_ORDER if "in" in value else ORDER
        keys = value if named or inline else sorted(value, key=lambda name: order.index(name) if name in order else 99)
        node = CommentedMap((name, _fresh(str(name), value[name])) for name in keys)
        short = len(value) == 1 and value.keys() <= {"$ref", "type"}
        if inline or (short and not named):
            node.fa.set_flow_style()
        return node
    if isinstance(value, list):
        items = CommentedSeq(_fresh("", item) for item in value)
        if not any(isinstance(item, dict | list) for item in value):
            items.fa.set_flow_style()
        return items
    return value
