"""Add the credential to requests, and keep it out of headers that a log or an error may show."""

from __future__ import annotations

from collections.abc import Generator
from typing import NoReturn

import httpx


class BearerAuth(httpx.Auth):
    """Adds `Authorization: Bearer …` to a request while it is sent; its repr shows nothing of the token.

    A request to another scheme, host or port than the service's goes without.
    """

    def __init__(self, token: str, service_url: str) -> None:
        self._header = f"Bearer {token}"
        self._origin = _origin(httpx.URL(service_url))

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Set the header, and take it away again: errors keep the request. A caller's own `Authorization` gives way."""
        if _origin(request.url) != self._origin:
            yield request
            return
        self.add_to(request)
        try:
            yield request
        finally:
            self.take_from(request)

    def add_to(self, request: httpx.Request) -> None:
        """Set the header of a request to the service."""
        request.headers["Authorization"] = self._header

    def take_from(self, request: httpx.Request) -> None:
        """Take the header away again."""
        del request.headers["Authorization"]

    def __repr__(self) -> str:
        return "BearerAuth()"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a credential is not pickled")


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
