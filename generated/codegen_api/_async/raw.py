"""Methods whose result is the whole response."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

from ..types import Response

P = ParamSpec("P")
T = TypeVar("T")


class AsyncRawMethod(Protocol[P, T]):
    """A method with the arguments `P` that returns a response with the model T in `parsed`."""

    def __get__(self, performer: Any, owner: Any = None) -> Callable[P, Coroutine[Any, Any, Response[T]]]: ...


def raw(method: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]) -> AsyncRawMethod[P, T]:
    """Return a method as it is, typed for a class whose `_perform` returns whole responses."""
    return cast("AsyncRawMethod[P, T]", method)
