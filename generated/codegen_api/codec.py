"""Decode the JSON of responses into models and encode models as JSON."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from .decoding import Model
from .errors import InvalidModel

if TYPE_CHECKING:
    from .operations import Operation

T = TypeVar("T")


class _Answer:
    """A successful response as the endpoint modules read it."""

    is_success = True

    def __init__(self, status_code: int, content: bytes) -> None:
        self.status_code = status_code
        self.content = content

    def json(self) -> Any:
        return json.loads(self.content)


def decode(operation: Operation[T], status: int, body: bytes) -> T:
    """Return the model of a successful response.

    Raises:
        InvalidModel: when the body is not JSON or does not fit the model.

    """
    try:
        result: T = operation.endpoint._parse_response(_Answer(status, body))
    except (ValueError, RecursionError) as error:
        raise InvalidModel(operation.id, f"the body is not valid JSON: {error}") from None
    except TypeError as error:
        raise InvalidModel(operation.id, str(error)) from error
    return result


def encode(value: Any) -> Any:
    """Return a value as plain JSON data: models as they are sent, enums, dates and UUIDs as strings."""
    match value:
        case Model():
            return value.to_dict()
        case Enum():
            return value.value
        case datetime.date():
            return value.isoformat()
        case UUID():
            return str(value)
        case Mapping():
            return {key: encode(item) for key, item in value.items()}
        case list() | tuple():
            return [encode(item) for item in value]
    return value
