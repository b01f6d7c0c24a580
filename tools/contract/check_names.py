"""What `make check` asks of handwritten code: every operation is documented and tested, and no name is made up.

Attributes of models are checked by mypy, which `make check` runs, too: the models are typed from the contract.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.contract import document, versions
from tools.load import nodes

Data = dict[str, Any]


def _ids(contract: Data) -> list[str]:
    return [operation["operationId"] for _, _, operation in document.each_operation(contract)]


def documented_problems(page: Path = document.ROOT / "docs" / "operations.md") -> Iterator[str]:
    """Name the operations that the table of operations in the documentation lacks."""
    spec = importlib.util.spec_from_file_location("docs_hooks", document.ROOT / "docs" / "hooks.py")
    assert spec is not None
    assert spec.loader is not None
    hooks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hooks)
    shown = hooks.on_page_markdown(page.read_text(encoding="utf-8"))
    for name in _ids(document.load()):
        if f"`{name}`" not in shown:
            yield f"operation {name} is not in the table of operations in docs/{page.name}"


def tested_problems() -> Iterator[str]:
    """Name the operations that no test outside tests/contract mentions."""
    folder = document.ROOT / "tests"
    texts = [
        path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.py"))
        if "contract" not in path.relative_to(folder).parts[:-1]
    ]
    words = set(re.findall(r"\w+", "\n".join(texts)))
    for name in _ids(document.load()):
        if name not in words:
            yield f"operation {name} is not named by any test"


def name_problems(package: Path = document.ROOT / "codegen_ext") -> Iterator[str]:
    """Say where handwritten code names an operation, a path, a model or an argument that the contract lacks."""
    from codegen_api import models, operations

    contract = document.load()
    paths = [path.split("/") for path in contract["paths"]]
    heads = {_head(parts) for parts in paths}
    lost = lost_names(contract)
    known_models = set(models.__all__)
    for file in sorted(package.rglob("*.py")):
        where = file.relative_to(package.parent)
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
                case ast.ImportFrom(module="codegen_api.models"):
                    for name in {alias.name for alias in node.names} - known_models:
                        yield f"{where}:{node.lineno} names the model {name}, which the contract lacks"
                case ast.Call():
                    yield from (f"{where}:{node.lineno} {text}" for text in _call_problems(node, operations))


def lost_names(contract: Data) -> dict[str, str]:
    """The fields and parameters that the contract had at the last commit or tag and has nowhere now, with that ref.

    Names of one word are left out, because code uses words such as `error` for other things, too.
    """
    lost: dict[str, str] = {}
    for ref in filter(None, ("HEAD", versions.last_tag())):
        old = versions.at(ref, document.CONTRACT.name)
        if old is not None and old != document.CONTRACT.read_text(encoding="utf-8"):
            lost |= dict.fromkeys(_names(document.parse(old)) - _names(contract), ref)
    return lost


def _names(contract: Data) -> set[str]:
    found: set[str] = set()
    for _, node in nodes(contract):
        if isinstance(node.get("properties"), dict):
            found |= node["properties"].keys()
        if "in" in node and isinstance(node.get("name"), str):
            found.add(node["name"])
    return {name for name in found if "_" in name}


def _head(parts: list[str]) -> tuple[str, ...]:
    """What tells that a path is meant for the services: a version, or the first two words."""
    return tuple(parts[1:2] if re.fullmatch(r"v\d+", parts[1]) else parts[1:3])


def _fits(named: list[str], path: list[str]) -> bool:
    """Whether a path, or the beginning of one, is one of the contract's."""
    return len(named) <= len(path) and all(
        left == right or right.startswith("{") for left, right in zip(named, path, strict=False)
    )


def _call_problems(call: ast.Call, operations: Any) -> Iterator[str]:
    """Check arguments that are handed to an operation of the table: Perform(operations.GET_USER, {"org_id": 1})."""
    names = [
        node.attr
        for node in call.args
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "operations"
    ]
    for name in names:
        operation = getattr(operations, name, None)
        known = {argument.name for argument in operation.arguments} if operation is not None else None
        for node in call.args:
            for key in node.keys if isinstance(node, ast.Dict) else ():
                if known is not None and isinstance(key, ast.Constant) and str(key.value) not in known:
                    yield f"hands {key.value!s} to {name.lower()}, which has no such field or parameter in the contract"
