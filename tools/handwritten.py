"""What handwritten code has to do with the contract: every operation is documented and tested, no name made up.

Attributes of models are checked by mypy, which `make check` runs, too: the models are typed from the contract.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools import load, versions
from tools.load import CLIENTS, Data


def _ids(contract: Data) -> list[str]:
    return [operation["operationId"] for _, _, operation in load.each_operation(contract)]


def problems() -> Iterator[str]:
    """Name the operations that are missing somewhere, and the names that the contract lacks."""
    yield from name_problems()
    yield from tested_problems()
    try:
        yield from _reachability_problems()
        yield from _documented_problems()
    except (AttributeError, ImportError) as error:
        yield f"codegen_ext cannot be imported with this contract: {error}"


def _reachability_problems() -> Iterator[str]:
    """Name the operations that a client of their service does not offer."""
    import codegen_ext

    for _, _, operation in load.each_operation(load.load()):
        name, service = operation["operationId"], operation["x-codegen"]["service"]
        for prefix in ("", "Async"):
            method = getattr(getattr(codegen_ext, f"{prefix}{CLIENTS[service]}"), name, None)
            if not callable(method) or inspect.iscoroutinefunction(method) is not bool(prefix):
                yield f"operation {name} is not reachable as {prefix}{CLIENTS[service]}.{name}"


def _documented_problems() -> Iterator[str]:
    page = load.ROOT / "docs" / "operations.md"
    spec = importlib.util.spec_from_file_location("docs_hooks", load.ROOT / "docs" / "hooks.py")
    assert spec is not None
    assert spec.loader is not None
    hooks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hooks)
    shown = hooks.on_page_markdown(page.read_text(encoding="utf-8"))
    for name in _ids(load.load()):
        if f"`{name}`" not in shown:
            yield f"operation {name} is not in the table of operations in docs/operations.md"


def tested_problems() -> Iterator[str]:
    """Name the operations that no test outside tests/contract mentions."""
    folder = load.ROOT / "tests"
    texts = [
        path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.py"))
        if "contract" not in path.relative_to(folder).parts[:-1]
    ]
    words = set(re.findall(r"\w+", "\n".join(texts)))
    yield from (f"operation {name} is not named by any test" for name in _ids(load.load()) if name not in words)


def name_problems(package: Path = load.ROOT / "codegen_ext") -> Iterator[str]:
    """Say where handwritten code names an operation, a path, a model or an argument that the contract lacks."""
    from codegen_api import models, operations

    contract = load.load()
    paths = [path.split("/") for path in contract["paths"]]
    heads = {_head(parts) for parts in paths}
    lost = _lost_names(contract)
    known_models = set(models.__all__)
    for file in sorted(package.rglob("*.py")):
        where = file.relative_to(package.parent)
        if "_sync" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Constant(value=str() as text) if re.fullmatch(r"(/[\w{}.-]+){2,}", text):
                    if _head(text.split("/")) in heads and not any(_fits(text.split("/"), parts) for parts in paths):
                        yield f"{where}:{node.lineno} names the path {text}, which the contract lacks"
                case ast.Constant(value=str() as text) if text in lost:
                    yield f"{where}:{node.lineno} names the field {text}, which the contract lost since {lost[text]}"
                case ast.Attribute(value=ast.Name(id="operations"), attr=name) if name.isupper():
                    if not hasattr(operations, name):
                        yield f"{where}:{node.lineno} names the operation {name.lower()}, which the contract lacks"
                case ast.Subscript(value=ast.Name(id="OPERATIONS"), slice=ast.Constant(value=str() as name)):
                    if name not in operations.OPERATIONS:
                        yield f"{where}:{node.lineno} names the operation {name}, which the contract lacks"
                case ast.ImportFrom(module="codegen_api.models" | "codegen_api.operations" as module):
                    known = known_models if module.endswith("models") else set(dir(operations))
                    for name in {alias.name for alias in node.names} - known:
                        yield f"{where}:{node.lineno} imports {name} from {module}, which the contract lacks"
                case ast.Call():
                    yield from (f"{where}:{node.lineno} {text}" for text in _call_problems(node, operations))


def _lost_names(contract: Data) -> dict[str, str]:
    """Return the fields and parameters that the contract had at the last commit or tag and has nowhere now, by ref.

    Names of one word are left out, because code uses words such as `error` for other things, too.
    """
    lost: dict[str, str] = {}
    for ref in filter(None, ("HEAD", versions.last_tag())):
        old = versions.at(ref, load.CONTRACT.name)
        if old is not None and old != load.CONTRACT.read_text(encoding="utf-8"):
            lost |= dict.fromkeys(_names(load.parse(old)) - _names(contract), ref)
    return lost


def _names(contract: Data) -> set[str]:
    found: set[str] = set()
    for _, node in load.nodes(contract):
        if isinstance(node.get("properties"), dict):
            found |= node["properties"].keys()
        if "in" in node and isinstance(node.get("name"), str):
            found.add(node["name"])
    return {name for name in found if "_" in name}


def _head(parts: list[str]) -> tuple[str, ...]:
    """Return what tells that a path is meant for the services: a version, or the first two words."""
    return tuple(parts[1:2] if re.fullmatch(r"v\d+", parts[1]) else parts[1:3])


def _fits(named: list[str], path: list[str]) -> bool:
    """Say whether a path, or the beginning of one, is one of the contract's."""
    return len(named) <= len(path) and all(
        left == right or right.startswith("{") for left, right in zip(named, path, strict=False)
    )


def _call_problems(call: ast.Call, operations: Any) -> Iterator[str]:
    """Check arguments that are handed to an operation of the table: perform(operations.GET_USER, {"org_id": 1})."""
    names = [
        node.attr
        for node in call.args
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "operations"
    ]
    names += [node.id for node in call.args if isinstance(node, ast.Name) and node.id.isupper()]
    for name in names:
        operation = getattr(operations, name, None)
        known = {argument.name for argument in getattr(operation, "arguments", ())}
        for node in call.args if known else ():
            for key in node.keys if isinstance(node, ast.Dict) else ():
                if isinstance(key, ast.Constant) and str(key.value) not in known:
                    yield f"hands {key.value!s} to {name.lower()}, which has no such field or parameter in the contract"
