"""The answers of operations without state: those that a test sets, and examples made from the schema.

What a test sets need not be whole: fields that it did not give are filled in, and fields that do not fit refused.
"""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeGuard, cast

from codegen_api.operations import CREATE_CHAT_COMPLETION, Operation, Paging

from codegen_ext.errors import CodegenAPIError, ConfigurationError, ValidationError

from . import schema
from .messages import Json, Location
from .routing import Call

_COMPLETION = {"object": "chat.completion", "index": 0, "role": "assistant", "finish_reason": "stop"}
"""What the contract says about a chat completion in words alone, by field."""
MockResponse = Mapping[str, Any] | Sequence[Any] | BaseException | type[BaseException] | Callable[..., Any]
"""What `set_mock_response` takes."""


class _Items(list[Any]):
    """The items of a list, on any number of pages."""


class Responses:
    """The responses that a test has set; may be shared by threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._responses: dict[str, list[Any]] = {}

    def set(self, operation: Operation[Any], response: MockResponse | None) -> None:
        """Let an operation answer with `response`; None removes the earlier one."""
        is_list = operation.paging is not None or schema.type_names(schema.output(operation.id)) == ["array"]
        successive = [*response] if isinstance(response, list | tuple) and not is_list else [response]
        if not successive:
            raise ConfigurationError(f"the list of mock responses of {operation.id} is empty", config_key=operation.id)
        checked = [_checked(operation, one) for one in successive]
        with self._lock:
            self._responses[operation.id] = checked

    def clear(self) -> None:
        """Remove all responses."""
        with self._lock:
            self._responses.clear()

    def next(self, call: Call) -> Any:
        """Return the response for a call, or None; an async function's is its coroutine."""
        with self._lock:
            responses = self._responses.get(call.operation.id, [None])
            response = responses.pop(0) if len(responses) > 1 else responses[0]
        return response(**copy.deepcopy(call.given)) if _is_function(response) else response


def body(call: Call, response: Any, number: int) -> Any:
    """Return the body that answers a call with a response; None is an example. Raises a response that is an error."""
    if _is_exception(response):
        # The errors of this package cannot be made without a message.
        is_bare = isinstance(response, type) and issubclass(response, CodegenAPIError)
        raise response(f"mock response of {call.operation.id}") if is_bare else response
    example = _Example(call, number)
    if response is None:
        return example.default()
    response = _checked(call.operation, response)  # as a copy, and what a function returned for the first time
    return example.page(response) if isinstance(response, _Items) else example.complete(response)


def _checked(operation: Operation[Any], response: Any) -> Any:
    """Return a copy of a response as JSON has it; raise ValidationError where the contract does not allow it."""
    if response is None or isinstance(response, _Items) or _is_function(response) or _is_exception(response):
        return response
    response = response.to_dict() if hasattr(response, "to_dict") else response
    response = dict(response) if isinstance(response, Mapping) else response
    items = operation.paging.items if operation.paging and isinstance(response, list | tuple) else None
    try:
        whole = json.loads(json.dumps(response if items is None else {items: response}, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise _refusal(operation, {"response": [f"cannot be sent as JSON: {error}"]}) from None
    _Example(Call(operation, {}), 1).complete(whole)
    return whole if items is None else _Items(whole[items])


def _is_exception(response: object) -> bool:
    return isinstance(response, BaseException) or (isinstance(response, type) and issubclass(response, BaseException))


def _is_function(response: object) -> TypeGuard[Callable[..., Any]]:
    return callable(response) and not isinstance(response, type)


def _refusal(operation: Operation[Any], problems: dict[str, list[str]]) -> ValidationError:
    text = "; ".join(f"{field}: {', '.join(found)}" for field, found in problems.items())
    message = f"the contract does not allow this mock response: {text}"
    return ValidationError(message, operation=operation.id, field_errors=problems)


class _Example:
    """The answer to one call; `number` is the id of what the call creates, if it creates something."""

    def __init__(self, call: Call, number: int) -> None:
        self._call = call
        self._operation = call.operation
        self._number = number
        self._implied: Json = _COMPLETION if call.operation is CREATE_CHAT_COMPLETION else {}
        self._schema = schema.output(call.operation.id)
        parameters = [one.name for one in call.operation.arguments if one.location != "query" and one.name != "org_id"]
        self._identity = next((name for name in reversed(parameters) if name.endswith("_id")), "")

    def default(self) -> Any:
        """Return an answer with the required fields; a list has one item."""
        if self._operation.paging is not None:
            return self.page([{}])
        return self.complete([{}] if schema.type_names(self._schema) == ["array"] else {})

    def complete(self, body: Any) -> Any:
        """Return a body with its missing fields.

        Raises:
            ValidationError: naming each field that the contract does not know or allow.

        """
        whole = self._fill(self._schema, body, ())
        found: dict[str, list[str]] = {}
        for problem in schema.problems(self._schema, whole, (), closed=True):
            found.setdefault(problem.field or "response", []).append(problem.msg)
        if found:
            raise _refusal(self._operation, found)
        return whole

    def page(self, items: list[Any]) -> Any:
        """Return the part of a list that the call asks for; items without an id have their position as one."""
        name = cast("Paging", self._operation.paging).items
        item = schema.resolve(self._schema["properties"][name]["items"])
        names = schema.type_names(item.get("properties", {}).get("id", {"type": "null"}))
        kind = {"integer": int, "string": str}.get(names[0])
        numbered = [
            {"id": kind(position), **item} if kind and isinstance(item, dict) else item
            for position, item in enumerate(items, 1)
        ]
        return self.complete(self._call.page(numbered))

    def _fill(self, rule: Json, value: Any, loc: Location) -> Any:
        rule = schema.resolve(rule)
        if "anyOf" in rule:
            kind = "array" if isinstance(value, list) else "object"
            options = [option for option in rule["anyOf"] if kind in schema.type_names(option)]
            return self._fill(options[0], value, loc) if options else value
        if isinstance(value, list):
            return [self._fill(rule.get("items", {}), item, (*loc, at)) for at, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        properties: Json = rule.get("properties", {})
        filled = {name: self._fill(properties.get(name, {}), item, (*loc, name)) for name, item in value.items()}
        for name, field in properties.items():
            needed = name in rule.get("required", ()) or name in self._implied or schema.is_run_status(field)
            if name not in filled and needed:
                filled[name] = self._invent(field, name, loc, filled)
        return filled

    def _invent(self, field: Json, name: str, loc: Location, beside: Json) -> Any:
        rule = schema.resolve(field)
        given = self._given(name, loc)
        if given is not None and not any(schema.problems(rule, given, loc)):
            return given
        if schema.is_run_status(field):
            return schema.status_value("completed" if self._operation.idempotent else "pending")
        if "default" in rule or "enum" in rule:
            return rule["default"] if "default" in rule else rule["enum"][0]
        match next(iter(schema.type_names(rule)), "null"):
            case "integer" | "number":
                items = next((value for value in beside.values() if isinstance(value, list)), None)
                counts = name in ("count", "size") or name.startswith("total")
                return len(items) if counts and items is not None else max(rule.get("minimum", 1), 1)
            case "string":
                is_time = rule.get("format") == "date-time" or name.endswith("_at")
                return "2026-01-01T00:00:00Z" if is_time else f"https://mock.invalid/{name}" if "url" in name else name
            case "boolean":
                return name == "success"
            case "array":
                has_objects = schema.type_names(rule.get("items", {})) == ["object"]
                is_list = not loc and has_objects and self._operation.paging is None
                return self._fill(rule, [{}] if is_list else [], (*loc, name))
            case "object":
                return self._fill(rule, {}, (*loc, name))
        return None

    def _given(self, name: str, loc: Location) -> Any:
        """Return the value that the call implies for a field of its answer, None where it implies none."""
        if name == "id" and loc in ((), (self._identity.removesuffix("_id"),)):
            return self._call.arguments.get(self._identity) or self._number
        return self._call.arguments.get("org_id" if name == "organization_id" else name, self._implied.get(name))
