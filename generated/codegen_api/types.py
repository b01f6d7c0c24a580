"""What the endpoint modules share."""

from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Generic, Literal, NamedTuple, TypeVar


class Unset:
    """The type of UNSET, which marks a query parameter that is left to the service's default."""

    def __bool__(self) -> Literal[False]:
        return False


UNSET: Unset = Unset()

T = TypeVar("T")


class Response(NamedTuple, Generic[T]):
    """A response with its decoded body in `parsed`; `content` is the body in bytes."""

    status_code: HTTPStatus
    content: bytes
    headers: MutableMapping[str, str]
    parsed: T


__all__ = ["UNSET", "Response", "Unset"]
