"""Build the HTTP request of an operation from the arguments of its method."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .operations import Argument, Operation


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


_NO_SEGMENT = ("", ".", "..")
"""Segments that no quoting keeps from changing the path (RFC 3986, 5.2.4), so that it would name another operation."""
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,100}")
_NUMBERS: dict[str, tuple[Any, str]] = {"integer": (int, "a whole number"), "number": (int | float, "a number")}


def build(operation: Operation[Any], arguments: Mapping[str, Any]) -> Wire:
    """Return the request for an operation; `arguments` has the arguments of its method by their Python names.

    Raises:
        InvalidArguments: when an argument does not fit the contract.

    """
    import httpx

    query_and_path: dict[str, Any] = {}
    body: dict[str, Any] = {}
    problems: dict[str, list[str]] = {}
    for argument in operation.arguments:
        value = arguments.get(argument.python_name)
        if value is None:
            if argument.required:
                problems[argument.name] = ["is required"]
            continue
        if argument.type in _NUMBERS and (type(value) is not int or argument.minimum is not None):
            value, problem = _number(argument, value)
            if problem:
                problems[argument.name] = [problem]
                continue
        elif argument.type == "string" and not isinstance(value, str):
            problems[argument.name] = [f"expected text, got {type(value).__name__}"]
            continue
        elif argument.location == "path" and value in _NO_SEGMENT:
            problems[argument.name] = [f"cannot stand in a path: {value!r}"]
            continue
        (body if argument.location == "body" else query_and_path)[argument.python_name] = value
    if problems:
        raise InvalidArguments(problems)
    try:
        if operation.body:
            query_and_path["body"] = operation.body_model(**body)
        parts = operation.endpoint._get_kwargs(**query_and_path)
        content = None
        if "json" in parts:
            text = json.dumps(parts["json"], ensure_ascii=False, separators=(",", ":"), allow_nan=False)
            content = text.encode()
        query = httpx.QueryParams(parts.get("params") or {}).multi_items()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArguments({"request": [f"an argument cannot be sent: {error}"]}) from error
    return Wire(operation.method, parts["url"], query, dict(parts.get("headers", {})), content)


def _number(argument: Argument, value: Any) -> tuple[float, str | None]:
    if argument.type == "integer" and isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
        value = int(value)
    kind, name = _NUMBERS[argument.type]
    if isinstance(value, bool) or not isinstance(value, kind):
        shown = repr(value) if isinstance(value, str) and len(value) <= 40 else type(value).__name__
        return 0, f"expected {name}, got {shown}"
    if argument.minimum is not None and not value >= argument.minimum:
        return 0, f"must be at least {argument.minimum}"
    if argument.maximum is not None and not value <= argument.maximum:
        return 0, f"must be at most {argument.maximum}"
    return value, None
