"""Reading the contract and the places that belong to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = ROOT / "openapi.yaml"
CONFIG = ROOT / "generator-config.yml"
TEMPLATES = ROOT / "tools" / "templates"
CHANGELOG = ROOT / "CHANGELOG.md"
UPSTREAM = ROOT / "tests" / "contract" / "upstream"
GENERATED = ROOT / "generated" / "codegen_api"

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def load(path: Path = CONTRACT) -> dict[str, Any]:
    """Return the OpenAPI document at `path` as plain dicts and lists.

    Raises:
        ruamel.yaml.error.YAMLError: if the file is not YAML.

    """
    return parse(path.read_text(encoding="utf-8"))


def parse(text: str) -> dict[str, Any]:
    """Return a document of ours as plain dicts and lists; what others wrote is for `reading`."""
    document: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    return document


def resolve(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """Follow local `$ref`s; keywords beside them win over the target's (OpenAPI 3.1).

    Raises:
        ValueError: if a reference leads back to itself.

    """
    followed = set()
    while (reference := node.get("$ref")) is not None:
        if reference in followed:
            raise ValueError(f"{reference} refers to itself")
        followed.add(reference)
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def each_operation(data: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation of everything that a document offers."""
    return [
        (path, method, item[method]) for path, item in data["paths"].items() for method in METHODS if method in item
    ]
