"""Decode the JSON of responses into models and encode models as JSON.

A decoder is compiled for each class from its attrs fields when it is first used, and checks what the contract promises.
Unknown fields and unknown values of enums survive, and a field that is absent is None.
"""

from __future__ import annotations

import datetime
import json
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, Union, cast, get_args, get_origin

from . import enums, models, reserved
from .errors import InvalidModel

if TYPE_CHECKING:
    from uuid import UUID

    from .table import Operation

T = TypeVar("T")
Decoder = Callable[[Any], Any]
_Data = dict[str, Any]


class Model:
    """Base of every generated model: an attrs class that reads like a mapping and is made from JSON."""

    __slots__ = ()

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        return cast("Self", decoder(cls)(src_dict))

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it is sent: optional fields that are None left out, unknown fields kept."""
        return _to_dict(self)

    def dict(self) -> dict[str, Any]:
        """Return every field by its name as plain JSON values; absent fields are None, unknown fields are kept."""
        return {name: _plain(self[name]) for name in self.keys()}

    def keys(self) -> Iterable[str]:
        """Return the names of all fields, so that `dict(model)` works; `dict()` converts nested models as well."""
        names = [name for name in _names(type(self)) if not name.startswith("reserved_")]
        names.remove("additional_properties")
        extra: dict[str, Any] = self.additional_properties  # type: ignore[attr-defined]
        return [*(name for name in extra if name not in names), *names]

    def __getitem__(self, key: str) -> Any:
        """Return a field by its name, also one that the contract does not know; raises KeyError for neither."""
        try:
            return getattr(self, key)
        except AttributeError:
            raise KeyError(key) from None

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and hasattr(self, key)

    if not TYPE_CHECKING:
        __iter__ = None
        """Only pages are iterable; without this Python would try the indexes from 0."""

        # Hidden from type checkers, so that a misspelt field is still an error in the editor.
        def __getattr__(self, name: str) -> Any:
            if not name.startswith("_") and name != "additional_properties" and name in self.additional_properties:
                return self.additional_properties[name]
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Let pydantic validate and serialize the model, for instance as FastAPI's response model."""
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls._validated(value),
            serialization=core_schema.plain_serializer_function_ser_schema(Model.dict),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> _Data:
        """Describe the model in the OpenAPI document of the application that uses it."""
        return {"type": "object", "title": cls.__name__, "description": cls.__doc__, "additionalProperties": True}

    @classmethod
    def _validated(cls, value: Any) -> Self:
        try:
            return cls.from_dict(value)
        except InvalidModel as error:
            raise ValueError(str(error)) from error


def decode(operation: Operation[T], status: int, body: bytes) -> T:
    """Return the model of a successful response; None where the contract has no body for the status.

    Raises:
        InvalidModel: when the body is not JSON or does not fit the model.

    """
    annotation = operation.results[0][1]
    if len(operation.results) > 1:
        annotation = dict(operation.results).get(status, annotation)
    if annotation == "None" or (not body and annotation == "Any"):
        return cast("T", None)
    try:
        value = json.loads(body)
        return cast("T", _annotated(annotation)(value))
    except RecursionError:
        raise InvalidModel(operation.id, "the body is not valid JSON: it is nested too deeply") from None
    except _Unfit as error:
        raise InvalidModel(operation.id, str(error)) from None
    except ValueError as error:  # its `doc` or `object` has the whole body, in which anything may stand
        raise InvalidModel(operation.id, f"the body is not valid JSON: {error}") from None


def encode(value: Any) -> Any:
    """Return a value as plain JSON data: models as they are sent, enums, dates and UUIDs as their JSON form."""
    kind = value.__class__
    if kind is str or kind is int or value is None:
        return value
    match value:
        case Model():
            return value.to_dict()
        case Enum():
            return value.value
        case datetime.datetime():
            return (value if value.tzinfo else value.replace(tzinfo=datetime.UTC)).isoformat()
        case datetime.date():
            return value.isoformat()
        case Mapping():
            return {key: encode(item) for key, item in value.items()}
        case list() | tuple():
            return [encode(item) for item in value]
    return str(value) if is_uuid(value) else value


def is_uuid(value: Any) -> bool:
    """Say whether a value is a UUID, without importing their module, which costs time and few contracts need."""
    return "uuid" in sys.modules and isinstance(value, sys.modules["uuid"].UUID)


def parse_timestamp(text: str) -> datetime.datetime:
    """Return an aware datetime; a text without offset is UTC.

    Raises:
        ValueError: if neither datetime.fromisoformat nor python-dateutil can read the text.

    """
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        from dateutil.parser import parse

        moment = parse(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def decoder(cls: type[Any]) -> Decoder:
    """Return the function that builds a model of this class from a decoded JSON object."""
    found = _decoders.get(cls)
    if found is None:
        found = _decoders[cls] = _compiled(cls)
    return found


_decoders: dict[Any, Decoder] = {}
"""Compiled functions by class, and by the annotation of what operations return."""


def _annotated(annotation: str) -> Decoder:
    found = _decoders.get(annotation)
    if found is None:
        scope = _Scope()
        code = f"lambda value: {scope.expression(_resolved(annotation, {}), 'value')}"
        found = _decoders[annotation] = eval(code, scope.values)
    return found


class _Unfit(ValueError):
    """A value does not have the type that the contract promises."""


class _Names(dict[str, Any]):
    """What annotations name: models and enums, which are imported when they are looked up."""

    def __missing__(self, name: str) -> Any:
        if name == "UUID":
            from uuid import UUID

            return UUID
        try:
            return getattr(models, name)
        except AttributeError:
            if name in vars(enums):
                return vars(enums)[name]
            raise KeyError(name) from None


_NAMES = _Names(Any=Any, Literal=Literal, datetime=datetime)


def _resolved(annotation: Any, scope: dict[str, Any]) -> Any:
    return eval(annotation, scope, _NAMES) if isinstance(annotation, str) else annotation


def _names(cls: type[Any]) -> list[str]:
    return [field.name for field in cls.__attrs_attrs__]


def _compiled(cls: type[Any]) -> Decoder:
    """Compile the decoder of a class; a value that does not fit is found by the first field that was not set."""
    scope = _Scope()
    fields = {field.name: field for field in cls.__attrs_attrs__}
    raw = {field.metadata["raw"]: name for name, field in fields.items() if "raw" in field.metadata}
    kept = {field.metadata["reserved"]: name for name, field in fields.items() if "reserved" in field.metadata}
    keys = {}
    body = []
    for name, field in fields.items():
        if name == "additional_properties" or name in raw.values() or name in kept.values():
            continue
        key = keys[name] = field.metadata.get("name", name)
        annotation = _resolved(field.type, vars(sys.modules[cls.__module__]))
        is_required = field.default is _nothing()
        body.append(f"v = d[{key!r}]" if is_required else f"v = get({key!r})")
        if name in raw:
            body.append(f"self.{raw[name]} = v")
        body += scope.statements(annotation, is_optional=not is_required)
        if name in kept:
            body.append(f"self.{kept[name]} = None")
            body.append(f"if v is not None and reserved in v: v, self.{kept[name]} = divide(v)")
        body.append(f"self.{name} = v")
    scope.values.update(
        cls=cls,
        new=object.__new__,
        known=frozenset(keys.values()),
        failed=lambda self, d, error: _failure(cls, keys, self, d, error),
        reserved=reserved.RESERVED_METADATA,
        divide=reserved.divide,
    )
    lines = [
        "def decode(d):",
        f"    if d.__class__ is not dict: d = as_object({cls.__name__!r}, d)",
        "    self = new(cls)",
        "    get = d.get",
        "    try:",
        *(f"        {line}" for line in body or ["pass"]),
        "    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:",
        "        raise failed(self, d, error) from None",
        "    self.additional_properties = "
        "{} if known.issuperset(d) else {k: v for k, v in d.items() if k not in known}",
        "    return self",
    ]
    exec("\n".join(lines), scope.values)
    return cast("Decoder", scope.values["decode"])


def _nothing() -> Any:
    from attrs import NOTHING

    return NOTHING


def _failure(cls: type[Any], keys: dict[str, str], model: Any, data: Any, error: Exception) -> InvalidModel:
    key = next((key for name, key in keys.items() if not hasattr(model, name)), "")
    if isinstance(error, KeyError) and key not in data:
        return InvalidModel(cls.__name__, f"the required field {key!r} is missing")
    return InvalidModel(cls.__name__, f"{key}: {error}")


class _Scope:
    """The names that a compiled function uses."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {
            "as_object": _as_object, "as_list": _as_list, "as_map": _as_map, "conform": _conform,
            "moment": _moment, "day": _day, "UUID": _uuid, "int": int, "str": str, "bool": bool,
        }  # fmt: skip

    def _add(self, value: Any) -> str:
        name = f"x{len(self.values)}"
        self.values[name] = value
        return name

    def statements(self, annotation: Any, *, is_optional: bool) -> list[str]:
        """Return the statements that check and convert `v`."""
        kinds, rest = _split(annotation)
        guard = "v is not None and " if is_optional or type(None) in kinds else ""
        kinds.discard(type(None))
        if rest:
            code = self.expression(annotation, "v")
            if code.startswith("None if v is None else "):
                return [f"if v is not None: v = {code.removeprefix('None if v is None else ')}"]
            return [f"if v is not None: v = {code}"] if guard else [f"v = {code}"]
        if Any in kinds:
            return []
        classes = self._add(tuple(kinds))
        test = f"v.__class__ is not {kinds.pop().__name__}" if len(kinds) == 1 else f"v.__class__ not in {classes}"
        return [f"if {guard}{test}: v = conform(v, {classes})"]

    def expression(self, annotation: Any, value: str) -> str:
        """Return an expression that checks and converts what the expression `value` names."""
        kinds, rest = _split(annotation)
        if Any in kinds:
            return value
        none = f"None if {value} is None else " if type(None) in kinds else ""
        kinds.discard(type(None))
        if not rest:
            return f"{none}conform({value}, {self._add(tuple(kinds))})"
        if len(rest) + len(kinds) == 1 or (len(rest) == 1 and _is_enum(rest[0])):
            return none + self._single(rest[0], value)
        return f"{none}{self._add(self._union(rest, tuple(kinds)))}({value})"

    def _single(self, annotation: Any, value: str) -> str:
        origin, arguments = get_origin(annotation), get_args(annotation)
        item = f"{value}_"
        if origin is list:
            inner = self.expression(arguments[0], item)
            return f"[{inner} for {item} in ({value} if {value}.__class__ is list else as_list({value}))]"
        if origin is dict:
            inner = self.expression(arguments[1], item)
            return f"{{{item}k: {inner} for {item}k, {item} in as_map({value}).items()}}"
        if origin is Literal:
            return f"{self._add(_Table({option: option for option in arguments}, _not_literal))}[{value}]"
        if annotation in _CONVERTERS:
            return f"{_CONVERTERS[annotation]}({value})"
        if getattr(annotation, "__name__", "") == "UUID":
            return f"UUID({value})"
        if _is_enum(annotation):
            return f"{self._add(_table(annotation))}[{value}]"
        return f"{self._model(annotation)}({value})"

    def _model(self, cls: type[Any]) -> str:
        """Bind the decoder of a model when it is first called, so that models may contain themselves."""
        name = f"x{len(self.values)}"

        def first(value: Any) -> Any:
            self.values[name] = decoder(cls)
            return self.values[name](value)

        self.values[name] = first
        return name

    def _union(self, members: list[Any], kinds: tuple[type, ...]) -> Decoder:
        """Return the decoder of a union: by the discriminator that the contract names, else the first that fits."""
        codes = [self._single(member, "value") for member in members]
        options: list[Decoder] = [eval(f"lambda value: {code}", self.values) for code in codes]
        names = {getattr(member, "__name__", ""): option for member, option in zip(members, options, strict=True)}
        discriminator = models.DISCRIMINATORS.get(frozenset(names))
        shown = " | ".join(getattr(member, "__name__", str(member)) for member in (*members, *kinds))

        def decode(value: Any) -> Any:
            if value.__class__ in kinds and value.__class__ is not dict:
                return value
            if discriminator and isinstance(value, Mapping) and discriminator[0] in value:
                key, mapping = discriminator
                chosen = mapping.get(value[key])
                return names[chosen](value) if chosen else value  # a kind that the contract does not know yet
            for option in options:
                try:
                    return option(value)
                except (InvalidModel, TypeError, ValueError):
                    continue
            if kinds:
                return _conform(value, kinds)
            raise _Unfit(f"fits none of {shown}")

        return decode


def _split(annotation: Any) -> tuple[set[Any], list[Any]]:
    """Divide the members of a union into classes that JSON has itself and those that are converted."""
    members = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else [annotation]
    plain: set[Any] = set()
    rest = []
    for member in members:
        if member is float:
            plain |= {float, int}
        elif member is None:
            plain.add(type(None))
        elif member in _PLAIN:
            plain.add(_PLAIN[member])
        else:
            rest.append(member)
    return plain, rest


_PLAIN: dict[Any, Any] = {
    Any: Any, str: str, int: int, bool: bool, type(None): type(None), dict[str, Any]: dict, list[Any]: list,
}  # fmt: skip
_CONVERTERS = {datetime.datetime: "moment", datetime.date: "day"}
_NAMED = {str: "a string", int: "a whole number", float: "a number", bool: "true or false", list: "a list"}


def _conform(value: Any, kinds: tuple[type, ...]) -> Any:
    for kind in kinds:
        if isinstance(value, Mapping if kind is dict else kind) and (bool in kinds or not isinstance(value, bool)):
            return value
    if int in kinds and isinstance(value, float) and value.is_integer():
        return int(value)
    expected = " or ".join(_NAMED.get(kind, "an object") for kind in kinds if not (kind is int and float in kinds))
    raise _Unfit(f"expected {expected}, got {type(value).__name__}")


def _as_object(model: str, value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise InvalidModel(model, f"expected an object, got {type(value).__name__}")


def _as_list(value: Any) -> Any:
    return _conform(value, (list,))


def _as_map(value: Any) -> Any:
    return value if value.__class__ is dict else _conform(value, (dict,))


def _moment(value: Any) -> datetime.datetime:
    return value if isinstance(value, datetime.datetime) else parse_timestamp(_conform(value, (str,)))


def _day(value: Any) -> datetime.date:
    return value if isinstance(value, datetime.date) else datetime.date.fromisoformat(_conform(value, (str,)))


def _uuid(value: Any) -> UUID:
    from uuid import UUID

    return value if isinstance(value, UUID) else UUID(_conform(value, (str,)))


def _is_enum(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Enum)


class _Table(dict[Any, Any]):
    """Decoded values by JSON value; `missing` says what becomes of any other."""

    def __init__(self, values: Mapping[Any, Any], missing: Decoder) -> None:
        super().__init__(values)
        self._missing = missing

    def __missing__(self, value: Any) -> Any:
        return self._missing(value)


def _table(enum: type[Enum]) -> _Table:
    kind = int if issubclass(enum, int) else str
    words = enums.NORMALISED.get(enum.__name__)
    if words is None:
        return _Table({member.value: member for member in enum}, lambda value: _conform(value, (kind,)))
    # A status may be null wherever the service names none, also where the contract does not say so.
    return _Table({**words, None: None}, lambda value: words.get(_conform(value, (str,)).upper(), value))


def _not_literal(value: Any) -> Any:
    raise _Unfit(f"{value!r:.40} is not the value that the contract has")


def _plain(value: Any) -> Any:
    if isinstance(value, Model):
        return value.dict()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return encode(value)


def _to_dict(model: Any) -> dict[str, Any]:
    data: dict[str, Any] = {**model.additional_properties}
    shown: dict[str, tuple[str, Any]] = {}
    for field in type(model).__attrs_attrs__:
        name, metadata = field.name, field.metadata
        value = getattr(model, name)
        if "raw" in metadata:
            key, status = shown[metadata["raw"]]
            if value is not None and enums.NORMALISED[metadata["enum"]].get(value.upper(), value) == status:
                data[key] = value
        elif "reserved" in metadata:
            key, users = shown[metadata["reserved"]]
            if value is not None:
                data[key] = reserved.with_reserved(users, value)
        elif name != "additional_properties":
            key = metadata.get("name", name)
            shown[name] = key, value
            if value is not None or field.default is _nothing():
                data[key] = encode(value)
    return data
