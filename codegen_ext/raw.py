"""Operations that return the whole response; made by the clients' `with_raw_response`."""

from __future__ import annotations

from typing import Any, TypeVar

from codegen_api._async.chatserver import AsyncRawChatserverMethods
from codegen_api._async.codegen import AsyncRawCodegenMethods
from codegen_api._sync.chatserver import RawChatserverMethods
from codegen_api._sync.codegen import RawCodegenMethods
from codegen_api.operations import Operation
from codegen_api.options import RequestOptions
from codegen_api.types import Response

from .async_base import AsyncClient
from .sync_base import SyncClient

T = TypeVar("T")


class _Raw:
    def __init__(self, client: SyncClient) -> None:
        self._client = client

    def _perform(self, operation: Operation[T], arguments: dict[str, Any], options: RequestOptions) -> Response[T]:
        return self._client._call_whole(operation, arguments, options)


class _AsyncRaw:
    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def _perform(
        self, operation: Operation[T], arguments: dict[str, Any], options: RequestOptions
    ) -> Response[T]:
        return await self._client._call_whole(operation, arguments, options)


class RawCodegen(_Raw, RawCodegenMethods):
    """Operations of the Codegen API with the whole response."""


class AsyncRawCodegen(_AsyncRaw, AsyncRawCodegenMethods):
    """Operations of the Codegen API with the whole response, awaitable."""


class RawChatServer(_Raw, RawChatserverMethods):
    """Operations of the ChatServer with the whole response."""


class AsyncRawChatServer(_AsyncRaw, AsyncRawChatserverMethods):
    """Operations of the ChatServer with the whole response, awaitable."""
