"""The contract as data: what each operation takes and returns, and whether a value fits a schema."""

import json
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from codegen_api.operations import OPERATIONS

from .messages import JSON_TYPE, Json, Location, Problem

_TYPES: dict[str, tuple[type, ...]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "null": (type(None),),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}


class Parameter(NamedTuple):
    """A parameter of an operation; `location` is path or query."""

    name: str
    location: str
    required: bool
    schema: Json


class Inputs(NamedTuple):
    """Everything that an operation takes; `body` is the schema of its required body, None where it takes none."""

    parameters: tuple[Parameter, ...]
    body: Json | None


@cache
def document() -> Json:
    """Return the OpenAPI document that the package was generated from."""
    loaded: Json = json.loads(files("codegen_api").joinpath("contract.json").read_text("utf-8"))
    return loaded


def _run_status() -> Json:
    policy: Json = document()["components"]["schemas"]["RunStatus"]["x-codegen"]
    return policy


@cache
def message_types() -> list[str]:
    """Return the types of log entries."""
    return list(document()["components"]["schemas"]["MessageType"]["x-codegen"]["words"])


def status_values(meaning: str) -> list[str]:
    """Return the values by which the service says a status of the contract, such as `completed`; none when unknown."""
    values: list[str] = _run_status()["words"].get(meaning, [])
    return values


@cache
def status_meaning(value: str | None) -> str | None:
    """Return the status of the contract for a value of the service, or None for an unknown one."""
    return next((meaning for meaning, values in _run_status()["words"].items() if value in values), None)


def is_terminal(value: str | None) -> bool:
    """Say whether a run with this status has ended."""
    return status_meaning(value) in _run_status()["terminal"]


def is_run_status(schema: Json) -> bool:
    """Say whether a schema is that of a run's status."""
    return any(resolve(option).get("x-codegen") == _run_status() for option in resolve(schema).get("anyOf", [schema]))


def _operation(operation_id: str) -> Json:
    operation = OPERATIONS[operation_id]
    found: Json = document()["paths"][operation.path][operation.method.lower()]
    return found


@cache
def inputs(operation_id: str) -> Inputs:
    """Return what an operation takes."""
    operation = _operation(operation_id)
    parameters = map(resolve, operation.get("parameters", []))
    body = resolve(operation.get("requestBody", {})).get("content", {}).get(JSON_TYPE)
    return Inputs(
        tuple(Parameter(p["name"], p["in"], p.get("required", False), p["schema"]) for p in parameters),
        body and resolve(body["schema"]),
    )


@cache
def output(operation_id: str) -> Json:
    """Return the schema of an operation's successful answer."""
    responses = _operation(operation_id)["responses"]
    success = next(answer for status, answer in responses.items() if status.startswith("2"))
    return resolve(resolve(success)["content"][JSON_TYPE]["schema"])


def resolve(node: Json) -> Json:
    """Follow `$ref`, if there is one."""
    while "$ref" in node:
        target: Any = document()
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def type_names(schema: Json) -> list[str]:
    """Return every type that a schema admits, in its order; empty when it admits all."""
    schema = resolve(schema)
    if "anyOf" in schema:
        return [name for option in schema["anyOf"] for name in type_names(option)]
    names = schema.get("type", [])
    return [names] if isinstance(names, str) else list(names)


def problems(schema: Json, value: Any, loc: Location, *, closed: bool = False) -> Iterator[Problem]:
    """Yield where and why a value does not fit a schema; a `closed` one allows only the fields that it names."""
    schema = resolve(schema)
    if "anyOf" in schema:
        attempts = [list(problems(option, value, loc, closed=closed)) for option in schema["anyOf"]]
        if all(attempts):
            yield from min(attempts, key=lambda found: found[0].loc == loc)
        return
    names = type_names(schema)
    if names and not any(_is_a(name, value) for name in names):
        yield Problem(loc, f"Input should be a valid {names[0]}", f"{names[0]}_type")
    elif "enum" in schema and value not in schema["enum"]:
        yield Problem(loc, f"Input should be {' or '.join(map(repr, schema['enum']))}", "enum")
    elif isinstance(value, str) and len(value) < schema.get("minLength", 0):
        yield Problem(loc, f"String should have at least {schema['minLength']} characters", "string_too_short")
    elif isinstance(value, list):
        if len(value) < schema.get("minItems", 0):
            yield Problem(loc, f"List should have at least {schema['minItems']} items", "too_short")
        for index, item in enumerate(value):
            yield from problems(schema.get("items", {}), item, (*loc, index), closed=closed)
    elif isinstance(value, dict):
        yield from _object_problems(schema, value, loc, closed)
    elif isinstance(value, int | float):
        if value < schema.get("minimum", value):
            yield Problem(loc, f"Input should be greater than or equal to {schema['minimum']}", "greater_than_equal")
        if value > schema.get("maximum", value):
            yield Problem(loc, f"Input should be less than or equal to {schema['maximum']}", "less_than_equal")


def _object_problems(schema: Json, value: Json, loc: Location, closed: bool) -> Iterator[Problem]:
    for name in schema.get("required", []):
        if name not in value:
            yield Problem((*loc, name), "Field required", "missing")
    properties: Json = schema.get("properties", {})
    others = schema.get("additionalProperties", not (closed and properties))
    for name, item in value.items():
        rule = properties.get(name, others)
        if isinstance(rule, dict):
            yield from problems(rule, item, (*loc, name), closed=closed)
        elif not rule:
            close = get_close_matches(name, properties, 1) if closed else ()
            message = f"is not a field of the contract{f'; did you mean {close[0]}?' if close else ''}"
            yield Problem((*loc, name), message if closed else "Extra inputs are not permitted", "extra_forbidden")


def _is_a(name: str, value: Any) -> bool:
    # JSON has one kind of number, and in Python True is an int.
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[name])
