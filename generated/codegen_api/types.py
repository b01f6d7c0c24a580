"""The whole response of an operation."""

from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Response(NamedTuple, Generic[T]):
    """A response with its decoded body in `parsed`; `content` is the body in bytes."""

    status_code: HTTPStatus
    content: bytes
    headers: MutableMapping[str, str]
    parsed: T
