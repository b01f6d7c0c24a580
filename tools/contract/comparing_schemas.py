"""Comparing named schemas, each once, in the directions in which it travels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tools import normalize
from tools.contract import document, shapes
from tools.contract.changes import (
    BREAKING,
    DANGEROUS,
    SAFE,
    SEVERITIES,
    Change,
    body_schema,
    member_name,
    method_names,
    python_name,
)

Data = dict[str, Any]


def request_differences(
    old: Data, new: Data, before: Data, after: Data, *, required: bool
) -> Iterator[tuple[str, str]]:
    """Compare what may be sent in one place: it may widen, it must not narrow."""
    then, now = _shapes(old, new, before, after)
    if not required:  # None means omitted, so null is never sent where a field may be left out
        then, now = then - {"null"}, now - {"null"}
    if then != now:
        yield from _said_difference(then, now, shapes.allows(now, then))
    flat = (document.resolve(old, before), document.resolve(new, after))
    for detail, is_narrower in shapes.narrowed(*flat):
        yield (BREAKING if is_narrower else SAFE), detail
    if before.get("default") != after.get("default"):
        yield DANGEROUS, f"the default is {after.get('default')!r}, before {before.get('default')!r}"


def _shapes(old: Data, new: Data, before: Data, after: Data) -> tuple[shapes.Shape, shapes.Shape]:
    """Both shapes, in which schemas that both refer to are words: their own changes are reported once, by name."""

    def names(schema: Data) -> set[str]:
        return {node["$ref"] for node in (schema, *schema.get("anyOf", ()), schema.get("items", {})) if "$ref" in node}

    common = frozenset(names(before) & names(after))
    return shapes.shape(old, before, common), shapes.shape(new, after, common)


def _said_difference(then: shapes.Shape, now: shapes.Shape, is_safe: bool) -> Iterator[tuple[str, str]]:
    yield (SAFE if is_safe else BREAKING), f"{shapes.said(then)} -> {shapes.said(now)}"


def response_differences(old: Data, new: Data, before: Data, after: Data) -> Iterator[tuple[str, str]]:
    """Compare what may be received in one place: it may narrow, it must not widen."""
    then, now = (shape - {"null"} for shape in _shapes(old, new, before, after))
    if then != now:
        yield from _said_difference(then, now, shapes.allows(then, now))


class Schemas:
    """Named schemas, each compared once, in the directions in which it travels."""

    def __init__(self, old: Data, new: Data) -> None:
        self._old, self._new = old, new
        self._sent = self._reached(old, "request") | self._reached(new, "request")
        self._received = self._reached(old, "result") | self._reached(new, "result")
        self._bodies: dict[str, list[Data]] = {}
        for _, _, operation in document.each_operation(new):
            self._bodies.setdefault(str(body_schema(operation).get("$ref", "")).rpartition("/")[2], []).append(
                operation
            )

    @staticmethod
    def _reached(data: Data, direction: str) -> set[str]:
        roots: Data = {}
        for path, method, operation in document.each_operation(data):
            if direction == "request":
                roots[f"{method} {path}"] = [operation.get("parameters", ()), operation.get("requestBody", {})]
                roots[f"{method} {path}"][0] = list(roots[f"{method} {path}"][0])
            else:
                roots[f"{method} {path}"] = [
                    node for status, node in operation["responses"].items() if status[0] == "2"
                ]
        return {name for kind, name in normalize.reachable(data, roots) if kind == "schemas"}

    def changes(self) -> Iterator[Change]:
        """Yield what differs, schema by schema."""
        before, after = self._old["components"]["schemas"], self._new["components"]["schemas"]
        for name in before.keys() - after.keys():
            if _is_class(before[name]):
                yield Change(
                    BREAKING, "schema", "removed", name, f"the class {_class(name, before[name])} is gone", [name]
                )
        for name in after.keys() - before.keys():
            if _is_class(after[name]):
                yield Change(SAFE, "schema", "added", name, f"{_class(name, after[name])} is new", [name])
        for name in before.keys() & after.keys():
            if before[name] != after[name]:
                yield from self._fields(name, before[name], after[name])
                yield from self._words(name, before[name], after[name])

    def _fields(self, name: str, before: Data, after: Data) -> Iterator[Change]:
        old, new = before.get("properties", {}), after.get("properties", {})
        is_sent, is_received = name in self._sent, name in self._received
        kind = "request field" if is_sent and not is_received else "response field"
        for field_name in [*old, *(other for other in new if other not in old)]:
            python = [f"{name}.{python_name(field_name)}"]
            for operation in self._bodies.get(name, ()) if name else ():
                python += [f"{method}({python_name(field_name)})" for method in method_names(operation)]
            found: list[tuple[str, str, str]] = []
            then_required, now_required = (
                field_name in before.get("required", ()),
                field_name in after.get("required", ()),
            )
            if field_name not in new:
                found.append((BREAKING if is_sent or is_received else DANGEROUS, "removed", "is gone"))
            elif field_name not in old:
                must = is_sent and now_required
                found.append((BREAKING if must else SAFE, "added", "is new and must be given" if must else "is new"))
            else:
                found += self._field(
                    old[field_name], new[field_name], then_required, now_required, is_sent, is_received
                )
            for severity, action, detail in found:
                where = f"{name}.{field_name}"
                yield Change(severity, kind, action, where, f"{field_name}: {detail}", python)
        if not old and not new and "enum" not in before and (is_sent or is_received) and "x-codegen" not in before:
            then, now = shapes.shape(self._old, before), shapes.shape(self._new, after)
            if then != now:
                is_safe = (not is_sent or shapes.allows(now, then)) and (not is_received or shapes.allows(then, now))
                for severity, detail in _said_difference(then, now, is_safe):
                    yield Change(severity, kind, "changed", name, detail, [name])

    def _field(
        self, old: Data, new: Data, then_required: bool, now_required: bool, is_sent: bool, is_received: bool
    ) -> Iterator[tuple[str, str, str]]:
        found: dict[str, list[str]] = {}
        if is_sent:
            if now_required and not then_required:
                found.setdefault("must be given now", []).append(BREAKING)
            elif then_required and not now_required:
                found.setdefault("is optional now", []).append(SAFE)
            for severity, detail in request_differences(self._old, self._new, old, new, required=now_required):
                found.setdefault(detail, []).append(severity)
        if is_received:
            then_none = not then_required or "null" in shapes.shape(self._old, old)
            now_none = not now_required or "null" in shapes.shape(self._new, new)
            if then_none != now_none:
                detail = "may be None now" if now_none else "is never None now"
                found.setdefault(detail, []).append(BREAKING if now_none else SAFE)
            elif then_required != now_required:
                found.setdefault(f"is {'always' if now_required else 'not always'} sent now", []).append(SAFE)
            for severity, detail in response_differences(self._old, self._new, old, new):
                found.setdefault(detail, []).append(severity)
        for detail, severities in found.items():
            yield _worst(*severities), "changed", detail

    def _words(self, name: str, before: Data, after: Data) -> Iterator[Change]:
        """Enum values; unknown words survive decoding, but a member that is gone cannot be named any more."""
        old, new = _members(before), _members(after)
        if old is None or new is None:
            if (old is None) != (new is None):
                detail = "is an enum now" if old is None else "is no enum any more"
                severity = SAFE if old is None and name not in self._sent else BREAKING
                yield Change(
                    severity, "enum value", "changed", name, detail, [_class(name, after if old is None else before)]
                )
            return
        for word in [*old, *(other for other in new if other not in old)]:
            python = [f"{_class(name, after)}.{member_name(word)}"]
            if word not in new:
                yield Change(BREAKING, "enum value", "removed", name, f"{word} is gone", python)
            elif word not in old:
                yield Change(SAFE, "enum value", "added", name, f"{word} is new", python)


def _worst(*severities: str) -> str:
    return min(severities, key=SEVERITIES.index, default=SAFE)


def _members(schema: Data) -> list[str] | None:
    words = schema.get("enum") or schema.get("x-codegen", {}).get("words")
    return None if words is None else [str(word) for word in words]


def _class(name: str, schema: Data) -> str:
    return str(schema.get("x-codegen", {}).get("enum", name))


def _is_class(schema: Data) -> bool:
    return bool(schema.get("properties") or schema.get("enum") or "enum" in schema.get("x-codegen", {}))
