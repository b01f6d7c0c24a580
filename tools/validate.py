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
from tools.load import CLIENTS, Data, Place, each_operation, one_line, refusal, resolve

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

NAMED = (
    ("paginate", "start", "parameter"),
    ("paginate", "size", "parameter"),
    ("paginate", "items", "field of the answer"),
    ("paginate", "total", "field of the answer"),
    ("stream", "field", "field of the body"),
    ("stream", "event", "schema"),
)
"""What a key of the policy names."""
SCHEMA = _object({}, enum=TEXT, words={"type": "object", "minProperties": 1}, terminal={"type": "array"}, reserved=TEXT)
KEYWORDS = Draft202012Validator(Draft202012Validator.META_SCHEMA)


def unusable(document: Data, whole: Data) -> Iterator[tuple[Place, Data, str]]:
    """Yield the place of each keyword that no client can be made of, the node that has it, and the reason.

    References may lead to what either `document` or `whole` has.
    """
    for place, node in load.nodes(document):
        if isinstance(reference := node.get("$ref"), str) and not any(
            _leads(it, reference) for it in (document, whole)
        ):
            yield (*place, "$ref"), node, f"{reference} refers to nothing"
        if place[-1:] == ("schema",) or place[:-1] == ("components", "schemas"):
            for error in KEYWORDS.iter_errors(node):
                yield (*place, *error.absolute_path), node, one_line(error.message)
        if node.get("format") == "binary":
            yield (*place, "format"), node, "files (format binary) are not sent or received as JSON"
        if isinstance(values := node.get("enum"), list):
            yield from (((*place, "enum"), node, reason) for reason in _enum_problems(values))
            if node.get("default") not in (None, *values):
                yield (*place, "default"), node, f"{node['default']!r} is none of {values}"


def _leads(document: Data, reference: str) -> bool:
    try:
        return load.at(document, reference) is not None
    except KeyError:
        return False


def _enum_problems(values: list[Any]) -> Iterator[str]:
    kinds = {type(value).__name__ for value in values if value is not None}
    if len(kinds) > 1:
        yield f"{values} has values of several types, {' and '.join(sorted(kinds))}"
    seen: dict[str, Any] = {}
    for value in (value for value in values if isinstance(value, str)):
        member = re.sub(r"\W+", "_", value).upper()
        if seen.setdefault(member, value) != value:
            yield f"{seen[member]!r} and {value!r} would both be called {member}"


def problems(contract: Data) -> list[str]:
    """Return all problems of a contract."""
    found = list(_document_problems(contract))
    for path, method, operation in each_operation(contract):
        place: Place = ("paths", path, method)
        found += [
            refusal((*place, *error.absolute_path), one_line(error.message), "update: …")
            for error in Draft202012Validator(OPERATION).iter_errors(operation)
        ]
        try:
            found += [
                refusal((*place, "x-codegen", key), reason, "update: …") for key, reason in _names(contract, operation)
            ]
        except (AttributeError, KeyError, TypeError):
            continue  # it has no form that could be looked into, which is said already
    for place, node in load.nodes(contract.get("components", {}).get("schemas", {})):
        if "x-codegen" in node and place[-1] != "properties":
            for error in Draft202012Validator(SCHEMA).iter_errors(node["x-codegen"]):
                found.append(refusal(("components", "schemas", *place, "x-codegen"), one_line(error.message)))
    return list(dict.fromkeys([*found, *_collisions(contract)]))


def _document_problems(contract: Data) -> Iterator[str]:
    from openapi_spec_validator import OpenAPIV31SpecValidator  # which imports more than all else here

    try:
        for error in OpenAPIV31SpecValidator(contract).iter_errors():
            place = tuple(getattr(error, "absolute_path", ()))
            yield refusal(place, one_line(error), "update: …") if place else one_line(error)
    except Exception as error:  # noqa: BLE001 - the validator lets errors of its libraries through
        yield f"the document is not OpenAPI 3.1: {one_line(error)}"


def _names(contract: Data, operation: Data) -> Iterator[tuple[str, str]]:
    """Yield each key of an operation's policy that names what is not there, and the reason."""
    policy = operation["x-codegen"]
    ids = {item.get("operationId") for _, _, item in each_operation(contract)}
    body, answer = operation.get("requestBody", {}), operation["responses"].get("200", {})
    sent, received = (
        resolve(contract, node.get("content", {}).get("application/json", {}).get("schema", {})).get("properties", {})
        for node in (body, answer)
    )
    parameters = {resolve(contract, node)["name"] for node in operation.get("parameters", ())}
    for name in set(policy.get("invalidates", ())) - ids:
        yield "invalidates", f"{name} is no operation"
    known = {"parameter": parameters, "field of the body": sent, "field of the answer": received}
    known["schema"] = contract["components"]["schemas"]
    for key, name, kind in NAMED:
        if key in policy and policy[key].get(name) not in known[kind]:
            yield key, f"{name} names {policy[key].get(name)}, which is no {kind}"
    items = received.get(policy.get("paginate", {}).get("items"))
    if items and items.get("type") != "array":
        yield "paginate", f"{policy['paginate']['items']} is no list"


def _collisions(contract: Data) -> Iterator[str]:
    """Say where two things would have one name."""
    known_names = _known_names()
    methods: dict[tuple[str, str], str] = {}
    groups: dict[tuple[str, str], tuple[Any, str]] = {}
    for path, method, operation in each_operation(contract):
        policy = operation.get("x-codegen")
        if not isinstance(policy, dict) or policy.get("service") not in CLIENTS:
            continue
        place, where, service = ("paths", path, method), f"{method.upper()} {path}", policy["service"]
        stream = policy.get("stream")
        names = [operation.get("operationId"), stream.get("method") if isinstance(stream, dict) else None]
        for name in filter(None, names):
            reason = ""
            if (other := methods.setdefault((service, name), where)) != where:
                reason = f"{other} is called {name}, too"
            elif keyword.iskeyword(name):
                reason = f"{name} is a word of Python"
            elif name in _members(service) - known_names.get((path, method), set()):
                reason = f"{CLIENTS[service]} has a method of its own that is called {name}"
            if reason:
                yield refusal(place, reason, f"update: {{operationId: {load.derived_id(path, method)}}}")
        limit = policy.get("rate-limit")
        if isinstance(limit, dict):
            numbers = (limit.get("requests"), limit.get("seconds"))
            known, first = groups.setdefault((service, str(limit.get("group"))), (numbers, where))
            if known != numbers:
                reason = f"the group {limit.get('group')} has another limit at {first}"
                yield refusal((*place, "x-codegen", "rate-limit"), reason, "update: {group: …}")


def _known_names() -> dict[tuple[str, str], set[str]]:
    """Return the method names of the present contract by path and method; handwritten code may override these."""
    present = load.GENERATED / "contract.json"  # reading openapi.yaml takes a hundred times as long
    operations = each_operation(load.load(present)) if present.exists() else []
    return {
        (path, method): {operation["operationId"], operation["x-codegen"].get("stream", {}).get("method", "")}
        for path, method, operation in operations
    }


@functools.cache
def _members(service: str) -> set[str]:
    """Return the names of the methods that people wrote in the client of a service, reading the source."""
    folder = load.ROOT / "codegen_ext"
    files = {
        "codegen": ["_async/client.py", "_async/base_client.py"],
        "chatserver": ["chatserver/_async/client.py", "_async/base_client.py"],
    }
    classes = [
        node
        for file in files[service]
        for node in ast.parse((folder / file).read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name.endswith("Client")
    ]
    return {
        item.name for node in classes for item in node.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
    }
