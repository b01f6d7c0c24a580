"""What the models share: unknown words and fields survive, timestamps in any notation, plain dicts for JSON."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, Self, TypeVar

from .errors import InvalidModel

E = TypeVar("E", bound=Enum)

RESERVED_METADATA = "codegen_sdk"
"""The key of a run's metadata under which this package keeps what the API has no field for."""
_EMPTY = "empty"
"""The key beneath it that stands for an empty object of the user's."""


class Model:
    """Base of every generated model."""

    __slots__ = ()

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels."""
        raise NotImplementedError

    if not TYPE_CHECKING:
        # Hidden from type checkers, so that a misspelt field is still an error in the editor.
        def __getattr__(self, name: str) -> Any:
            if not name.startswith("_") and name != "additional_properties" and name in self.additional_properties:
                return self.additional_properties[name]
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __getitem__(self, key: str) -> Any:
        """Return a field by its name, also one that the contract does not know; raises KeyError for neither."""
        try:
            return getattr(self, key)
        except AttributeError:
            raise KeyError(key) from None

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and hasattr(self, key)

    def dict(self) -> dict[str, Any]:
        """Return every field by its name as plain JSON values; absent fields are None, unknown fields are kept."""
        from attrs import fields_dict

        values = {
            name: _plain(getattr(self, name))
            for name in fields_dict(type(self))  # type: ignore[arg-type]
            if not name.startswith("reserved_")
        }
        return {**values.pop("additional_properties"), **values}


def _plain(value: Any) -> Any:
    if isinstance(value, Model):
        return value.dict()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def as_object(model: str, value: object) -> dict[str, Any]:
    """Return a copy of a JSON object that may be taken apart; raises InvalidModel for any other value."""
    if isinstance(value, Mapping):
        return dict(value)
    raise InvalidModel(model, f"expected an object, got {type(value).__name__}")


def as_list(value: Any) -> list[Any]:
    """Return a JSON array as it is; raises TypeError for any other value, of which some could be iterated as well."""
    if isinstance(value, list):
        return value
    raise TypeError(f"expected a list, got {type(value).__name__}")


def decode_object(model: Any, value: Any) -> Any:
    """Decode an object where the contract also allows other kinds of values."""
    return model.from_dict(value) if isinstance(value, Mapping) else value


def known(enum: type[E], value: Any) -> E | Any:
    """Return the enum's member for a value, or the value itself when the contract does not know it."""
    try:
        return enum(value)
    except ValueError:
        return value


def encode(value: Any) -> Any:
    """Return a model as its JSON object; a mapping passes as it is."""
    return value.to_dict() if isinstance(value, Model) else value


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


def without_reserved(value: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return what users put into a metadata object, None when only this package did."""
    if value is None or RESERVED_METADATA not in value:
        return value
    users = {key: item for key, item in value.items() if key != RESERVED_METADATA}
    return users if users or _EMPTY in (only_reserved(value) or ()) else None


def only_reserved(value: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return what this package put into a metadata object, None when that is nothing usable."""
    reserved = None if value is None else value.get(RESERVED_METADATA)
    return reserved if isinstance(reserved, dict) else None


def with_reserved(value: dict[str, Any] | None, reserved: dict[str, Any] | None) -> dict[str, Any] | None:
    """Put both parts of a metadata object together again, so that `without_reserved` tells {} from None."""
    if reserved is None:
        return value
    reserved = {key: item for key, item in reserved.items() if key != _EMPTY}
    if value is not None and not value:
        reserved[_EMPTY] = True
    return {**(value or {}), RESERVED_METADATA: reserved}
