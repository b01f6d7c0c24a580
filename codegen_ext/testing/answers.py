"""Answers that the contract allows: what a test did not say is filled in, and what does not fit is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, cast

from codegen_api.operations import CREATE_CHAT_COMPLETION, Operation, Paging

from codegen_ext.errors import ValidationError

from .sandbox.contract import load_contract
from .sandbox.wire import Json, Location, Problem, dumps

_TOP: Location = ()
_IMPLIED: dict[str, Json] = {
    CREATE_CHAT_COMPLETION.id: {
        "object": "chat.completion",
        "index": 0,
        "role": "assistant",
        "finish_reason": "stop",
    }
}
"""What the contract says about an answer in words alone, by operation and field."""


class Answers:
    """Makes the answers of one operation."""

    def __init__(self, operation: Operation[Any]) -> None:
        self._operation = operation
        self._contract = load_contract()
        self._schema = self._contract.output(operation)

    @property
    def is_array(self) -> bool:
        """Whether the operation answers with a bare list."""
        return self._contract.type_names(self._schema) == ["array"]

    def check(self, body: Any) -> Any:
        """Return a copy of a body as JSON has it; raise ValidationError where the contract does not allow it."""
        try:
            body = json.loads(json.dumps(body, allow_nan=False))
        except (TypeError, ValueError, RecursionError) as error:
            raise self._refusal({"response": [f"cannot be sent as JSON: {error}"]}) from None
        self.complete(body, {}, 1)
        return body

    def complete(self, body: Any, arguments: Mapping[str, Any], number: int) -> Any:
        """Return a body with its missing fields; `number` is the id of what the call makes, if it makes something.

        Raises:
            ValidationError: naming each field that the contract does not know or allow.

        """
        whole = self._fill(self._schema, body, _Given(self._operation, arguments, number), _TOP)
        found = [*self._contract.problems(self._schema, whole, _TOP), *self._unknown(self._schema, whole, _TOP)]
        problems: dict[str, list[str]] = {}
        for problem in found:
            problems.setdefault(".".join(map(str, problem.loc)) or "response", []).append(problem.msg)
        if problems:
            raise self._refusal(problems)
        return whole

    def default(self, arguments: Mapping[str, Any], number: int) -> Any:
        """Return what the operation answers when a test said nothing: a list has one item."""
        given = _Given(self._operation, arguments, number)
        if self._operation.paging is not None:
            return self.page([{}], arguments, number)
        names = self._contract.type_names(self._schema)
        return self._fill(self._schema, [{}] if names == ["array"] else {}, given, _TOP)

    def page(self, items: list[Any], arguments: Mapping[str, Any], number: int) -> Any:
        """Return the part of a list that a call asks for."""
        paging = cast("Paging", self._operation.paging)
        size = arguments.get(paging.size) or len(items) or 1
        start = arguments.get(paging.start) or 0
        skip = start if paging.style == "offset" else (max(start, 1) - 1) * size
        known = self._schema["properties"]
        numbers = {
            paging.start: start,
            paging.size: size,
            paging.total: len(items),
            "page": skip // size + 1,
            "size": size,
            "pages": -(-len(items) // size),
            "has_more": skip + size < len(items),
        }
        kind = self._kind_of_id(known[paging.items]["items"])
        numbered = [
            {"id": kind(position), **item} if kind and isinstance(item, dict) else item
            for position, item in enumerate(items, 1)
        ]
        body = {name: value for name, value in numbers.items() if name in known}
        return self.complete({**body, paging.items: numbered[skip : skip + size]}, arguments, number)

    def _kind_of_id(self, schema: Json) -> type[int | str] | None:
        properties: Json = self._contract.resolve(schema).get("properties", {})
        names = self._contract.type_names(properties["id"]) if "id" in properties else []
        return int if "integer" in names else str if "string" in names else None

    def _fill(self, schema: Json, value: Any, given: _Given, loc: Location) -> Any:
        schema = self._contract.resolve(schema)
        if "anyOf" in schema:
            kind = "array" if isinstance(value, list) else "object"
            options = [option for option in schema["anyOf"] if kind in self._contract.type_names(option)]
            return self._fill(options[0], value, given, loc) if options else value
        if isinstance(value, list):
            return [self._fill(schema.get("items", {}), item, given, (*loc, at)) for at, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        properties: Json = schema.get("properties", {})
        filled = {
            name: self._fill(properties[name], item, given, (*loc, name)) if name in properties else item
            for name, item in value.items()
        }
        for name, rule in properties.items():
            needed = name in schema.get("required", ()) or name in given.implied or self._is_status(rule)
            if name not in filled and needed:
                filled[name] = self._invent(rule, name, given, loc, filled)
        return filled

    def _invent(self, schema: Json, name: str, given: _Given, loc: Location, beside: Json) -> Any:
        schema = self._contract.resolve(schema)
        known = given.value(name, loc)
        if known is not None and not list(self._contract.problems(schema, known, loc)):
            return known
        if self._is_status(schema):
            return self._contract.run_words["completed" if self._operation.idempotent else "pending"][0]
        if "default" in schema or "enum" in schema:
            return schema["default"] if "default" in schema else schema["enum"][0]
        match next(iter(self._contract.type_names(schema)), "null"):
            case "integer" | "number":
                items = next((value for value in beside.values() if isinstance(value, list)), None)
                counts = name in ("count", "size") or name.startswith("total")
                return len(items) if counts and items is not None else max(schema.get("minimum", 1), 1)
            case "string":
                is_time = schema.get("format") == "date-time" or name.endswith("_at")
                return "2026-01-01T00:00:00Z" if is_time else f"https://mock.invalid/{name}" if "url" in name else name
            case "boolean":
                return name == "success"
            case "array":
                has_objects = self._contract.type_names(schema.get("items", {})) == ["object"]
                is_list = not loc and has_objects and self._operation.paging is None
                return self._fill(schema, [{}] if is_list else [], given, (*loc, name))
            case "object":
                return self._fill(schema, {}, given, (*loc, name))
        return None

    def _is_status(self, schema: Json) -> bool:
        options = [self._contract.resolve(option) for option in schema.get("anyOf", [schema])]
        return any("words" in option.get("x-codegen", {}) and "terminal" in option["x-codegen"] for option in options)

    def _unknown(self, schema: Json, value: Any, loc: Location) -> Iterator[Problem]:
        schema = self._contract.resolve(schema)
        for option in schema.get("anyOf", ()):
            yield from self._unknown(option, value, loc)
        if isinstance(value, list):
            for at, item in enumerate(value):
                yield from self._unknown(schema.get("items", {}), item, (*loc, at))
        properties: Json = schema.get("properties", {})
        if not isinstance(value, dict) or not properties:
            return
        for name, item in value.items():
            if name in properties:
                yield from self._unknown(properties[name], item, (*loc, name))
            elif not schema.get("additionalProperties"):
                close = get_close_matches(name, properties, 1)
                hint = f"; did you mean {close[0]}?" if close else ""
                yield Problem((*loc, name), f"is not a field of the contract{hint}", "extra_forbidden")

    def _refusal(self, problems: dict[str, list[str]]) -> ValidationError:
        text = "; ".join(f"{field}: {', '.join(found)}" for field, found in problems.items())
        message = f"the contract does not allow this mock response: {text}"
        return ValidationError(message, operation=self._operation.id, field_errors=problems)


class _Given:
    """What a call says about the answer to it."""

    def __init__(self, operation: Operation[Any], arguments: Mapping[str, Any], number: int) -> None:
        self._arguments = arguments
        self._number = number
        self.implied = _IMPLIED.get(operation.id, {})
        self._identity = next(
            (
                argument.name
                for argument in reversed(operation.arguments)
                if argument.name.endswith("_id") and argument.name != "org_id" and argument.location != "query"
            ),
            "",
        )

    def value(self, name: str, loc: Location) -> Any:
        """Return what a field of the answer must be for the call to make sense, None where the call does not say."""
        if name == "id" and loc in (_TOP, (self._identity.removesuffix("_id"),)):
            return self._arguments.get(self._identity) or self._number
        return self._arguments.get("org_id" if name == "organization_id" else name, self.implied.get(name))


def events(body: Json) -> Iterator[bytes]:
    """Yield the server-sent events in which a completion is streamed: what was said, then why it ended."""
    said = [{"index": one["index"], "delta": one["message"]} for one in body["choices"]]
    ended = [{"index": one["index"], "delta": {}, "finish_reason": one.get("finish_reason")} for one in body["choices"]]
    for choices, usage in ((said, None), (ended, body.get("usage"))):
        chunk = {**body, "object": "chat.completion.chunk", "choices": choices, "usage": usage}
        yield b"data: " + dumps(chunk) + b"\n\n"
    yield b"data: [DONE]\n\n"
