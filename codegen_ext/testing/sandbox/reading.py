"""Reading a request: which operation it asks for, and with which arguments."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

from codegen_api.operations import OPERATIONS, Operation

from .contract import Contract, Inputs, Parameter
from .wire import JSON_TYPE, InvalidError, Json, Problem, Request

# Python converts no more digits than these without being asked to.
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,4299})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Call:
    """An operation with its checked arguments: path and query parameters by name, and the body's fields."""

    operation: Operation[Any]
    parameters: Json
    body: Json
    is_member: bool = False
    """Whether whoever calls is a mere member of the platform."""

    def page(self, items: Sequence[Any]) -> Json:
        """Return the part of a list that `skip` and `limit` ask for, and which part that is."""
        skip, limit = self.parameters["skip"], self.parameters["limit"]
        return {
            "items": items[skip : skip + limit],
            "total": len(items),
            "page": skip // limit + 1,
            "size": limit,
            "pages": -(-len(items) // limit),
        }


@dataclass(frozen=True, slots=True)
class Match:
    """Where a path leads: the operation of each method, and the raw values in the path."""

    operations: Mapping[str, Operation[Any]]
    values: Mapping[str, str]


@cache
def _routes() -> dict[tuple[str, ...], dict[str, Operation[Any]]]:
    routes: dict[tuple[str, ...], dict[str, Operation[Any]]] = {}
    for operation in OPERATIONS.values():
        routes.setdefault(tuple(operation.path.split("/")), {})[operation.method] = operation
    # OpenAPI lets a literal segment win over a variable one.
    return dict(sorted(routes.items(), key=lambda route: [part.startswith("{") for part in route[0]]))


def find(path: str) -> Match | None:
    """Return where a path leads, or None when it leads nowhere."""
    parts = path.split("/")
    for template, operations in _routes().items():
        if len(template) == len(parts):
            pairs = list(zip(template, parts, strict=True))
            if all(part if name.startswith("{") else part == name for name, part in pairs):
                return Match(operations, {n[1:-1]: unquote(part) for n, part in pairs if n.startswith("{")})
    return None


def read(contract: Contract, operation: Operation[Any], values: Mapping[str, str], request: Request) -> Call:
    """Check a request against the contract and return the call, with defaults filled in; raise InvalidError."""
    inputs = contract.inputs(operation)
    arguments, problems = _parameters(contract, inputs, values, request)
    body: Any = None
    if inputs.body is not None:
        try:
            body = _body(contract, inputs.body, request)
        except InvalidError as error:
            problems.extend(error.problems)
    if problems:
        raise InvalidError(*problems)
    return Call(operation, arguments, body or {})


def _parameters(
    contract: Contract, inputs: Inputs, values: Mapping[str, str], request: Request
) -> tuple[Json, list[Problem]]:
    given: dict[tuple[str, str], list[str]] = {("path", name): [text] for name, text in values.items()}
    for name, text in parse_qsl(request.query, keep_blank_values=True):
        given.setdefault(("query", name), []).append(text)
    arguments: Json = {}
    problems: list[Problem] = []
    for parameter in inputs.parameters:
        texts = given.get((parameter.place, parameter.name), [])
        if texts:
            arguments[parameter.name] = _convert(contract, parameter.schema, texts[0])
        else:
            arguments[parameter.name] = parameter.schema.get("default")
        problems.extend(_parameter_problems(contract, parameter, texts, arguments[parameter.name]))
    # The service may overlook these; a client that sends them is mistaken about its effect.
    unknown = given.keys() - {(parameter.place, parameter.name) for parameter in inputs.parameters}
    problems.extend(Problem(loc, "Extra inputs are not permitted", "extra_forbidden") for loc in sorted(unknown))
    return arguments, problems


def _parameter_problems(contract: Contract, parameter: Parameter, texts: list[str], value: Any) -> Iterator[Problem]:
    loc = (parameter.place, parameter.name)
    if len(texts) > 1:
        yield Problem(loc, "Input should be given once", "duplicate")
    elif texts:
        yield from contract.problems(parameter.schema, value, loc)
    elif parameter.required:
        yield Problem(loc, "Field required", "missing")


def _convert(contract: Contract, schema: Json, text: str) -> Any:
    """Turn text into what its schema speaks of, or leave it as it is for the schema to refuse."""
    for name in contract.type_names(schema):
        if name == "integer" and _INTEGER.fullmatch(text):
            return int(text)
        if name == "boolean" and text in ("true", "false"):
            return text == "true"
        if name == "null" and text in ("", "null"):
            return None
    return text


def _body(contract: Contract, schema: Json, request: Request) -> Json:
    if not request.body:
        raise InvalidError(Problem(("body",), "Field required", "missing"))
    content_type = request.headers.get("content-type", JSON_TYPE).partition(";")[0].strip().lower()
    if content_type != JSON_TYPE:
        raise InvalidError(
            Problem(("body",), f"Input should be {JSON_TYPE}, not {content_type or 'nothing'}", "media_type")
        )
    try:
        body = json.loads(request.body, parse_constant=_refuse_constant, parse_float=_finite)
        # Half a surrogate pair passes as an escape, but is no text.
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        position = error.pos if isinstance(error, json.JSONDecodeError) else 0
        raise InvalidError(Problem(("body", position), f"JSON decode error: {error}", "json_invalid")) from None
    problems = list(contract.problems(schema, body, ("body",)))
    if problems:
        raise InvalidError(*problems)
    properties = {name: contract.resolve(rule) for name, rule in schema.get("properties", {}).items()}
    return {**{name: rule.get("default") for name, rule in properties.items()}, **body}


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is out of range")
    return number
