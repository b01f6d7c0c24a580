"""Say what is wrong with a contract: one line for each problem, all at once, with its place."""

from __future__ import annotations

import ast
import functools
import keyword
import re
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

from tools import load
from tools.load import CLIENTS, Data, each_operation, resolve

POSITIVE = {"type": "integer", "minimum": 1}
TEXT = {"type": "string", "minLength": 1}


def _object(required: Data, **optional: Any) -> Data:
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **{name.replace("_", "-"): node for name, node in optional.items()}},
        "additionalProperties": False,
    }


OPERATION = {
    "type": "object",
    "required": ["operationId", "tags", "summary", "description", "x-codegen", "responses"],
    "properties": {
        "operationId": {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"},
        "tags": {"type": "array", "minItems": 1},
        "summary": TEXT,
        "description": TEXT,
        "x-codegen": _object(
            {
                "service": {"enum": sorted(CLIENTS)},
                "rate-limit": _object({"requests": POSITIVE, "seconds": POSITIVE, "group": TEXT}),
                "idempotent": {"type": "boolean"},
            },
            reconcile={"enum": ["request-id", "candidates"]},
            cache_seconds=POSITIVE,
            invalidates={"type": "array", "items": TEXT, "minItems": 1},
            paginate=_object(
                {"style": {"enum": ["offset", "page"]}, "start": TEXT, "size": TEXT, "items": TEXT, "total": TEXT}
            ),
            stream=_object({"method": TEXT, "field": TEXT, "event": TEXT, "description": TEXT}),
        ),
    },
}
"""What the generator and the clients need of an operation besides OpenAPI; docs/contract.md explains each key."""

SCHEMA = _object({}, enum=TEXT, words={"type": "object", "minProperties": 1}, terminal={"type": "array"}, reserved=TEXT)

PATH = re.compile(r"(/([A-Za-z0-9_~:@!$&()*+,;=%.-]|\{[A-Za-z_][A-Za-z0-9_.-]*\})*)+")
UP = re.compile(r"/(\.|%2e){1,2}(/|$)", re.IGNORECASE)
COMPONENT = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*")


def problems(contract: Data) -> list[str]:
    """Return all problems of a contract."""
    found = [f"{where}: {reference} refers to nothing" for where, reference in _lost_references(contract)]
    said = [] if found else list(_document_problems(contract))
    found += (list(_schema_problems(contract)) or said) if found or said else []
    for path in contract["paths"]:
        if not PATH.fullmatch(path) or UP.search(path):
            found.append(f"{path!r} is not a path that a request could have")
    for name in contract.get("components", {}).get("schemas", {}):
        if not COMPONENT.fullmatch(name):
            found.append(f"{name!r} in components/schemas is not a name for a schema")
    for path, method, operation in each_operation(contract):
        name = operation.get("operationId", "no operationId")
        where = f"{method.upper()} {path} ({name})"
        for error in Draft202012Validator(OPERATION).iter_errors(operation):
            place = "/".join(str(part) for part in error.absolute_path)
            found.append(f"{where}: {f'{place}: ' if place else ''}{_one_line(error.message)}")
        try:
            found += [f"{where}: {problem}" for problem in _names(contract, path, operation)]
        except (AttributeError, KeyError, TypeError):
            continue  # it has no form that could be looked into, which is said already
    found += _collisions(contract)
    found += _schema_extras(contract)
    return list(dict.fromkeys(found))


def _lost_references(contract: Data) -> Iterator[tuple[str, str]]:
    for where, node in load.nodes(contract):
        if isinstance(reference := node.get("$ref"), str):
            try:
                load.at(contract, reference)
            except KeyError:
                yield where, reference


def _document_problems(contract: Data) -> Iterator[str]:
    from openapi_spec_validator import OpenAPIV31SpecValidator  # which imports more than all else here

    try:
        for error in OpenAPIV31SpecValidator(contract).iter_errors():
            where = "/".join(str(part) for part in getattr(error, "absolute_path", ()))
            yield f"#/{where}: {_one_line(error)}"
    except Exception as error:  # noqa: BLE001 - the validator lets errors of its libraries through
        yield f"the document is not OpenAPI 3.1: {_one_line(error)}"


def _schema_problems(contract: Data) -> Iterator[str]:
    """Say which schemas are none. The validator of OpenAPI does not say where, and stops at a lost reference."""
    for name, schema in contract.get("components", {}).get("schemas", {}).items():
        for error in Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema):
            where = "/".join(str(part) for part in ("components", "schemas", name, *error.absolute_path))
            yield f"#/{where}: {_one_line(error.message)}"


def _one_line(error: object) -> str:
    text = " ".join(str(error).partition("\n\n")[0].split())
    return text if len(text) <= 160 else f"{text[:157]}..."


def _names(contract: Data, path: str, operation: Data) -> Iterator[str]:
    """Say which names in an operation's policy lead nowhere."""
    policy = operation["x-codegen"]
    ids = {item.get("operationId") for _, _, item in each_operation(contract)}
    parameters = [resolve(contract, node) for node in operation.get("parameters", ())]
    for name in set(policy.get("invalidates", ())) - ids:
        yield f"x-codegen/invalidates names {name}, which is no operation"
    if paginate := policy.get("paginate"):
        known = {parameter["name"] for parameter in parameters}
        for key in ("start", "size"):
            if paginate.get(key) not in known:
                yield f"x-codegen/paginate: {key} names {paginate.get(key)}, which is no parameter"
        answer = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
        fields = resolve(contract, answer.get("schema", {})).get("properties", {})
        for key in ("items", "total"):
            if paginate.get(key) not in fields:
                yield f"x-codegen/paginate: {key} names {paginate.get(key)}, which is no field of the answer"
    if stream := policy.get("stream"):
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        if stream.get("field") not in resolve(contract, body).get("properties", {}):
            yield f"x-codegen/stream: field names {stream.get('field')}, which is no field of the body"
        if stream.get("event") not in contract["components"]["schemas"]:
            yield f"x-codegen/stream: event names {stream.get('event')}, which is no schema"
    in_path = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
    for name in in_path ^ set(re.findall(r"\{([^{}]+)\}", path)):
        yield f"the parameter {name} is only in the path or only declared for it"


def _collisions(contract: Data) -> Iterator[str]:
    """Say where two things would have one name."""
    methods: dict[tuple[str, str], str] = {}
    groups: dict[tuple[str, str], tuple[Any, str]] = {}
    for path, method, operation in each_operation(contract):
        policy = operation.get("x-codegen")
        if not isinstance(policy, dict) or policy.get("service") not in CLIENTS:
            continue
        where, service = f"{method.upper()} {path}", policy["service"]
        stream = policy.get("stream")
        names = [operation.get("operationId"), stream.get("method") if isinstance(stream, dict) else None]
        for name in filter(None, names):
            other = methods.setdefault((service, name), where)
            if other != where:
                yield f"{where} ({name}): {other} has the same name"
            if keyword.iskeyword(name):
                yield f"{where} ({name}): {name} is a word of Python"
            elif name in members()[CLIENTS[service]] - known_ids().get((path, method), set()):
                yield f"{where} ({name}): {CLIENTS[service]} has a method of its own that is called {name}"
        limit = policy.get("rate-limit")
        if isinstance(limit, dict):
            numbers = (limit.get("requests"), limit.get("seconds"))
            other_numbers, first = groups.setdefault((service, str(limit.get("group"))), (numbers, where))
            if other_numbers != numbers:
                yield f"{where}: the group {limit.get('group')} has another limit at {first}"


def _schema_extras(contract: Data) -> Iterator[str]:
    """Say what the generator cannot make of enums, and of our extension beside a schema."""
    for where, node in load.nodes(contract.get("components", {}).get("schemas", {}), "#/components/schemas"):
        if "/properties/x-codegen" not in where and "x-codegen" in node:
            for error in Draft202012Validator(SCHEMA).iter_errors(node["x-codegen"]):
                yield f"{where}/x-codegen: {_one_line(error.message)}"
        values = node["enum"] if isinstance(node.get("enum"), list) else []
        kinds = {type(value).__name__ for value in values if value is not None}
        if len(kinds) > 1:
            yield f"{where}/enum: {values} has values of several types, {' and '.join(sorted(kinds))}"
        seen: dict[str, Any] = {}
        for value in (value for value in values if isinstance(value, str)):
            member = re.sub(r"\W+", "_", value).upper()
            if seen.setdefault(member, value) != value:
                yield f"{where}/enum: {seen[member]!r} and {value!r} would both be called {member}"


@functools.cache
def known_ids() -> dict[tuple[str, str], set[str]]:
    """Return the method names of the present contract by path and method; handwritten code may override these."""
    present = load.GENERATED / "contract.json"  # reading openapi.yaml takes a hundred times as long
    if not present.exists():
        return {}
    return {
        (path, method): {operation["operationId"], operation["x-codegen"].get("stream", {}).get("method", "")}
        for path, method, operation in each_operation(load.load(present))
    }


@functools.cache
def members() -> dict[str, set[str]]:
    """Return the names of methods and attributes that people wrote in each client and its bases, reading the source."""
    classes: dict[str, ast.ClassDef] = {}
    for file in (load.ROOT / "codegen_ext").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        if "_sync" not in file.parts and "Client" in text:
            classes |= {node.name: node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)}
    found = {}
    for client in CLIENTS.values():
        names: set[str] = set()
        lineage = [client, f"Async{client}"]
        for base in lineage:
            node = classes.get(base)
            for item in node.body if node else ():
                if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
                    names.add(item.name)
                elif isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                    names.add(item.target.id)
            lineage += [item.id for item in (node.bases if node else ()) if isinstance(item, ast.Name)]
        found[client] = names
    return found
