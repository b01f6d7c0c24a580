"""What values a schema allows, as a set of words that can be compared: is everything that was allowed still allowed?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tools.contract import document

Data = dict[str, Any]
Shape = frozenset[str]

BOUNDS = {
    "maximum": -1, "exclusiveMaximum": -1, "maxLength": -1, "maxItems": -1,
    "minimum": 1, "exclusiveMinimum": 1, "minLength": 1, "minItems": 1,
}  # fmt: skip
"""Bounds, and whether a higher one is narrower (1) or wider (-1)."""


def shape(data: Data, schema: Data, opaque: frozenset[str] = frozenset()) -> Shape:
    """Return the kinds of value that a schema allows: `string`, `string=API`, `[integer]`, `model User`, `null`.

    References in `opaque` are words of their own, whatever they refer to.
    """
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    target = document.resolve(data, schema)
    if target.get("properties") or "allOf" in target or schema.get("$ref") in opaque:
        return frozenset([f"model {name}"])
    if "anyOf" in target:
        return frozenset(word for branch in target["anyOf"] for word in shape(data, branch, opaque))
    if "enum" in target or "const" in target:
        return frozenset(f"{_kind(value)}={value}" for value in target.get("enum", [target.get("const")]))
    kinds = target.get("type", "any")
    return frozenset(
        word for kind in ([kinds] if isinstance(kinds, str) else kinds) for word in _of_kind(data, kind, target, opaque)
    )


def _of_kind(data: Data, kind: str, schema: Data, opaque: frozenset[str]) -> Iterable[str]:
    if kind == "array":
        yield from (f"[{word}]" for word in shape(data, schema.get("items", {}), opaque))
    elif kind == "object":
        values = schema.get("additionalProperties", True)
        yield from (f"{{{word}}}" for word in (shape(data, values) if isinstance(values, dict) else ["any"]))
    elif kind == "string" and schema.get("format") in {"date-time", "date", "binary", "uuid"}:
        yield f"string({schema['format']})"
    else:
        yield kind


def _kind(value: object) -> str:
    return {bool: "boolean", int: "integer", float: "number", type(None): "null"}.get(type(value), "string")


def allows(wide: Shape, narrow: Shape) -> bool:
    """Whether every value of `narrow` is one of `wide`."""
    return all(any(_covers(left, right) for left in wide) for right in narrow)


def _covers(wide: str, narrow: str) -> bool:
    if wide in (narrow, "any") or (wide == "number" and narrow == "integer"):
        return True
    if wide[0] + wide[-1] == narrow[0] + narrow[-1] and wide[0] in "[{":
        return _covers(wide[1:-1], narrow[1:-1])
    if narrow.startswith("model ") and wide == "{any}":
        return True
    return "=" in narrow and "=" not in wide and _covers(wide, narrow.partition("=")[0])


def said(words: Shape) -> str:
    """A shape in words for people."""
    return " or ".join(sorted(word.removeprefix("model ") for word in words)) or "nothing"


def narrowed(old: Data, new: Data) -> list[tuple[str, bool]]:
    """The bounds that differ, also of elements and branches, each in words and with whether it is narrower now."""
    found = []
    for keyword, direction in BOUNDS.items():
        before, after = old.get(keyword), new.get(keyword)
        if before != after:
            is_narrower = before is None or (after is not None and (after - before) * direction > 0)
            found.append((f"{keyword} {_said(before)} -> {_said(after)}", is_narrower))
    for keyword in ("pattern", "multipleOf", "uniqueItems"):
        before, after = old.get(keyword), new.get(keyword)
        if before != after:
            found.append((f"{keyword} {_said(before)} -> {_said(after)}", bool(after)))
    if "items" in old and "items" in new:
        inner = narrowed(old["items"], new["items"])
        found += [(f"{detail} of the elements", is_narrower) for detail, is_narrower in inner]
    branches = {str(branch.get("type")): branch for branch in new.get("anyOf", ())}
    for branch in old.get("anyOf", ()):
        found += narrowed(branch, branches.get(str(branch.get("type")), branch))
    return found


def _said(value: object) -> str:
    return "none" if value is None else str(value)
