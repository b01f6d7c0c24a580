"""The contract as data: what each operation takes, and whether a value fits a schema."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from codegen_api.operations import Operation

from .wire import Json, Location, Problem

_TYPES: dict[str, tuple[type, ...]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "null": (type(None),),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an operation."""

    name: str
    place: str
    required: bool
    schema: Json


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that an operation takes; `body` is None where it takes none, else it is required."""

    parameters: tuple[Parameter, ...]
    body: Json | None


class Contract:
    """An OpenAPI document, read as far as this API uses the language."""

    def __init__(self, document: Json) -> None:
        self._document = document
        self._schemas: Json = document["components"]["schemas"]
        self.message_types: tuple[str, ...] = tuple(self._words("MessageType"))
        self.run_words: dict[str, list[str]] = self._words("RunStatus")
        self.terminal: frozenset[str] = frozenset(self._schemas["RunStatus"]["x-codegen"]["terminal"])
        self._meaning = {word: meaning for meaning, words in self.run_words.items() for word in words}

    def meaning(self, word: str | None) -> str | None:
        """Return what a status word of the wire means, such as `completed`, or None for a word of no known meaning."""
        return self._meaning.get(word or "")

    def is_terminal(self, word: str | None) -> bool:
        """Say whether a run with this status word has ended."""
        return self.meaning(word) in self.terminal

    def inputs(self, operation: Operation[Any]) -> Inputs:
        """Return what the operation takes."""
        spec = self._document["paths"][operation.path][operation.method.lower()]
        parameters = map(self.resolve, spec.get("parameters", []))
        body = self.resolve(spec.get("requestBody", {}))
        content = body.get("content", {}).get("application/json")
        return Inputs(
            tuple(Parameter(p["name"], p["in"], p.get("required", False), p["schema"]) for p in parameters),
            content and self.resolve(content["schema"]),
        )

    def output(self, operation: Operation[Any]) -> Json:
        """Return the schema of what the operation answers when it succeeds."""
        spec = self._document["paths"][operation.path][operation.method.lower()]
        success = next(answer for status, answer in spec["responses"].items() if status.startswith("2"))
        schema: Json = self.resolve(success)["content"]["application/json"]["schema"]
        return self.resolve(schema)

    def resolve(self, node: Json) -> Json:
        """Follow a `$ref`, if this is one, to what it names."""
        while "$ref" in node:
            target: Any = self._document
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            node = target
        return node

    def type_names(self, schema: Json) -> list[str]:
        """Return every type that a schema admits, in its own order; empty when it admits all."""
        schema = self.resolve(schema)
        if "anyOf" in schema:
            return [name for option in schema["anyOf"] for name in self.type_names(option)]
        names = schema.get("type", [])
        return [names] if isinstance(names, str) else list(names)

    def problems(self, schema: Json, value: Any, loc: Location) -> Iterator[Problem]:
        """Yield where and why a value does not fit a schema."""
        schema = self.resolve(schema)
        if "anyOf" in schema:
            attempts = [list(self.problems(option, value, loc)) for option in schema["anyOf"]]
            if all(attempts):
                yield from attempts[0]
            return
        names = self.type_names(schema)
        if names and not any(_is_a(name, value) for name in names):
            yield Problem(loc, f"Input should be a valid {names[0]}", f"{names[0]}_type")
        elif "enum" in schema and value not in schema["enum"]:
            yield Problem(loc, f"Input should be {' or '.join(map(repr, schema['enum']))}", "enum")
        elif isinstance(value, str) and len(value) < schema.get("minLength", 0):
            yield Problem(loc, f"String should have at least {schema['minLength']} characters", "string_too_short")
        elif isinstance(value, list):
            yield from self._list_problems(schema, value, loc)
        elif isinstance(value, dict):
            yield from self._object_problems(schema, value, loc)
        elif isinstance(value, int | float):
            if value < schema.get("minimum", value):
                message = f"Input should be greater than or equal to {schema['minimum']}"
                yield Problem(loc, message, "greater_than_equal")
            if value > schema.get("maximum", value):
                yield Problem(loc, f"Input should be less than or equal to {schema['maximum']}", "less_than_equal")

    def _list_problems(self, schema: Json, value: list[Any], loc: Location) -> Iterator[Problem]:
        if len(value) < schema.get("minItems", 0):
            yield Problem(loc, f"List should have at least {schema['minItems']} items", "too_short")
        for index, item in enumerate(value):
            yield from self.problems(schema.get("items", {}), item, (*loc, index))

    def _object_problems(self, schema: Json, value: Json, loc: Location) -> Iterator[Problem]:
        properties: Json = schema.get("properties", {})
        for name in schema.get("required", []):
            if name not in value:
                yield Problem((*loc, name), "Field required", "missing")
        for name, item in value.items():
            rule = properties.get(name, schema.get("additionalProperties", True))
            if isinstance(rule, dict):
                yield from self.problems(rule, item, (*loc, name))
            elif not rule:
                yield Problem((*loc, name), "Extra inputs are not permitted", "extra_forbidden")

    def _words(self, name: str) -> dict[str, list[str]]:
        words: dict[str, list[str]] = self._schemas[name]["x-codegen"]["words"]
        return words


def _is_a(name: str, value: Any) -> bool:
    # JSON has one kind of number, and Python thinks that True is an int.
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[name])


@cache
def load_contract() -> Contract:
    """Return the contract that the package was generated from."""
    return Contract(json.loads(files("codegen_api").joinpath("contract.json").read_text("utf-8")))
