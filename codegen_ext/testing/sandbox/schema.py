"""The contract as data: what each operation takes and returns, and whether a value fits a schema."""

import json
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from codegen_api.enums import NORMALISED, AgentRunStatus
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
_STATUSES: dict[str, AgentRunStatus] = NORMALISED["AgentRunStatus"]
_RUN_STATUS = {"$ref": "#/components/schemas/RunStatus"}


class Inputs(NamedTuple):
    """Everything that an operation takes; `body` is the schema of its required body, None where it takes none."""

    parameters: list[Json]
    body: Json | None


@cache
def document() -> Json:
    """Return the OpenAPI document that the package was generated from."""
    loaded: Json = json.loads(files("codegen_api").joinpath("contract.json").read_text("utf-8"))
    return loaded


def status_value(meaning: str) -> str:
    """Return the value by which the service says a status of the contract, such as `completed`."""
    return next(value for value, status in _STATUSES.items() if status == meaning)


def status_meaning(value: str | None) -> AgentRunStatus | None:
    """Return the status of the contract for a value of the service, or None for an unknown one."""
    return _STATUSES.get(value or "")


def is_terminal(value: str | None) -> bool:
    """Say whether a run with this status has ended."""
    meaning = status_meaning(value)
    return meaning is not None and meaning.is_terminal


def is_run_status(schema: Json) -> bool:
    """Say whether a schema is that of a run's status."""
    return schema == _RUN_STATUS or _RUN_STATUS in schema.get("anyOf", ())


def _operation(operation_id: str) -> Json:
    operation = OPERATIONS[operation_id]
    found: Json = document()["paths"][operation.path][operation.method.lower()]
    return found


@cache
def inputs(operation_id: str) -> Inputs:
    """Return what an operation takes."""
    operation = _operation(operation_id)
    body = resolve(operation.get("requestBody", {})).get("content", {}).get(JSON_TYPE)
    return Inputs(list(map(resolve, operation.get("parameters", []))), body and resolve(body["schema"]))


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
