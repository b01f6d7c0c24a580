"""From a request to the operation that it calls and the arguments that it gives."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, cast
from urllib.parse import parse_qsl, unquote

from codegen_api.operations import OPERATIONS, Operation, Paging
from codegen_api.reserved import without_reserved

from . import schema
from .messages import JSON_TYPE, MAX_BODY_BYTES, ApiError, InvalidError, Json, Problem, Request

# Python converts no more digits than these without being asked to.
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,4299})", re.ASCII)


class Call(NamedTuple):
    """An operation with its checked arguments by name: parameters and fields of the body, None where not given."""

    operation: Operation[Any]
    arguments: Json
    is_member: bool = False
    """Whether the caller is a mere member of the ChatServer's platform."""

    @property
    def given(self) -> Json:
        """The arguments without None, and without what the client keeps in the metadata for itself."""
        given = dict(self.arguments)
        if isinstance(given.get("metadata"), dict):
            given["metadata"] = without_reserved(given["metadata"])
        return {name: value for name, value in given.items() if value is not None}

    def page(self, items: Sequence[Any]) -> Json:
        """Return the part of a list that the call asks for, and which part that is, in the fields of the contract."""
        paging = cast("Paging", self.operation.paging)
        size = self.arguments[paging.size] or len(items) or 1
        start = self.arguments[paging.start] or 0
        skip = start if paging.style == "offset" else (max(start, 1) - 1) * size
        numbers = {
            paging.start: start,
            paging.size: size,
            paging.total: len(items),
            "page": skip // size + 1,
            "size": size,
            "pages": -(-len(items) // size),
            "has_more": skip + size < len(items),
        }
        known = schema.output(self.operation.id)["properties"]
        shown = {name: value for name, value in numbers.items() if name in known}
        return {**shown, paging.items: items[skip : skip + size]}


class Route(NamedTuple):
    """The operations of a path by method, and the raw values in the path."""

    operations: Mapping[str, Operation[Any]]
    values: Mapping[str, str]


@cache
def _routes() -> list[tuple[re.Pattern[str], dict[str, Operation[Any]]]]:
    paths: dict[str, dict[str, Operation[Any]]] = {}
    for operation in OPERATIONS.values():
        paths.setdefault(operation.path, {})[operation.method] = operation
    # OpenAPI lets a literal segment win over a variable one, and "{" sorts behind all letters.
    return [(re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), paths[path]) for path in sorted(paths)]


def find_route(path: str) -> Route | None:
    """Return the route of a path, or None when the contract has no such path."""
    for pattern, operations in _routes():
        if found := pattern.fullmatch(path):
            return Route(operations, found.groupdict())
    return None


def read_arguments(operation: Operation[Any], values: Mapping[str, str], request: Request) -> Json:
    """Check a request against the contract and return its arguments with defaults; raise InvalidError or ApiError."""
    inputs = schema.inputs(operation.id)
    arguments, problems = _parameters(inputs, values, request)
    if inputs.body is not None:
        try:
            # A body may have other fields, which must not replace a parameter.
            arguments = arguments | _body(inputs.body, request) | arguments
        except InvalidError as error:
            problems.extend(error.problems)
    if problems:
        raise InvalidError(*problems)
    return arguments


def _parameters(inputs: schema.Inputs, values: Mapping[str, str], request: Request) -> tuple[Json, list[Problem]]:
    given: dict[tuple[str, str], list[str]] = {("path", name): [unquote(text)] for name, text in values.items()}
    for name, text in parse_qsl(request.query, keep_blank_values=True):
        given.setdefault(("query", name), []).append(text)
    arguments: Json = {}
    problems: list[Problem] = []
    for parameter in inputs.parameters:
        name, rule = parameter["name"], parameter["schema"]
        loc = (parameter["in"], name)
        texts = given.pop(loc, [])
        value = arguments[name] = _convert(rule, texts[0]) if texts else rule.get("default")
        if len(texts) > 1:
            problems.append(Problem(loc, "Input should be given once", "duplicate"))
        elif texts:
            problems.extend(schema.problems(rule, value, loc))
        elif parameter.get("required"):
            problems.append(Problem(loc, "Field required", "missing"))
    # The service may ignore other parameters; a client that sends them is mistaken about their effect.
    problems.extend(Problem(loc, "Extra inputs are not permitted", "extra_forbidden") for loc in sorted(given))
    return arguments, problems


def _convert(rule: Json, text: str) -> Any:
    """Return a text as the first type of its schema that it can be, or unchanged, for the schema to refuse."""
    for name in schema.type_names(rule):
        if name == "integer" and _INTEGER.fullmatch(text):
            return int(text)
        if name == "boolean" and text in ("true", "false"):
            return text == "true"
        if name == "null" and text in ("", "null"):
            return None
    return text


def _body(rule: Json, request: Request) -> Json:
    if request.length > MAX_BODY_BYTES:
        raise ApiError(413, "The body is too large.")
    content = request.read_body()
    if not content:
        raise InvalidError(Problem(("body",), "Field required", "missing"))
    content_type = request.headers.get("content-type", JSON_TYPE).partition(";")[0].strip().lower()
    if content_type != JSON_TYPE:
        message = f"Input should be {JSON_TYPE}, not {content_type or 'nothing'}"
        raise InvalidError(Problem(("body",), message, "media_type"))
    try:
        body = json.loads(content, parse_constant=_finite, parse_float=_finite)
        # Half a surrogate pair passes as an escape, but is no text.
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise InvalidError(Problem(("body",), f"JSON decode error: {error}", "json_invalid")) from None
    problems = list(schema.problems(rule, body, ("body",)))
    if problems:
        raise InvalidError(*problems)
    defaults = {name: schema.resolve(field).get("default") for name, field in rule.get("properties", {}).items()}
    return {**defaults, **body}


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number of JSON")
    return number
