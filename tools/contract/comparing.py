"""What a change of the contract means for a user of this client: breaking, dangerous or safe, and which Python names.

The rules follow what the client does. It raises typed errors for statuses that nobody documented, keeps words and
fields that it does not know, decodes every 2xx alike, gives None for what is null or absent, and omits arguments that
are None. So a new enum value or status is safe here, while an attribute that may be None now breaks what relied on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import asdict, define, field

from tools.contract import canonical, document, generate, shapes

Data = dict[str, Any]

BREAKING, DANGEROUS, SAFE = "breaking", "dangerous", "safe"
SEVERITIES = (BREAKING, DANGEROUS, SAFE)
CLIENTS = {"codegen": "CodegenClient", "chatserver": "ChatServerClient"}


@define
class Change:
    """One difference between two contracts."""

    severity: str
    kind: str
    action: str
    where: str
    detail: str
    python: list[str] = field(factory=list)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@define
class _Argument:
    name: str
    location: str
    required: bool
    schema: Data
    node: Data


def compare(old: Data, new: Data) -> list[Change]:
    """Return every change between two documents in our form, the gravest first."""
    found = [*_Operations(old, new).changes(), *_Schemas(old, new).changes()]
    return sorted(found, key=lambda change: (SEVERITIES.index(change.severity), change.kind, change.where, change.detail))


def python_name(name: str) -> str:
    """The name of a field or a parameter in Python."""
    return str(generate.strings.PythonIdentifier(name, "field_"))


def _worst(*severities: str) -> str:
    return min(severities, key=SEVERITIES.index, default=SAFE)


def _operations(data: Data) -> dict[str, tuple[str, str, Data]]:
    return {operation["operationId"]: (path, method, operation) for path, method, operation in canonical.each_operation(data)}


def _client(operation: Data) -> str:
    return CLIENTS.get(operation["x-codegen"]["service"], operation["x-codegen"]["service"])


def _methods(operation: Data) -> list[str]:
    names = [operation["operationId"], *([stream["method"]] if (stream := operation["x-codegen"].get("stream")) else [])]
    return [f"{prefix}{_client(operation)}.{name}" for name in names for prefix in ("", "Async")]


def _body_schema(operation: Data) -> Data:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema: Data = body.get("schema", {})
    return schema


def _arguments(data: Data, operation: Data) -> dict[tuple[str, str], _Argument]:
    """The arguments of a method by location and name."""
    found = []
    for raw in operation.get("parameters", ()):
        node = document.resolve(data, raw)
        found.append(_Argument(node["name"], node["in"], node.get("required", False), node["schema"], node))
    body = document.resolve(data, _body_schema(operation))
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
    ranked = sorted(arguments.values(), key=lambda item: (item.location == "body" and not item.required))
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
                yield Change(BREAKING, "operation", "changed", where, detail, _methods(operation))
                yield from self._one(renamed, before[name], after[renamed])
            else:
                yield Change(BREAKING, "operation", "removed", where, f"{name} is gone", _methods(operation))
        for (path, method), name in places.items():
            operation = after[name][2]
            yield Change(SAFE, "operation", "added", f"{method.upper()} {path}", f"{name} is new", _methods(operation))

    def _one(self, name: str, before: tuple[str, str, Data], after: tuple[str, str, Data]) -> Iterator[Change]:
        (old_path, old_method, old), (path, method, new) = before, after
        where = f"{method.upper()} {path}"
        methods = _methods(new)
        if (old_path, old_method) != (path, method):
            yield Change(SAFE, "operation", "changed", where, f"{name} was {old_method.upper()} {old_path}", methods)
        if _client(old) != _client(new):
            detail = f"{name} moved from {_client(old)} to {_client(new)}"
            yield Change(BREAKING, "operation", "changed", where, detail, _methods(old))
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
        if _body_schema(old) == _body_schema(new):  # its fields are compared once, where the schema is declared
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
            yield Change(DANGEROUS, "parameter", "changed", where, detail, _methods(new))

    @staticmethod
    def _named(operation: Data, argument: _Argument) -> list[str]:
        names = [f"{method}({python_name(argument.name)})" for method in _methods(operation)]
        model = str(_body_schema(operation).get("$ref", "")).rpartition("/")[2]
        return [*names, *([f"{model}.{python_name(argument.name)}"] if argument.location == "body" and model else [])]

    def _argument(self, old: _Argument, new: _Argument) -> Iterator[tuple[str, str, _Argument, str]]:
        if old.required != new.required:
            yield (BREAKING, "changed", new, "must be given now") if new.required else (SAFE, "changed", new, "is optional now")
        for severity, detail in request_differences(self._old, self._new, old.schema, new.schema, required=new.required):
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


def request_differences(old: Data, new: Data, before: Data, after: Data, *, required: bool) -> Iterator[tuple[str, str]]:
    """Compare what may be sent in one place: it may widen, it must not narrow."""
    then, now = shapes.shape(old, before), shapes.shape(new, after)
    if not required:  # None means omitted, so null is never sent where a field may be left out
        then, now = then - {"null"}, now - {"null"}
    if then != now and not _same_reference(before, after):
        yield from _said_difference(then, now, shapes.allows(now, then))
    flat = (document.resolve(old, before), document.resolve(new, after))
    for detail, is_narrower in shapes.narrowed(*flat):
        yield (BREAKING if is_narrower else SAFE), detail
    if before.get("default") != after.get("default"):
        yield DANGEROUS, f"the default is {after.get('default')!r}, before {before.get('default')!r}"


def _same_reference(before: Data, after: Data) -> bool:
    """Whether both are the same named schema, whose own changes are reported once, where it is declared."""
    def names(schema: Data) -> set[str]:
        return {node["$ref"] for node in (schema, *schema.get("anyOf", ())) if "$ref" in node}

    return bool(names(before)) and names(before) == names(after)


def _said_difference(then: shapes.Shape, now: shapes.Shape, is_safe: bool) -> Iterator[tuple[str, str]]:
    yield (SAFE if is_safe else BREAKING), f"{shapes.said(then)} -> {shapes.said(now)}"


def response_differences(old: Data, new: Data, before: Data, after: Data) -> Iterator[tuple[str, str]]:
    """Compare what may be received in one place: it may narrow, it must not widen."""
    then, now = shapes.shape(old, before) - {"null"}, shapes.shape(new, after) - {"null"}
    if then != now and not _same_reference(before, after):
        yield from _said_difference(then, now, shapes.allows(then, now))


class _Schemas:
    """Named schemas, each compared once, in the directions in which it travels."""

    def __init__(self, old: Data, new: Data) -> None:
        self._old, self._new = old, new
        self._sent = self._reached(old, "request") | self._reached(new, "request")
        self._received = self._reached(old, "result") | self._reached(new, "result")
        self._bodies: dict[str, list[Data]] = {}
        for _, _, operation in canonical.each_operation(new):
            self._bodies.setdefault(str(_body_schema(operation).get("$ref", "")).rpartition("/")[2], []).append(operation)

    @staticmethod
    def _reached(data: Data, direction: str) -> set[str]:
        roots: Data = {}
        for path, method, operation in canonical.each_operation(data):
            if direction == "request":
                roots[f"{method} {path}"] = [operation.get("parameters", ()), operation.get("requestBody", {})]
                roots[f"{method} {path}"][0] = list(roots[f"{method} {path}"][0])
            else:
                roots[f"{method} {path}"] = [node for status, node in operation["responses"].items() if status[0] == "2"]
        return {name for kind, name in canonical.reachable(data, roots) if kind == "schemas"}

    def changes(self) -> Iterator[Change]:
        before, after = self._old["components"]["schemas"], self._new["components"]["schemas"]
        for name in before.keys() - after.keys():
            if _is_class(before[name]):
                yield Change(BREAKING, "schema", "removed", name, f"the class {_class(name, before[name])} is gone", [name])
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
                python += [f"{method}({python_name(field_name)})" for method in _methods(operation)]
            found: list[tuple[str, str, str]] = []
            then_required, now_required = field_name in before.get("required", ()), field_name in after.get("required", ())
            if field_name not in new:
                found.append((BREAKING if is_sent or is_received else DANGEROUS, "removed", "is gone"))
            elif field_name not in old:
                must = is_sent and now_required
                found.append((BREAKING if must else SAFE, "added", "is new and must be given" if must else "is new"))
            else:
                found += self._field(old[field_name], new[field_name], then_required, now_required, is_sent, is_received)
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
                yield Change(severity, "enum value", "changed", name, detail, [_class(name, after if old is None else before)])
            return
        for word in [*old, *(other for other in new if other not in old)]:
            python = [f"{_class(name, after)}.{member_name(word)}"]
            if word not in new:
                yield Change(BREAKING, "enum value", "removed", name, f"{word} is gone", python)
            elif word not in old:
                yield Change(SAFE, "enum value", "added", name, f"{word} is new", python)


def _members(schema: Data) -> list[str] | None:
    words = schema.get("enum") or schema.get("x-codegen", {}).get("words")
    return None if words is None else [str(word) for word in words]


def member_name(word: str) -> str:
    """The name of an enum's member in Python."""
    return str(generate.strings.PythonIdentifier(word, "value_")).upper()


def _class(name: str, schema: Data) -> str:
    return str(schema.get("x-codegen", {}).get("enum", name))


def _is_class(schema: Data) -> bool:
    return bool(schema.get("properties") or schema.get("enum") or "enum" in schema.get("x-codegen", {}))
