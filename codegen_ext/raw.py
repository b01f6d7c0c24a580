"""Operations that return the whole response; made by the clients' `with_raw_response`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from codegen_api.facade.chatserver_async_raw import AsyncRawChatServerOperations
from codegen_api.facade.chatserver_raw import RawChatServerOperations
from codegen_api.facade.codegen_async_raw import AsyncRawCodegenOperations
from codegen_api.facade.codegen_raw import RawCodegenOperations
from codegen_api.operations import Operation
from codegen_api.types import Response

from .async_base import AsyncClient
from .sync_base import SyncClient

T = TypeVar("T")


class _Raw:
    def __init__(self, client: SyncClient) -> None:
        self._client = client

    def _call(
        self,
        operation: Operation[T],
        arguments: dict[str, Any],
        timeout: float | None,
        extra_headers: Mapping[str, str] | None,
    ) -> Response[T]:
        return self._client._call_whole(operation, arguments, timeout, extra_headers)


class _AsyncRaw:
    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def _call(
        self,
        operation: Operation[T],
        arguments: dict[str, Any],
        timeout: float | None,
        extra_headers: Mapping[str, str] | None,
    ) -> Response[T]:
        return await self._client._call_whole(operation, arguments, timeout, extra_headers)


class RawCodegen(_Raw, RawCodegenOperations):
    """Operations of the Codegen API with the whole response."""


class AsyncRawCodegen(_AsyncRaw, AsyncRawCodegenOperations):
    """Operations of the Codegen API with the whole response, awaitable."""


class RawChatServer(_Raw, RawChatServerOperations):
    """Operations of the ChatServer with the whole response."""


class AsyncRawChatServer(_AsyncRaw, AsyncRawChatServerOperations):
    """Operations of the ChatServer with the whole response, awaitable."""
