"""Clients that perform the operations over bare httpx."""

from __future__ import annotations

from typing import Any

from ..options import RequestOptions
from ..table import Operation
from .base import AsyncBaseClient
from .chatserver import AsyncChatserverMethods, AsyncRawChatserverMethods
from .codegen import AsyncCodegenMethods, AsyncRawCodegenMethods


class AsyncChatServerClient(AsyncBaseClient, AsyncChatserverMethods):
    """Client of the chatserver service without retries, limits or cache; asynchronous.

    `base_url` is the address of the service, with or without `/v1`, and `token` its bearer token. A status of failure
    raises UnexpectedStatus, an argument that does not fit InvalidArguments, a body that does not fit InvalidModel.
    """

    @property
    def with_raw_response(self) -> AsyncRawChatserverMethods:
        """The same operations, each returning status, headers and body with the model in `parsed`."""
        return _AsyncRawChatserver(self)


class _AsyncRawChatserver(AsyncRawChatserverMethods):
    def __init__(self, client: AsyncChatServerClient) -> None:
        self._client = client

    async def _perform(self, operation: Operation[Any], arguments: dict[str, Any], options: RequestOptions) -> Any:
        return await self._client.send(operation, arguments, options)


class AsyncClient(AsyncBaseClient, AsyncCodegenMethods):
    """Client of the codegen service without retries, limits or cache; asynchronous.

    `base_url` is the address of the service, with or without `/v1`, and `token` its bearer token. A status of failure
    raises UnexpectedStatus, an argument that does not fit InvalidArguments, a body that does not fit InvalidModel.
    """

    @property
    def with_raw_response(self) -> AsyncRawCodegenMethods:
        """The same operations, each returning status, headers and body with the model in `parsed`."""
        return _AsyncRawCodegen(self)


class _AsyncRawCodegen(AsyncRawCodegenMethods):
    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def _perform(self, operation: Operation[Any], arguments: dict[str, Any], options: RequestOptions) -> Any:
        return await self._client.send(operation, arguments, options)
