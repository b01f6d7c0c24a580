"""Read a contract with openapi-python-client and describe it for the templates in dataclasses of our own.

The generator's classes change with patch releases; no other file knows them.
"""

from __future__ import annotations

import copy
import json
import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openapi_python_client import strings
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.errors import GeneratorError, ParseError
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import AnyProperty, EnumProperty, ModelProperty
from openapi_python_client.parser.properties.const import ConstProperty
from openapi_python_client.parser.properties.date import DateProperty
from openapi_python_client.parser.properties.datetime import DateTimeProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.none import NoneProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.parser.properties.uuid import UuidProperty
from openapi_python_client.schema.untrusted_string import UntrustedString

from tools.load import Data, SpecError, each_operation, one_line, refusal, resolve

RESERVED_METADATA = "codegen_sdk"
"""The reserved key of metadata that the static module `reserved` knows."""

OPTIONS = {"self", "timeout", "extra_headers", "extra_query", "extra_body"}
"""Arguments of every generated method besides those of its operation."""

# Names that hide a builtin are fine as fields and arguments, and users know them from the API: `object`, `type`.
strings.RESERVED_WORDS -= {"object", "type"}
# Attributes of every model, and what annotations in generated modules name besides schemas.
strings.RESERVED_WORDS |= {"additional_properties", "auto_paging_iter", "from_dict", "keys", "to_dict"}
strings.RESERVED_WORDS |= {
    "Any", "AsyncIterator", "Enum", "Generic", "IntEnum", "Iterator", "Literal", "Mapping", "NotRequired", "Self",
    "Sequence", "StrEnum", "TypedDict", "UUID",
}  # fmt: skip

# The generator's own requests have no lists in headers and paths; ours do.
PropertyProtocol.validate_location = lambda *_: None  # type: ignore[method-assign]

_STYLES = {
    ("form", True): "",
    ("form", False): "comma",
    ("spaceDelimited", False): "space",
    ("pipeDelimited", False): "pipe",
    ("deepObject", True): "deep",
}
"""How a query parameter is written by its style and `explode`; every other combination is refused."""

_VALUES: dict[type, tuple[str, str]] = {
    DateProperty: ("datetime.date", "datetime.date.fromisoformat"),
    DateTimeProperty: ("datetime.datetime", "datetime.datetime.fromisoformat"),
    UuidProperty: ("UUID", "UUID"),
}
"""The annotation of a value that JSON has as a string, and what makes one of the string."""

_PLAIN = {"str", "int", "float", "bool", "Any"}


@dataclass
class Argument:
    """One argument of a method; `style` says how its value is written, "" as a plain value."""

    name: str
    python_name: str
    location: str
    type: str
    required: bool
    annotation: str
    default: str | None
    description: str
    minimum: float | None = None
    maximum: float | None = None
    style: str = ""
    nullable: bool = False


@dataclass
class Operation:
    """One operation with its policy and the annotations of what it returns, by status."""

    id: str
    method: str
    path: str
    tag: str
    service: str
    description: str
    policy: dict[str, Any]
    deprecated: bool
    results: list[tuple[int, str]]
    arguments: list[Argument]
    body: str | None
    stream: dict[str, str] | None = None

    @property
    def result(self) -> str:
        """The annotation of what the method returns."""
        return " | ".join(dict.fromkeys(annotation for _, annotation in self.results))

    @property
    def signature(self) -> list[Argument]:
        """The arguments in the order of the method: what must be given first, path before body before query.

        A field that only chooses the streamed response is not an argument; the stream has a method of its own.
        """
        order = {"path": 0, "body": 1, "content": 1, "query": 2, "header": 3}
        shown = [item for item in self.arguments if self.stream is None or item.name != self.stream["field"]]
        return sorted(shown, key=lambda item: (item.default is not None, order[item.location]))


@dataclass
class Field:
    """One field of a model; `options` are the arguments of its attrs `field()`."""

    python_name: str
    annotation: str
    description: str
    options: dict[str, str] = field(default_factory=dict)

    @property
    def assignment(self) -> str:
        """What follows the annotation in the class."""
        if not self.options.keys() - {"default"}:
            return f" = {self.options['default']}" if self.options else ""
        return f" = _field({', '.join(f'{name}={value}' for name, value in self.options.items())})"


@dataclass
class Model:
    """One schema with fields; `page` is the annotation of its items where an operation returns it in pages."""

    name: str
    module: str
    description: str
    fields: list[Field]
    page: str | None = None
    items: str = "items"


@dataclass
class Enum:
    """A closed set of values."""

    name: str
    description: str
    members: dict[str, str | int]

    @property
    def base(self) -> str:
        """The class that the enum extends."""
        return "IntEnum" if any(isinstance(value, int) for value in self.members.values()) else "StrEnum"


@dataclass
class OpenEnum:
    """A set to which the service adds values: members by name, wire values by member, terminal members."""

    name: str
    description: str
    words: dict[str, list[str]]
    terminal: list[str]

    @property
    def is_normalized(self) -> bool:
        """Whether the service has other words than the members' values."""
        return any(wire != [word] for word, wire in self.words.items())


@dataclass
class Parameter:
    """The TypedDict of a model that callers may give as a mapping: annotation and whether it is required, by key."""

    name: str
    model: str
    fields: dict[str, tuple[str, bool]]

    @property
    def is_class(self) -> bool:
        """Whether all keys are identifiers."""
        return all(key.isidentifier() and not keyword.iskeyword(key) for key in self.fields)


@dataclass
class Package:
    """All that the templates need to know about a contract."""

    operations: list[Operation] = field(default_factory=list)
    models: list[Model] = field(default_factory=list)
    enums: list[Enum] = field(default_factory=list)
    open_enums: list[OpenEnum] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    discriminators: dict[tuple[str, ...], tuple[str, dict[str, str]]] = field(default_factory=dict)

    @property
    def services(self) -> list[str]:
        """The names of the services, in alphabetical order."""
        return sorted({operation.service for operation in self.operations})

    @property
    def modules(self) -> dict[str, str]:
        """The module of each model."""
        return {model.name: model.module for model in self.models}

    def mentioned(self, described: Any) -> dict[str, list[str]]:
        """Return the classes that a description may mention, by the kind of module that has them."""
        words = set(re.findall(r"\w+", repr(described)))
        literals = {f"{enum.name}Literal" for enum in self.enums}
        return {
            "models": sorted(words & self.modules.keys()),
            "enums": sorted(words & {*(item.name for item in self.enums), *(item.name for item in self.open_enums)}),
            "parameters": sorted(words & {*(item.name for item in self.parameters), *literals}),
        }


def read(contract: Data) -> Package:
    """Return the description of a contract.

    Raises:
        SpecError: with all reasons why no client can be generated for it.

    """
    reader = _Reader(contract)
    try:
        package = reader.package()
    except (LookupError, StopIteration):  # what was refused is missing here
        if not reader.problems:
            raise
    if reader.problems:
        raise SpecError(*reader.problems)
    return package


def _text(value: Any) -> str:
    return str(value.get_untrusted_value() if isinstance(value, UntrustedString) else value or "").strip()


class _Reader:
    def __init__(self, contract: Data) -> None:
        self.problems: list[str] = []
        self._contract = _prepared(contract)
        self._schemas: Data = self._contract.get("components", {}).get("schemas", {})
        self._named = {_class_name(name): schema for name, schema in self._schemas.items()}
        self._operations = {
            str(strings.PythonIdentifier(str(operation.get("operationId")), "field_")): (path, method, operation)
            for path, method, operation in each_operation(self._contract)
        }
        self._data = self._parsed()
        self._models = {str(model.class_info.name): model for model in self._data.models}
        self._parameters: dict[str, Parameter] = {}
        self._discriminators: dict[tuple[str, ...], tuple[str, dict[str, str]]] = {}

    def _parsed(self) -> GeneratorData:
        config = Config.from_sources(ConfigFile(), MetaType.NONE, Path("openapi.yaml"), "utf-8", False, None)
        try:
            data = GeneratorData.from_dict(copy.deepcopy(self._contract), config=config)
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise SpecError(f"the contract cannot be read: {one_line(error)}") from error
        if isinstance(data, GeneratorError):
            raise SpecError(f"the contract cannot be read: {one_line(data.detail or data.header)}")
        problems = [*data.errors]
        for collection in data.endpoint_collections_by_tag.values():
            problems += collection.parse_errors
            for endpoint in collection.endpoints:
                problems += endpoint.errors
        self.problems += [_refused(problem) for problem in problems]
        return data

    def _refuse(self, endpoint: Endpoint, reason: str, *place: str) -> None:
        path, method, _ = self._operations[str(endpoint.name)]
        self.problems.append(refusal(("paths", path, method, *place), reason))

    def package(self) -> Package:
        package = Package()
        for schema in self._schemas.values():
            policy = schema.get("x-codegen", {})
            if "enum" in policy:
                shown = str(schema.get("description", ""))
                package.open_enums.append(OpenEnum(policy["enum"], shown, policy["words"], policy.get("terminal", [])))
            if policy.get("reserved", RESERVED_METADATA) != RESERVED_METADATA:
                self.problems.append(f"x-codegen.reserved is {policy['reserved']!r}, not {RESERVED_METADATA!r}")
        for enum in self._data.enums:
            values: dict[str, str | int] = dict(enum.values)  # type: ignore[arg-type]
            members = {name: _enum_value(value) for name, value in sorted(values.items())}
            package.enums.append(Enum(str(enum.class_info.name), _text(enum.description), members))
        package.models = [self._model(model) for model in self._data.models if not _is_mapping(model)]
        package.operations = [
            self._operation(endpoint)
            for collection in self._data.endpoint_collections_by_tag.values()
            for endpoint in collection.endpoints
        ]
        for operation in package.operations:
            self._mark_page(package, operation)
        package.parameters = [self._parameters[name] for name in sorted(self._parameters)]
        package.discriminators = self._discriminators
        self._refuse_doubled_names(package)
        return package

    def _refuse_doubled_names(self, package: Package) -> None:
        names = [*package.modules, *(enum.name for enum in package.enums), *(enum.name for enum in package.open_enums)]
        names += [*(item.name for item in package.parameters), *(f"{enum.name}Literal" for enum in package.enums)]
        for schema in self._schemas:
            if names.count(name := _class_name(schema)) > 1:
                entry = f"update: {{x-codegen: {{name: {schema}Model}}}}"
                self.problems.append(
                    refusal(("components", "schemas", schema), f"two classes would be called {name}", entry)
                )

    @staticmethod
    def _mark_page(package: Package, operation: Operation) -> None:
        if paging := operation.policy.get("paginate"):
            model = next(model for model in package.models if model.name == operation.results[0][1])
            name = strings.PythonIdentifier(paging["items"], "field_")
            items = next(item for item in model.fields if item.python_name == name)
            model.page, model.items = items.annotation.removeprefix("list[").rpartition("]")[0], items.python_name

    def _node(self, model: ModelProperty, name: str) -> Data:
        """Return the schema of a field with the keywords that the generator drops."""
        schema = self._named.get(str(model.class_info.name)) or _dumped(model.data)
        return dict(schema.get("properties", {}).get(name, {}))

    def _keywords(self, node: Data) -> Data:
        """Return `format`, `x-codegen` and the like of a schema, also where it refers to another or allows null."""
        found: Data = {}
        for candidate in (node, *node.get("anyOf", ()), *node.get("oneOf", ())):
            target = resolve(self._contract, candidate)
            if target.get("type") != "null":
                found.update(target)
        return found

    def _model(self, model: ModelProperty) -> Model:
        fields = [item for prop in _fields(model) for item in self._fields_of(model, prop)]
        fields.sort(key=lambda item: ("kw_only" in item.options, "default" in item.options))
        name = str(model.class_info.name)
        return Model(name, str(model.class_info.module_name), _text(model.description), fields)

    def _fields_of(self, model: ModelProperty, prop: PropertyProtocol) -> Iterator[Field]:
        name, python_name = _text(prop.name), str(prop.python_name)
        node = self._node(model, name)
        keywords = self._keywords(node)
        policy = keywords.get("x-codegen", {})
        open_enum = policy.get("enum")
        is_optional = not prop.required or bool(keywords.get("writeOnly"))
        annotation = f"{open_enum} | str" if open_enum else self._annotation(prop, node)
        annotation = _or_none(annotation, is_optional or _is_nullable(prop))
        options: dict[str, str] = {}
        default = _default(prop)
        if default is not None or is_optional:
            options["default"] = default or "None"
        if open_enum:
            options["converter"] = f"to_{strings.snake_case(open_enum)}"
        if keywords.get("format") == "password":
            options["repr"] = "False"
        if name != python_name:
            options["metadata"] = repr({"name": name})
        yield Field(python_name, annotation, _text(prop.description), options)
        if open_enum and any(wire != [word] for word, wire in policy["words"].items()):
            shown = "The word as the service sent it, before it was normalized."
            metadata = {"raw": python_name, "enum": open_enum}
            yield Field(f"raw_{python_name}", "str | None", shown, _keyword_only(metadata))
        if "reserved" in policy:
            shown = f"What this package keeps there under the key `{policy['reserved']}`."
            metadata = {"reserved": python_name}
            yield Field(f"reserved_{python_name}", "dict[str, Any] | None", shown, _keyword_only(metadata))

    def _annotation(self, prop: PropertyProtocol, node: Data, *, argument: bool = False) -> str:
        """Return the Python type without None of a property; `argument` also admits what a caller may give instead."""
        self._note_discriminator(prop, node)
        variants = [inner for inner in _variants(prop) if not isinstance(inner, NoneProperty)]
        names = [name for variant in variants for name in self._names(variant, node, argument)]
        if argument and "int" in names and _text(prop.name).endswith("_id"):
            names.append("str")
        return "Any" if "Any" in names else " | ".join(dict.fromkeys(names)) or "None"

    def _names(self, prop: PropertyProtocol, node: Data, argument: bool) -> list[str]:
        match prop:
            case ModelProperty() if _is_mapping(prop):
                inner, schema, values = prop.additional_properties, prop.data.additionalProperties, "Any"
                if inner is not None and schema is not None and not isinstance(schema, bool):
                    values = self._element(inner, _dumped(schema), argument)
                return [f"Mapping[str, {values}]" if argument and values != "Any" else f"dict[str, {values}]"]
            case ModelProperty():
                name = str(prop.class_info.name)
                return [name, self._parameter(prop)] if argument else [name]
            case EnumProperty():
                name = str(prop.class_info.name)
                return [name, f"{name}Literal"] if argument else [name, prop.value_type.__name__]
            case ListProperty():
                item = self._element(prop.inner_property, _items(resolve(self._contract, node)), argument)
                return [f"Sequence[{item}]" if argument and item not in _PLAIN else f"list[{item}]"]
            case ConstProperty():
                return [f"Literal[{prop.value.raw_value!r}]"]
            case DateProperty() | DateTimeProperty() | UuidProperty():
                return [_VALUES[type(prop)][0], *(["str"] if argument else [])]
            case AnyProperty():
                return ["Any"]
            case _:
                return [prop.get_type_string(no_optional=True).as_unembedded_code()]

    def _element(self, prop: PropertyProtocol, node: Data, argument: bool) -> str:
        return _or_none(self._annotation(prop, node, argument=argument), _is_nullable(prop))

    def _note_discriminator(self, prop: PropertyProtocol, node: Data) -> None:
        target = self._keywords(node)
        members = [variant for variant in _variants(prop) if isinstance(variant, ModelProperty)]
        if len(members) < 2 or not (key := (target.get("discriminator") or {}).get("propertyName")):
            return
        refs = [str(part.get("$ref", "")).rpartition("/")[2] for part in target.get("oneOf") or target["anyOf"]]
        names = {ref: _class_name(ref) for ref in refs if ref}
        mapping: dict[str, str] = {}
        for ref, name in names.items():
            tag = self._schemas.get(ref, {}).get("properties", {}).get(key, {})
            for value in tag.get("enum", [tag["const"]] if "const" in tag else [ref]):
                mapping[str(value)] = name
        for value, ref in (target["discriminator"].get("mapping") or {}).items():
            if member := names.get(ref.rpartition("/")[2]):
                mapping[str(value)] = member
        self._discriminators[tuple(sorted(set(names.values())))] = (key, mapping)

    def _parameter(self, model: ModelProperty) -> str:
        """Return the name of a model's TypedDict, which is described when it is first named."""
        name = str(model.class_info.name)
        parameter = Parameter(f"{name}Param", name, {})
        if name not in self._parameters:
            self._parameters[name] = parameter
            for prop, node in self._written(model):
                annotation = self._annotation(prop, node, argument=True)
                annotation = _or_none(annotation, not prop.required or _is_nullable(prop))
                parameter.fields[_text(prop.name)] = annotation, prop.required and prop.default is None
        return parameter.name

    def _written(self, model: ModelProperty) -> list[tuple[PropertyProtocol, Data]]:
        """Return the fields that callers give, with their schemas."""
        model = self._models.get(str(model.class_info.name), model)
        nodes = [(prop, self._node(model, _text(prop.name))) for prop in _fields(model)]
        return [(prop, node) for prop, node in nodes if not self._keywords(node).get("readOnly")]

    def _operation(self, endpoint: Endpoint) -> Operation:
        path, _, operation = self._operations[str(endpoint.name)]
        policy = operation["x-codegen"]
        arguments = self._arguments(endpoint, operation, path)
        body = endpoint.bodies[0].prop if endpoint.bodies else None
        return Operation(
            id=str(endpoint.name),
            method=endpoint.method.upper(),
            path=path,
            tag=str(endpoint.tags[0]),
            service=policy["service"],
            description=str(operation["description"]).strip(),
            policy=policy,
            deprecated=bool(operation.get("deprecated")),
            results=self._results(endpoint, operation),
            arguments=_distinct(arguments),
            body=str(body.class_info.name) if isinstance(body, ModelProperty) and not _is_mapping(body) else None,
            stream=policy.get("stream"),
        )

    def _results(self, endpoint: Endpoint, operation: Data) -> list[tuple[int, str]]:
        results: dict[int, str] = {}
        nodes = {str(code).upper(): resolve(self._contract, node) for code, node in operation["responses"].items()}
        for response in endpoint.responses.patterns:
            low, _ = response.status_code.range or (0, 0)
            if not 200 <= low < 300:
                continue
            node = nodes.get(str(low)) or nodes.get("2XX") or {}
            content = node.get("content") or {}
            media = next((value for kind, value in content.items() if "json" in kind.lower()), None)
            if content and media is None:
                reason = f"the response {low} is not JSON but {', '.join(content)}"
                self._refuse(endpoint, reason, "responses", str(low), "content")
            elif media is None:
                results[low] = "None"
            else:
                results[low] = self._element(response.prop, media.get("schema", {}), argument=False)
        return list(results.items()) or [(200, "Any")]

    def _arguments(self, endpoint: Endpoint, operation: Data, path: str) -> list[Argument]:
        raw = (*self._contract["paths"][path].get("parameters", ()), *operation.get("parameters", ()))
        nodes = {(node["in"], node["name"]): node for node in (resolve(self._contract, node) for node in raw)}
        for place, name in nodes:
            if place == "cookie":
                reason = f"the cookie parameter {name} cannot be sent"
                self._refuse(endpoint, reason, "parameters", f"?@.name=='{name}'")

        def described(place: str, props: list[Any]) -> list[Argument]:
            return [self._parameter_of(endpoint, prop, nodes[place, _text(prop.name)]) for prop in props]

        query = [*described("query", endpoint.query_parameters), *described("header", endpoint.header_parameters)]
        return [*described("path", endpoint.path_parameters), *self._body(endpoint, operation), *query]

    def _parameter_of(self, endpoint: Endpoint, prop: PropertyProtocol, node: Data) -> Argument:
        place = node["in"]
        named = node.get("style", "form" if place == "query" else "simple")
        explode = bool(node.get("explode", named == "form"))
        kind = _type(self._keywords(node.get("schema", {})))
        style: str | None = "" if named == "simple" and not (explode and kind == "object") else None
        if "content" in node:
            style = "json"
        elif place == "query":
            style = _STYLES.get((named, explode))
        if style is None:
            reason = f"the parameter {node['name']} has style {named} with explode {explode}, which no client writes"
            self._refuse(endpoint, reason, "parameters", f"?@.name=='{node['name']}'")
        return self._argument(prop, place, node.get("schema", {}), node, style or "")

    def _argument(self, prop: PropertyProtocol, location: str, schema: Data, outer: Data, style: str = "") -> Argument:
        keywords = self._keywords(schema)
        default = _default(prop, is_argument=True) or (None if prop.required else "None")
        annotation = self._annotation(prop, schema, argument=True)
        annotation = _or_none(annotation, default == "None" or _is_nullable(prop))
        return Argument(
            name=_text(prop.name),
            python_name=str(prop.python_name),
            location=location,
            type=_type(keywords),
            required=prop.required,
            annotation=annotation,
            default=default,
            description=str(outer.get("description") or keywords.get("description", "")).strip(),
            minimum=keywords.get("minimum"),
            maximum=keywords.get("maximum"),
            style=style,
            nullable=prop.required and location == "body" and _is_nullable(prop),
        )

    def _body(self, endpoint: Endpoint, operation: Data) -> list[Argument]:
        if not endpoint.bodies:
            return []
        body = resolve(self._contract, operation["requestBody"])
        kind, media = next(iter(body["content"].items()))
        if "json" not in kind.lower():
            self._refuse(endpoint, f"the request body is not JSON but {kind}")
            return []
        prop, schema = endpoint.bodies[0].prop, media.get("schema", {})
        if isinstance(prop, ModelProperty) and not _is_mapping(prop):
            return [self._argument(field_, "body", node, node) for field_, node in self._written(prop)]
        whole = self._argument(prop, "content", schema, {"description": "The JSON body."})
        whole.name = whole.python_name = "body"
        whole.required = bool(body.get("required"))
        whole.default = None if whole.required else "None"
        return [whole]


def _prepared(contract: Data) -> Data:
    """Return a copy in which `allOf` is put together and parameters with content have a schema, as the parser needs."""
    prepared = copy.deepcopy(contract)

    def visit(node: Any) -> Any:
        if isinstance(node, list):
            return [visit(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "in" in node and "name" in node and "schema" not in node and isinstance(node.get("content"), dict):
            node = {**node, "schema": next(iter(node["content"].values())).get("schema", {})}
        if isinstance(node.get("allOf"), list):
            node = _flattened(prepared, node)
        if isinstance(node.get("default"), (list, dict)):
            node = {key: value for key, value in node.items() if key != "default"}
        return {key: visit(value) for key, value in node.items() if key != "title" or not isinstance(value, str)}

    prepared["paths"] = visit(prepared["paths"])
    prepared["components"] = visit(prepared.get("components", {}))
    return prepared


def _flattened(contract: Data, schema: Data) -> Data:
    parts = [_flattened(contract, resolve(contract, part)) for part in schema.get("allOf", ())]
    own = {key: value for key, value in schema.items() if key != "allOf"}
    if not parts:
        return own
    if len(parts) == 1 and "$ref" in schema["allOf"][0] and not own.keys() & {"properties", "required"}:
        return {**own, "anyOf": schema["allOf"]}  # a reference with a description of its own
    properties: Data = {}
    required: list[str] = []
    merged: Data = {}
    for part in (*parts, own):
        properties |= part.get("properties", {})
        required += part.get("required", [])
        merged |= part
    if properties:
        merged |= {"type": "object", "properties": properties, "required": list(dict.fromkeys(required))}
    return merged


def _class_name(schema: str) -> str:
    return str(strings.ClassName(schema, "field_"))


def _refused(problem: ParseError) -> str:
    """Word a problem of the generator, which says where only in prose."""
    reason = one_line(f"{problem.header} {problem.detail or ''}")
    if found := re.search(r"parsing (\w+) (\S+) within", problem.header):
        return refusal(("paths", found[2], found[1].lower()), reason)
    if found := re.search(r"/components/(\w+)/(\S+)", reason):
        return refusal(("components", found[1], found[2]), reason)
    return reason


def _is_mapping(prop: PropertyProtocol) -> bool:
    """Whether a schema has no fields of its own: such an object is a plain dict in Python, not a class."""
    return isinstance(prop, ModelProperty) and not (prop.data.properties or prop.data.allOf)


def _fields(model: ModelProperty) -> list[PropertyProtocol]:
    return [*(model.required_properties or []), *(model.optional_properties or [])]


def _variants(prop: PropertyProtocol) -> list[PropertyProtocol]:
    if not isinstance(prop, UnionProperty):
        return [prop]
    return [variant for inner in prop.inner_properties for variant in _variants(inner)]


def _is_nullable(prop: PropertyProtocol) -> bool:
    return any(isinstance(variant, NoneProperty | AnyProperty) for variant in _variants(prop))


def _or_none(annotation: str, is_optional: bool) -> str:
    return f"{annotation} | None" if is_optional and annotation not in {"Any", "None"} else annotation


def _dumped(schema: Any) -> Data:
    return dict(schema.model_dump(mode="json", by_alias=True, exclude_unset=True))


def _items(node: Data) -> Data:
    for candidate in (node, *node.get("anyOf", ()), *node.get("oneOf", ())):
        if "items" in candidate:
            return dict(candidate["items"])
    return {}


def _type(schema: Data) -> str:
    kinds = schema.get("type", "")
    if isinstance(kinds, list):
        kinds = [kind for kind in kinds if kind != "null"]
        kinds = kinds[0] if len(kinds) == 1 else ""
    branches = [branch for branch in (*schema.get("anyOf", ()), *schema.get("oneOf", ())) if branch != {"type": "null"}]
    if len(branches) > 1:
        return ""
    return str(kinds)


def _keyword_only(metadata: dict[str, str]) -> dict[str, str]:
    return {"default": "None", "kw_only": "True", "metadata": repr(metadata)}


def _enum_value(value: str | int) -> str | int:
    """Return the value itself of what the generator has escaped for a literal in double quotes."""
    return str(json.loads(f'"{value}"')) if isinstance(value, str) else value


def _default(prop: PropertyProtocol, *, is_argument: bool = False) -> str | None:
    """Return the default of a property as Python source."""
    if prop.default is None:
        return None
    value = prop.default.raw_value
    for variant in _variants(prop) if not is_argument else ():
        if isinstance(variant, EnumProperty):
            return f"{variant.class_info.name}({value!r})"
        if type(variant) in _VALUES:
            return f"{_VALUES[type(variant)][1]}({str(value)!r})"
    return repr(value) if isinstance(value, str | int | float | bool) else prop.default.python_code.as_unembedded_code()


def _distinct(arguments: list[Argument]) -> list[Argument]:
    """Give an argument that is called like an option or like another argument a name of its own."""
    taken = set(OPTIONS)
    for argument in arguments:
        if argument.python_name in taken:
            other = f"{argument.python_name}_{argument.location}"
            argument.python_name = f"{argument.python_name}_" if argument.python_name in OPTIONS else other
        taken.add(argument.python_name)
    return arguments
