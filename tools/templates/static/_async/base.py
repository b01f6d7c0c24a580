"""Perform operations over bare httpx."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any, Self, TypeVar

import httpx

from ..codec import decode
from ..errors import UnexpectedStatus
from ..options import NO_OPTIONS, RequestOptions
from ..pages import attach, following
from ..requests import build
from ..table import Operation
from ..types import Response

T = TypeVar("T")


class AsyncBaseClient:
    """Connections, credential and timeout of a client; `http_client` is used as it is and not closed."""

    def __init__(
        self,
        base_url: str,
        token: str | None = None,
        *,
        timeout: float = 30.0,
        http_client: httpx.AsyncClient | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/").removesuffix("/v1")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._timeout = timeout
        self._owns_http = http_client is None
        self._http = http_client or httpx.AsyncClient()

    async def send(
        self, operation: Operation[T], arguments: Mapping[str, Any], options: RequestOptions = NO_OPTIONS
    ) -> Response[T]:
        """Perform any operation of the table and return the whole response.

        Raises:
            InvalidArguments: before anything is sent, when an argument does not fit the contract.
            UnexpectedStatus: when the status is not one of success.
            InvalidModel: when the body does not fit the contract.
            httpx.HTTPError: when no response arrives.

        """
        wire = build(operation, arguments, options)
        response = await self._http.request(
            wire.method,
            self._base_url + wire.path,
            params=tuple(wire.query) or None,
            headers={**self._headers, **wire.headers},
            content=wire.content,
            timeout=self._timeout if options.timeout is None else options.timeout,
        )
        if not response.is_success:
            raise UnexpectedStatus(response.status_code, response.content)
        parsed = decode(operation, response.status_code, response.content)
        if operation.paging is not None:
            attach(parsed, lambda page: self._items(operation, arguments, options, page))
        return Response(HTTPStatus(response.status_code), response.content, response.headers, parsed)

    async def _perform(self, operation: Operation[T], arguments: dict[str, Any], options: RequestOptions) -> T:
        return (await self.send(operation, arguments, options)).parsed

    async def _items(
        self, operation: Operation[Any], arguments: Mapping[str, Any], options: RequestOptions, page: Any
    ) -> AsyncIterator[Any]:
        while True:
            for item in page:
                yield item
            further = following(operation, arguments, page)
            if further is None:
                return
            arguments = further
            page = (await self.send(operation, arguments, options)).parsed

    async def aclose(self) -> None:
        """Close the connections."""
        if self._owns_http:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self._base_url!r})"
