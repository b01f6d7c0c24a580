"""What a change of the contract means for a user of this client: breaking, dangerous or safe, and which Python names.

The rules follow what the client does. It raises typed errors for statuses that nobody documented, keeps words and
fields that it does not know, decodes every 2xx alike, gives None for what is null or absent, and omits arguments that
are None. So a new enum value or status is safe here, while an attribute that may be None now breaks what relied on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import define

from tools.contract import document, shapes
from tools.contract.changes import (
    BREAKING,
    DANGEROUS,
    SAFE,
    SEVERITIES,
    Change,
    body_schema,
    client,
    method_names,
    python_name,
)
from tools.contract.comparing_schemas import Schemas, request_differences

Data = dict[str, Any]


@define
class _Argument:
    name: str
    location: str
    required: bool
    schema: Data
    node: Data


def compare(old: Data, new: Data) -> list[Change]:
    """Return every change between two documents in our form, the gravest first."""
    found = [*_Operations(old, new).changes(), *Schemas(old, new).changes()]
    return sorted(
        found, key=lambda change: (SEVERITIES.index(change.severity), change.kind, change.where, change.detail)
    )


def _operations(data: Data) -> dict[str, tuple[str, str, Data]]:
    return {
        operation["operationId"]: (path, method, operation) for path, method, operation in document.each_operation(data)
    }


def _arguments(data: Data, operation: Data) -> dict[tuple[str, str], _Argument]:
    """The arguments of a method by location and name."""
    found = []
    for raw in operation.get("parameters", ()):
        node = document.resolve(data, raw)
        found.append(_Argument(node["name"], node["in"], node.get("required", False), node["schema"], node))
    body = document.resolve(data, body_schema(operation))
    streamed = operation["x-codegen"].get("stream", {}).get("field")
    for name, node in body.get("properties", {}).items():
        if name != streamed:
            found.append(_Argument(name, "body", name in body.get("required", ()), node, node))
    return {(argument.location, argument.name): argument for argument in found}


def _without_body(arguments: dict[tuple[str, str], _Argument]) -> dict[tuple[str, str], _Argument]:
    return {key: argument for key, argument in arguments.items() if argument.location != "body"}


def _positions(arguments: dict[tuple[str, str], _Argument]) -> list[str]:
    """Arguments in the order of the method, as tools/contract/generate.py sorts them."""
    order = {"path": 0, "body": 1, "query": 2}
    ranked = sorted(arguments.values(), key=lambda item: item.location == "body" and not item.required)
    return [item.name for item in sorted(ranked, key=lambda item: (not item.required, order.get(item.location, 3)))]


class _Operations:
    def __init__(self, old: Data, new: Data) -> None:
        self._old, self._new = old, new

    def changes(self) -> Iterator[Change]:
        before, after = _operations(self._old), _operations(self._new)
        places = {(path, method): name for name, (path, method, _) in after.items() if name not in before}
        for name, (path, method, operation) in before.items():
            where = f"{method.upper()} {path}"
            if name in after:
                yield from self._one(name, before[name], after[name])
            elif renamed := places.pop((path, method), None):
                detail = f"the method {name} is called {renamed} now"
                yield Change(BREAKING, "operation", "changed", where, detail, method_names(operation))
                yield from self._one(renamed, before[name], after[renamed])
            else:
                yield Change(BREAKING, "operation", "removed", where, f"{name} is gone", method_names(operation))
        for (path, method), name in places.items():
            operation = after[name][2]
            yield Change(
                SAFE, "operation", "added", f"{method.upper()} {path}", f"{name} is new", method_names(operation)
            )

    def _one(self, name: str, before: tuple[str, str, Data], after: tuple[str, str, Data]) -> Iterator[Change]:
        (old_path, old_method, old), (path, method, new) = before, after
        where = f"{method.upper()} {path}"
        methods = method_names(new)
        if (old_path, old_method) != (path, method):
            yield Change(SAFE, "operation", "changed", where, f"{name} was {old_method.upper()} {old_path}", methods)
        if client(old) != client(new):
            detail = f"{name} moved from {client(old)} to {client(new)}"
            yield Change(BREAKING, "operation", "changed", where, detail, method_names(old))
        if new.get("deprecated") and not old.get("deprecated"):
            yield Change(DANGEROUS, "operation", "changed", where, f"{name} is deprecated", methods)
        yield from self._policy(old["x-codegen"], new["x-codegen"], where, methods)
        yield from self._all_arguments(old, new, where)
        yield from self._responses(old, new, where, methods)

    @staticmethod
    def _policy(old: Data, new: Data, where: str, methods: list[str]) -> Iterator[Change]:
        before, after = old["rate-limit"], new["rate-limit"]
        if before != after:
            rates = [(limit["requests"], limit["requests"] / limit["seconds"]) for limit in (before, after)]
            is_lower = any(now < then for then, now in zip(*rates, strict=True))
            said = [f"{limit['requests']} per {limit['seconds']} s ({limit['group']})" for limit in (before, after)]
            yield Change(DANGEROUS if is_lower else SAFE, "limit", "changed", where, " -> ".join(said), methods)
        for key in sorted((old.keys() | new.keys()) - {"rate-limit", "service"}):
            if old.get(key) != new.get(key):
                severity = SAFE if key in {"cache-seconds", "invalidates"} else DANGEROUS
                if key == "stream" and old.get(key, {}).get("method") not in {None, new.get(key, {}).get("method")}:
                    severity = BREAKING
                detail = f"{key}: {old.get(key, 'none')} -> {new.get(key, 'none')}"
                yield Change(severity, "policy", "changed", where, detail, methods)

    def _all_arguments(self, old: Data, new: Data, where: str) -> Iterator[Change]:
        before, after = _arguments(self._old, old), _arguments(self._new, new)
        kept = [name for name in _positions(before) if name in {argument.name for argument in after.values()}]
        positions = _positions(after)
        if body_schema(old) == body_schema(new):  # its fields are compared once, where the schema is declared
            before, after = _without_body(before), _without_body(after)
        moved = {key[1]: key for key in after.keys() - before.keys()}

        def change(severity: str, action: str, argument: _Argument, detail: str) -> Change:
            kind = "request field" if argument.location == "body" else "parameter"
            return Change(severity, kind, action, where, f"{argument.name}: {detail}", self._named(new, argument))

        for key, argument in before.items():
            if key in after:
                yield from (change(*found) for found in self._argument(argument, after[key]))
            elif argument.name in moved:
                now = after[moved.pop(argument.name)]
                yield change(SAFE, "changed", now, f"in the {now.location}, before in the {argument.location}")
                yield from (change(*found) for found in self._argument(argument, now))
            else:
                yield change(BREAKING, "removed", argument, "is gone")
        for key in moved.values():
            required = after[key].required
            detail = "is new and must be given" if required else "is new and optional"
            yield change(BREAKING if required else SAFE, "added", after[key], detail)
        if positions[: len(kept)] != kept:
            detail = f"the order of positional arguments is {', '.join(positions)} now"
            yield Change(DANGEROUS, "parameter", "changed", where, detail, method_names(new))

    @staticmethod
    def _named(operation: Data, argument: _Argument) -> list[str]:
        names = [f"{method}({python_name(argument.name)})" for method in method_names(operation)]
        model = str(body_schema(operation).get("$ref", "")).rpartition("/")[2]
        return [*names, *([f"{model}.{python_name(argument.name)}"] if argument.location == "body" and model else [])]

    def _argument(self, old: _Argument, new: _Argument) -> Iterator[tuple[str, str, _Argument, str]]:
        if old.required != new.required:
            yield (
                (BREAKING, "changed", new, "must be given now")
                if new.required
                else (SAFE, "changed", new, "is optional now")
            )
        for severity, detail in request_differences(
            self._old, self._new, old.schema, new.schema, required=new.required
        ):
            yield severity, "changed", new, detail

    def _responses(self, old: Data, new: Data, where: str, methods: list[str]) -> Iterator[Change]:
        before, after = old["responses"], new["responses"]
        for status in sorted(before.keys() | after.keys()):
            detail = f"status {status}"
            if status not in after:
                is_result = status.startswith("2") and not any(other.startswith("2") for other in after)
                severity = BREAKING if is_result else SAFE
                yield Change(severity, "status code", "removed", where, f"{detail} is gone", methods)
            elif status not in before:
                yield Change(SAFE, "status code", "added", where, f"{detail} is new", methods)
        results = [self._result(data, responses) for data, responses in ((self._old, before), (self._new, after))]
        if results[0] != results[1]:
            said = " -> ".join(shapes.said(result) for result in results)
            severity = SAFE if shapes.allows(results[0], results[1]) else BREAKING
            yield Change(severity, "response field", "changed", where, f"the result is {said}", methods)

    @staticmethod
    def _result(data: Data, responses: Data) -> shapes.Shape:
        status = min((status for status in responses if status.startswith("2")), default=None)
        response = document.resolve(data, responses[status]) if status else {}
        schema = response.get("content", {}).get("application/json", {}).get("schema", {})
        return shapes.shape(data, schema) if status else frozenset()
