"""What the templates ask about a property: its annotation, how to decode it from JSON and how to encode it again.

The generator's own macros write statements that know `UNSET`; these write expressions in which absent is None.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import frozen
from openapi_python_client.parser.properties.any import AnyProperty
from openapi_python_client.parser.properties.datetime import DateTimeProperty
from openapi_python_client.parser.properties.enum_property import EnumProperty
from openapi_python_client.parser.properties.int import IntProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.model_property import ModelProperty
from openapi_python_client.parser.properties.none import NoneProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.strings import in_double_quote_literal, safe_for_docstring, snake_case

_JSON_TYPES = {"boolean": "bool", "integer": "int", "number": "float", "string": "str"}


def is_mapping(prop: PropertyProtocol) -> bool:
    """Whether a schema has no fields of its own: such an object is a plain dict in Python, not a class."""
    return isinstance(prop, ModelProperty) and not (prop.data.properties or prop.data.allOf)


def fields(model: ModelProperty) -> list[PropertyProtocol]:
    """The fields of a model, required ones first."""
    return [*(model.required_properties or []), *(model.optional_properties or [])]


def mapping_annotation(prop: ModelProperty) -> str:
    """The type of a free-form object, from the schema of its values."""
    kind = getattr(prop.data.additionalProperties, "type", None)
    return f"dict[str, {_JSON_TYPES.get(kind, 'Any') if isinstance(kind, str) else 'Any'}]"


def is_nullable(prop: PropertyProtocol) -> bool:
    """Whether null is one of the values that the schema allows."""
    return isinstance(prop, NoneProperty | AnyProperty) or (
        isinstance(prop, UnionProperty) and any(is_nullable(inner) for inner in prop.inner_properties)
    )


def _variants(prop: PropertyProtocol) -> list[PropertyProtocol]:
    inner = prop.inner_properties if isinstance(prop, UnionProperty) else [prop]
    return [variant for variant in inner if not isinstance(variant, NoneProperty)]


def annotation(prop: PropertyProtocol, *, argument: bool = False) -> str:
    """The Python type of a property without its None; `argument` also admits what a caller may pass instead."""
    is_id = argument and prop.name.get_untrusted_value().endswith("_id")
    names = dict.fromkeys(name for variant in _variants(prop) for name in _annotations(variant, argument, is_id))
    return "Any" if "Any" in names else " | ".join(names) or "None"


def _annotations(prop: PropertyProtocol, argument: bool, is_id: bool) -> list[str]:
    match prop:
        case ModelProperty() if is_mapping(prop):
            return [mapping_annotation(prop)]
        case ModelProperty():
            return [str(prop.class_info.name), *(["Mapping[str, Any]"] if argument else [])]
        case EnumProperty():
            return [str(prop.class_info.name), "str"]
        case ListProperty():
            inner = annotation(prop.inner_property, argument=argument)
            return [f"Sequence[{inner}]" if argument and "Mapping" in inner else f"list[{inner}]"]
        case IntProperty() if is_id:
            return ["int", "str"]
        case _:
            return [prop.get_type_string(no_optional=True).as_unembedded_code()]


def decode(prop: PropertyProtocol, source: str, depth: int = 0) -> str:
    """An expression that turns the JSON value `source`, which is not None, into the attribute's value."""
    for variant in _variants(prop):
        match variant:
            case ModelProperty() if not is_mapping(variant):
                if len(_variants(prop)) > 1:
                    others = (
                        f"{variant.class_info.name}.from_dict({source}) if isinstance({source}, dict) else {source}"
                    )
                    return f"({others})"
                return f"{variant.class_info.name}.from_dict({source})"
            case ListProperty():
                item = f"item{depth or ''}"
                inner = decode(variant.inner_property, item, depth + 1)
                return source if inner == item else f"[{inner} for {item} in as_list({source})]"
            case EnumProperty():
                return f"known({variant.class_info.name}, {source})"
            case DateTimeProperty():
                return f"parse_timestamp({source})"
    return source


def encode(prop: PropertyProtocol, source: str) -> str:
    """An expression that turns the attribute `source`, which is not None, into what json.dumps takes."""
    for variant in _variants(prop):
        match variant:
            case ModelProperty() if not is_mapping(variant):
                return f"encode({source})"
            case ListProperty():
                inner = encode(variant.inner_property, "item")
                return source if inner == "item" else f"[{inner} for item in {source}]"
            case EnumProperty():
                return f"str({source})"
            case DateTimeProperty():
                return f"{source}.isoformat()"
    return source


def _referenced(prop: PropertyProtocol) -> Iterator[ModelProperty | EnumProperty]:
    match prop:
        case UnionProperty():
            for inner in prop.inner_properties:
                yield from _referenced(inner)
        case ListProperty():
            yield from _referenced(prop.inner_property)
        case EnumProperty():
            yield prop
        case ModelProperty() if not is_mapping(prop):
            yield prop


def referenced(*props: PropertyProtocol | None) -> list[ModelProperty | EnumProperty]:
    """The models and enums that properties mention, each once, by class name."""
    found = {str(item.class_info.name): item for prop in props if prop is not None for item in _referenced(prop)}
    return [found[name] for name in sorted(found)]


def keywords(document: dict[str, Any], schema_name: str, field: str) -> dict[str, Any]:
    """The keywords of one field that the generator drops, with those of a schema that the field refers to.

    Returns a dict that may have `format` and `x-codegen`.
    """
    schemas = document["components"]["schemas"]
    node = schemas.get(schema_name, {}).get("properties", {}).get(field, {})
    found: dict[str, Any] = {}
    for candidate in (node, *node.get("anyOf", ())):
        target = schemas.get(candidate.get("$ref", "").rpartition("/")[2], {})
        for source in (candidate, target):
            found.update({key: source[key] for key in ("format", "x-codegen") if key in source})
    return found


@frozen
class ModelField:
    """One field of a model as the template writes it."""

    python_name: str
    key: str
    annotation: str
    default: str
    description: str
    decoded: str
    encoded: str
    always_sent: bool
    raw_word: bool
    reserved: str | None


class Models:
    """All models of a document: how their fields are written, and which model mentions which."""

    def __init__(self, document: dict[str, Any], models: list[ModelProperty]) -> None:
        self._document = document
        self._edges = {str(model.class_info.name): self._targets(model) for model in models}
        self.open_enums = [
            schema for schema in document["components"]["schemas"].values() if "enum" in schema.get("x-codegen", {})
        ]
        policies = [schema.get("x-codegen", {}) for schema in document["components"]["schemas"].values()]
        self.reserved_metadata = next(
            (policy["reserved"] for policy in policies if "reserved" in policy), "codegen_sdk"
        )
        self._normalised = {
            schema["x-codegen"]["enum"]
            for schema in self.open_enums
            if any(wire != [word] for word, wire in schema["x-codegen"]["words"].items())
        }

    @staticmethod
    def _targets(model: ModelProperty) -> set[str]:
        return {str(item.class_info.name) for item in referenced(*fields(model)) if isinstance(item, ModelProperty)}

    def cyclic(self, model: ModelProperty) -> list[ModelProperty | EnumProperty]:
        """The mentioned models that lead back to `model`, so that importing them at the top would be a cycle."""
        return [item for item in referenced(*fields(model)) if self._leads(str(item.class_info.name), model)]

    def acyclic(self, model: ModelProperty) -> list[ModelProperty | EnumProperty]:
        """The mentioned models and enums that may be imported at the top."""
        return [item for item in referenced(*fields(model)) if not self._leads(str(item.class_info.name), model)]

    def _leads(self, start: str, model: ModelProperty) -> bool:
        goal, seen, ahead = str(model.class_info.name), set[str](), [start]
        while ahead:
            name = ahead.pop()
            if name == goal:
                return True
            if name not in seen:
                seen.add(name)
                ahead.extend(self._edges.get(name, ()))
        return False

    def fields(self, model: ModelProperty) -> list[ModelField]:
        """The fields of a model in the order of its constructor."""
        written = [self._field(str(model.class_info.name), prop) for prop in fields(model)]
        return sorted(written, key=lambda item: item.default != "")

    def _field(self, model: str, prop: PropertyProtocol) -> ModelField:
        key = in_double_quote_literal(prop.name)
        pop = f'd.pop("{key}")' if prop.required else f'd.pop("{key}", None)'
        extra = keywords(self._document, model, prop.name.get_untrusted_value())
        open_enum = extra.get("x-codegen", {}).get("enum")
        optional = not prop.required or is_nullable(prop)
        python_name = str(prop.python_name)
        source = f"self.{python_name}"
        kind = f"{open_enum} | str" if open_enum else annotation(prop)
        options = {"converter": f"to_{snake_case(open_enum)}"} if open_enum else {}
        if extra.get("format") == "password":
            options["repr"] = "False"
        default = ""
        if prop.default is not None:
            default = prop.default.python_code.as_unembedded_code()
        elif not prop.required:
            default = "None"
        if options:
            options = {**({"default": default} if default else {}), **options}
            assignment = f" = field({', '.join(f'{name}={value}' for name, value in options.items())})"
        else:
            assignment = f" = {default}" if default else ""
        raw_word = open_enum in self._normalised
        reserved = extra.get("x-codegen", {}).get("reserved")
        encoded = encode(prop, source)
        if prop.required and is_nullable(prop) and encoded != source:
            encoded = f"None if {source} is None else {encoded}"
        if reserved:
            decoded = f"without_reserved(value := {pop})"
            encoded = f"with_reserved({source}, self.reserved_{python_name})"
        elif raw_word:
            encoded = f"self.raw_{python_name} or str({source})"
            decoded = f"(raw_{python_name} := {pop})"
        elif open_enum or decode(prop, "value") == "value":
            decoded = pop
        elif optional:
            decoded = f"None if (value := {pop}) is None else {decode(prop, 'value')}"
        else:
            decoded = decode(prop, pop)
        return ModelField(
            python_name=python_name,
            key=key,
            annotation=kind if kind in {"Any", "None"} or not optional else f"{kind} | None",
            default=assignment,
            description=safe_for_docstring(prop.description or ""),
            decoded=decoded,
            encoded=encoded,
            always_sent=prop.required,
            raw_word=raw_word,
            reserved=reserved,
        )
