"""Build the HTTP request of an operation from the arguments of its method."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import quote

from .codec import Model, encode, is_uuid
from .options import NO_OPTIONS, RequestOptions

if TYPE_CHECKING:
    from .table import Argument, Operation


class Wire(NamedTuple):
    """A request below a service's URL: `path` is quoted, `query` and `content` are as they are sent."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    content: bytes | None


class InvalidArguments(Exception):
    """Arguments do not fit the contract; `problems` has the messages for each of them by its name in the contract."""

    def __init__(self, problems: Mapping[str, list[str]]) -> None:
        self.problems = dict(problems)
        super().__init__("; ".join(f"{name}: {', '.join(messages)}" for name, messages in problems.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problems,)


class _Unfit(ValueError):
    """A value is not one that the contract allows."""


_NO_SEGMENT = ("", ".", "..")
"""Segments that no quoting keeps from changing the path (RFC 3986, 5.2.4), so that it would name another operation."""
_NUMBERS: dict[str, tuple[Any, str]] = {"integer": (int, "a whole number"), "number": (int | float, "a number")}
_OPTIONS = {"extra_headers": "header", "extra_query": "query", "extra_body": "body"}
"""The location of the arguments that an option is like, by its name."""
_LONG = 8
"""Characters of a value that no message shows: it may be a credential at the wrong place."""
_SEPARATORS = {"comma": ",", "space": " ", "pipe": "|"}


def build(operation: Operation[Any], arguments: Mapping[str, Any], options: RequestOptions = NO_OPTIONS) -> Wire:
    """Return the request for an operation; `arguments` has the arguments of its method by their Python names.

    Of the options, `extra_query`, `extra_body` and `extra_headers` are put into the request.

    Raises:
        InvalidArguments: when an argument does not fit the contract.

    """
    path = operation.path
    query: list[tuple[str, str]] = []
    headers: dict[str, str] = {}
    body: Any = None
    has_body = operation.body is not None
    if has_body:
        body = {}
    problems = _misused(operation, options)
    cause: Exception | None = None
    for argument in operation.arguments:
        value = arguments.get(argument.python_name)
        if value is None:
            if argument.nullable and argument.python_name in arguments:
                body[argument.name] = None
            elif argument.required:
                problems[argument.name] = ["is required"]
            continue
        try:
            value = _checked(argument, value)
            match argument.location:
                case "query":
                    query += _pairs(argument, value)
                case "body":
                    body[argument.name] = encode(value)
                case "path":
                    path = path.replace(f"{{{argument.name}}}", _segment(value))
                case "header":
                    headers[argument.name] = _joined(value, ",")
                case _:
                    has_body, body = True, encode(value)
        except _Unfit as error:
            problems[argument.name] = [str(error)]
        except (TypeError, ValueError, RecursionError) as error:
            problems[argument.name] = [f"cannot be sent: {error}"]
            cause = error
    if problems:
        raise InvalidArguments(problems) from cause
    if options.extra_body:
        if has_body and not isinstance(body, dict):
            raise InvalidArguments({"extra_body": ["the body of this operation is not an object"]})
        has_body, body = True, {**(body or {}), **options.extra_body}
    content = None
    if has_body:
        content = _content(body)
        headers["Content-Type"] = "application/json"
    for name, value in (options.extra_query or {}).items():
        try:
            query += _repeated(name, value)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidArguments({"extra_query": [f"{name} cannot be sent: {error}"]}) from error
    return Wire(operation.method, path, query, {**headers, **(options.extra_headers or {})}, content)


def _misused(operation: Operation[Any], options: RequestOptions) -> dict[str, list[str]]:
    """Return the options that are no mappings, and the arguments of the contract that stand in one."""
    if options[1:] == NO_OPTIONS[1:]:
        return {}
    problems: dict[str, list[str]] = {}
    for option, location in _OPTIONS.items():
        given = getattr(options, option)
        if given is None:
            continue
        if not isinstance(given, Mapping):
            problems[option] = [f"expected a mapping, got {type(given).__name__}"]
            continue
        fold = str.lower if location == "header" else str
        names = {fold(str(name)) for name in given}
        for argument in operation.arguments:
            if argument.location == location and fold(argument.name) in names:
                problems[argument.name] = [f"pass it as the argument {argument.python_name}, not in {option}"]
    return problems


def _content(body: Any) -> bytes:
    """Return a body as JSON; of an object that has none, say which fields have none."""
    try:
        return _json(encode(body)).encode()
    except (TypeError, ValueError, RecursionError) as error:
        if not isinstance(body, dict) or len(body) == 1:
            names = list(body) if isinstance(body, dict) else ["request"]
            raise InvalidArguments({name: [f"cannot be sent: {error}"] for name in names}) from error
        for name, value in body.items():
            _content({name: value})
        raise


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _checked(argument: Argument, value: Any) -> Any:
    """Return the value, a number also for its digits; raises _Unfit for what the contract does not allow."""
    kind = argument.type
    if kind in _NUMBERS:
        return value if value.__class__ is int and argument.minimum is None else _number(argument, value)
    if kind == "string" and not isinstance(value, str | datetime.date) and not is_uuid(value):
        raise _Unfit(f"expected text, got {type(value).__name__}")
    if kind == "boolean" and not isinstance(value, bool):
        raise _Unfit(f"expected true or false, got {type(value).__name__}")
    if kind == "array" and not isinstance(value, list | tuple):
        raise _Unfit(f"expected a list, got {type(value).__name__}")
    if kind == "object" and not isinstance(value, Mapping | Model):
        raise _Unfit(f"expected an object, got {type(value).__name__}")
    return value


def _number(argument: Argument, value: Any) -> float:
    if argument.type == "integer" and isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,100}", value):
        value = int(value)
    kind, name = _NUMBERS[argument.type]
    if isinstance(value, bool) or not isinstance(value, kind):
        shown = repr(value) if isinstance(value, str) and len(value) < _LONG else type(value).__name__
        raise _Unfit(f"expected {name}, got {shown}")
    number = cast("float", value)
    if argument.minimum is not None and not number >= argument.minimum:
        raise _Unfit(f"must be at least {argument.minimum}")
    if argument.maximum is not None and not number <= argument.maximum:
        raise _Unfit(f"must be at most {argument.maximum}")
    return number


def _segment(value: Any) -> str:
    if value.__class__ is int:
        return str(value)
    if value in _NO_SEGMENT:
        raise _Unfit(f"cannot stand in a path: {value!r}")
    return _joined(value, ",", _quoted)


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _pairs(argument: Argument, value: Any) -> list[tuple[str, str]]:
    style, name = argument.style, argument.name
    if style == "json":
        return [(name, _json(encode(value)))]
    if style == "deep":
        items = encode(value).items()
        return [(f"{name}[{key}]", _text(item)) for key, item in items if item is not None]
    if style:
        return [(name, _joined(value, _SEPARATORS[style]))]
    return _repeated(name, value)


def _repeated(name: str, value: Any) -> list[tuple[str, str]]:
    if value.__class__ is int:
        return [(name, str(value))]
    value = encode(value)
    if isinstance(value, list):
        return [(name, _text(item)) for item in value]
    if isinstance(value, dict):
        return [(key, _text(item)) for key, item in value.items() if item is not None]
    return [(name, _text(value))]


def _joined(value: Any, separator: str, quoted: Callable[[str], str] = str) -> str:
    if value.__class__ is int:
        return str(value)
    value = encode(value)
    if isinstance(value, dict):
        value = [part for item in value.items() for part in item]
    return separator.join(quoted(_text(part)) for part in (value if isinstance(value, list) else [value]))


def _text(value: Any) -> str:
    """Return a scalar as it stands in a URL or a header."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        raise _Unfit(f"expected a single value, got {type(value).__name__}")
    text = "" if value is None else str(value)
    text.encode()  # raises for half a surrogate pair, which has no form in UTF-8
    return text
