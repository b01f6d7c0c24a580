"""Answers made from the schema: fields that a test did not give are filled in, and fields that do not fit refused."""

from __future__ import annotations

import json
from typing import Any, cast

from codegen_api.operations import CREATE_CHAT_COMPLETION, Operation, Paging

from codegen_ext.errors import ValidationError

from . import schema
from .messages import Json, Location
from .routing import Call

_COMPLETION = {"object": "chat.completion", "index": 0, "role": "assistant", "finish_reason": "stop"}
"""What the contract says about a chat completion in words alone, by field."""


def check(operation: Operation[Any], body: Any) -> Any:
    """Return a copy of a body as JSON has it; raise ValidationError where the contract does not allow it."""
    try:
        body = json.loads(json.dumps(body, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise _refusal(operation, {"response": [f"cannot be sent as JSON: {error}"]}) from None
    Example(Call(operation, {}), 1).complete(body)
    return body


def _refusal(operation: Operation[Any], problems: dict[str, list[str]]) -> ValidationError:
    text = "; ".join(f"{field}: {', '.join(found)}" for field, found in problems.items())
    message = f"the contract does not allow this mock response: {text}"
    return ValidationError(message, operation=operation.id, field_errors=problems)


class Example:
    """The answer to one call; `number` is the id of what the call creates, if it creates something."""

    def __init__(self, call: Call, number: int) -> None:
        self._call = call
        self._operation = call.operation
        self._arguments = call.arguments
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
            return self._arguments.get(self._identity) or self._number
        return self._arguments.get("org_id" if name == "organization_id" else name, self._implied.get(name))
