"""JSON values of a schema, for property-based tests."""

import datetime
from typing import Any

from hypothesis import strategies as st

from tools.load import Data, resolve

from ..support.text import any_text

FREE = st.recursive(
    st.none() | st.booleans() | st.integers() | any_text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(any_text(max_size=3), inner, max_size=2),
    max_leaves=3,
)
FORMATS: dict[Any, st.SearchStrategy[Any]] = {
    "date": st.dates().map(datetime.date.isoformat),
    "date-time": st.datetimes(timezones=st.just(datetime.UTC)).map(datetime.datetime.isoformat),
    "uuid": st.uuids().map(str),
}
SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    "string": any_text(max_size=3),
    "integer": st.integers(),
    "number": st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "null": st.none(),
}


def of(contract: Data, schema: Data, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a schema; fields that the contract does not require are left out instead of being null."""
    if "enum" in (schema := resolve(contract, schema)):
        return st.sampled_from(schema["enum"]) | st.from_type({str: str, int: int}[type(schema["enum"][0])])
    if "const" in schema:
        return st.just(schema["const"])
    if branches := schema.get("anyOf", schema.get("oneOf")):
        return st.one_of(*(of(contract, branch, depth) for branch in branches))
    kinds = schema.get("type", "any" if "allOf" not in schema else "object")
    if isinstance(kinds, list):
        return st.one_of(*(of(contract, {**schema, "type": kind}, depth) for kind in kinds))
    if kinds == "array":
        return st.lists(of(contract, schema["items"], depth), max_size=2)
    if kinds != "object":
        return SCALARS.get(kinds, FREE) if "format" not in schema else FORMATS.get(schema["format"], SCALARS[kinds])
    return _objects(contract, schema, depth)


def _objects(contract: Data, schema: Data, depth: int) -> st.SearchStrategy[Any]:
    parts = [resolve(contract, part) for part in schema.get("allOf", ())] + [schema]
    fields = {name: node for part in parts for name, node in part.get("properties", {}).items()}
    required = {name for part in parts for name in part.get("required", ())}
    if not fields:
        values = schema.get("additionalProperties", True)
        if values is not True and depth > 2:
            return st.just({})
        inner = FREE if values is True else of(contract, values, depth + 1)
        return st.dictionaries(any_text(max_size=3), inner, max_size=2)
    kept = {name: node for name, node in fields.items() if name in required or depth < 2}
    strategies = {name: st.deferred(lambda node=node: of(contract, node, depth + 1)) for name, node in kept.items()}
    return st.fixed_dictionaries(
        {name: strategy for name, strategy in strategies.items() if name in required},
        optional={
            name: strategy.filter(lambda value: value is not None)
            for name, strategy in strategies.items()
            if name not in required and kept[name] != {"type": "null"}
        },
    )
