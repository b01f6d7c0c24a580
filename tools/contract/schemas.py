"""The rules for schemas: one way to write null, names for what is inline, and OpenAPI 3.0 read as 3.1."""

from __future__ import annotations

import re
from typing import Any

from tools.contract import document

NULL = {"type": "null"}

KEYWORDS = (
    "$ref", "type", "anyOf", "oneOf", "allOf", "description", "enum", "const", "required", "properties", "items",
    "additionalProperties", "format", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "multipleOf",
    "minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "default", "deprecated", "readOnly",
    "writeOnly",
)  # fmt: skip
"""The keywords that decide what a client sends or gets; titles, examples and extensions are left out."""


def canonical(schema: Any) -> dict[str, Any]:
    """Return a schema of OpenAPI 3.0 or 3.1 in our form, with everything in it.

    Null is a further type where there is one type, and a branch of `anyOf` where there is a reference or an object.
    """
    if not isinstance(schema, dict):
        return {}
    kept = {key: schema[key] for key in KEYWORDS if key in schema}
    if "array" in (kinds if isinstance(kinds := kept.get("type"), list) else [kinds]):
        kept.setdefault("items", {})
    if isinstance(kept.get("properties"), dict):
        kept["properties"] = {name: canonical(value) for name, value in kept["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(kept.get(key), dict):
            kept[key] = canonical(kept[key])
    for key in ("anyOf", "oneOf", "allOf"):
        if isinstance(kept.get(key), list):
            kept[key] = [canonical(value) for value in kept[key]]
    for bound in ("maximum", "minimum"):
        exclusive = "exclusive" + bound.capitalize()
        if isinstance(kept.get(exclusive), bool) and kept.pop(exclusive) and bound in kept:
            kept[exclusive] = kept.pop(bound)
    if len(kept.get("allOf", ())) == 1:
        kept = {**kept.pop("allOf")[0], **kept}
    if "oneOf" in kept and "anyOf" not in kept:
        kept["anyOf"] = kept.pop("oneOf")
    kept = {key: _whole(value) for key, value in kept.items()}
    if not kept.get("required", True):
        del kept["required"]
    return _with_null(kept, nullable=schema.get("nullable") is True)


def flattened(data: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return an object that is put together with `allOf` as one object with all fields, as its class has them."""
    parts = [flattened(data, document.resolve(data, part)) for part in schema.get("allOf", ())]
    if not parts or not all("properties" in part for part in parts):
        return schema
    parts.append({key: value for key, value in schema.items() if key != "allOf"})
    fields = {name: field for part in parts for name, field in part.get("properties", {}).items()}
    required = list(dict.fromkeys(name for part in parts for name in part.get("required", ())))
    return {"type": "object", **parts[-1], **({"required": required} if required else {}), "properties": fields}


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _with_null(schema: dict[str, Any], *, nullable: bool) -> dict[str, Any]:
    branches = [NULL if branch.get("type") == "null" else branch for branch in schema.get("anyOf", ())]
    if NULL in branches:
        nullable = True
        branches = [branch for branch in branches if branch != NULL]
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        schema = {**branches[0], **rest} if len(branches) == 1 else {**rest, "anyOf": branches}
    if isinstance(schema.get("type"), list) and "null" in schema["type"]:
        nullable = True
        kinds = [kind for kind in schema["type"] if kind != "null"]
        schema = {**schema, "type": kinds[0] if len(kinds) == 1 else kinds}
    return make_nullable(schema) if nullable else schema


OUTER = ("description", "default", "deprecated", "readOnly", "writeOnly")
"""What belongs to the place where a schema is used, and so stays beside a reference to it."""


def make_nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """Allow null besides what a schema allows."""
    outer = {key: schema[key] for key in OUTER if key in schema}
    inner = {key: value for key, value in schema.items() if key not in OUTER}
    if not inner:
        return schema
    if "anyOf" in inner:
        return {"anyOf": [*inner.pop("anyOf"), NULL], **inner, **outer}
    kind = inner.get("type")
    if "enum" in inner or "$ref" in inner or kind in ("object", None):
        return {"anyOf": [inner, NULL], **outer}
    return {**schema, "type": [*(kind if isinstance(kind, list) else [kind]), "null"]}


def core(schema: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return what a schema allows besides null, without what belongs to its place, and whether it allows null."""
    inner = {key: value for key, value in schema.items() if key not in OUTER and not key.startswith("x-")}
    branches = inner.get("anyOf")
    if branches is not None and NULL in branches:
        rest = [branch for branch in branches if branch != NULL]
        return (dict(rest[0]), True) if len(rest) == 1 and len(inner) == 1 else ({**inner, "anyOf": rest}, True)
    kinds = inner.get("type")
    if isinstance(kinds, list) and "null" in kinds:
        rest = [kind for kind in kinds if kind != "null"]
        return {**inner, "type": rest[0] if len(rest) == 1 else rest}, True
    return inner, False


def reference(name: str, schema: dict[str, Any], *, nullable: bool) -> dict[str, Any]:
    """Return what stands in place of `schema` once it has a name."""
    target = {"$ref": f"#/components/schemas/{name}"}
    outer = {key: schema[key] for key in OUTER if key in schema}
    return {"anyOf": [target, NULL], **outer} if nullable else {**target, **outer}


def class_name(*parts: str) -> str:
    """Make a schema's name from where it stands: `CreateAgentRunInput`, `options` -> `CreateAgentRunInputOptions`."""
    words = [word for part in parts for word in re.split(r"[^A-Za-z0-9]+", part) if word]
    return "".join(word[:1].upper() + word[1:] for word in words)
