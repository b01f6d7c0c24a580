"""The credential, kept out of headers that somebody may print."""

from __future__ import annotations

from collections.abc import Generator
from typing import NoReturn

import httpx


class BearerAuth(httpx.Auth):
    """Adds `Authorization: Bearer …` to a request for as long as it travels; its repr shows nothing of the token."""

    def __init__(self, token: str) -> None:
        self._header = f"Bearer {token}"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Set the header, and take it away again: errors keep the request. A caller's own `Authorization` gives way."""
        request.headers["Authorization"] = self._header
        try:
            yield request
        finally:
            del request.headers["Authorization"]

    def __repr__(self) -> str:
        return "BearerAuth()"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a credential is not pickled")
