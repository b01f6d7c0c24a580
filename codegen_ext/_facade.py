"""The generated methods, until the contract's side hands out classes of these names itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from codegen_api.facade.chatserver import ChatServerOperations
from codegen_api.facade.chatserver_async import AsyncChatServerOperations
from codegen_api.facade.chatserver_async_raw import AsyncRawChatServerOperations
from codegen_api.facade.chatserver_raw import RawChatServerOperations
from codegen_api.facade.codegen import CodegenOperations
from codegen_api.facade.codegen_async import AsyncCodegenOperations
from codegen_api.facade.codegen_async_raw import AsyncRawCodegenOperations
from codegen_api.facade.codegen_raw import RawCodegenOperations
from codegen_api.operations import Operation
from codegen_api.options import RequestOptions
from codegen_api.types import Response

T = TypeVar("T")


class CodegenMethods(CodegenOperations):
    """Every operation of the Codegen API."""

    def _perform(self, operation: Operation[T], arguments: Mapping[str, Any], options: RequestOptions) -> T:
        raise NotImplementedError

    def _call(
        self,
        operation: Operation[T],
        arguments: dict[str, Any],
        timeout: float | None,
        extra_headers: Mapping[str, str] | None,
    ) -> T:
        return self._perform(operation, arguments, RequestOptions(timeout, extra_headers))


class AsyncCodegenMethods(AsyncCodegenOperations):
    """Every operation of the Codegen API, awaitable."""

    async def _perform(self, operation: Operation[T], arguments: Mapping[str, Any], options: RequestOptions) -> T:
        raise NotImplementedError

    async def _call(
        self,
        operation: Operation[T],
        arguments: dict[str, Any],
        timeout: float | None,
        extra_headers: Mapping[str, str] | None,
    ) -> T:
        return await self._perform(operation, arguments, RequestOptions(timeout, extra_headers))


class RawCodegenMethods(RawCodegenOperations):
    """Every operation of the Codegen API with the raw response."""

    def _perform(self, operation: Operation[T], arguments: Mapping[str, Any], options: RequestOptions) -> Response[T]:
        raise NotImplementedError

    def _call(
        self,
        operation: Operation[T],
        arguments: dict[str, Any],
        timeout: float | None,
        extra_headers: Mapping[str, str] | None,
    ) -> Response[T]:
        return self._perform(operation, arguments, RequestOptions(timeout, extra_headers))


class AsyncRawCodegenMethods(AsyncRawCodegenOperations):
    """Every operation of the Codegen API with the raw response, awaitable."""

    async def _perform(
        self, operation: Operation[T], arguments: Mapping[str, Any], options: RequestOptions
    ) -> Response[T]:
        raise NotImplementedError

    async def _call(
        self,
        operation: Operation[T],
        arguments: dict[str, Any],
        timeout: float | None,
        extra_headers: Mapping[str, str] | None,
    ) -> Response[T]:
        return await self._perform(operation, arguments, RequestOptions(timeout, extra_headers))


class ChatServerMethods(ChatServerOperations):
    """Every operation of the ChatServer."""

    def _perform(self, operation: Operation[T], arguments: Mapping[str, Any], options: RequestOptions) -> T:
        raise NotImplementedError

    def _call(
        self,
        operation: Operation[T],
        arguments: dict[str, Any],
        timeout: float | None,
        extra_headers: Mapping[str, str] | None,
    ) -> T:
        return self._perform(operation, arguments, RequestOptions(timeout, extra_headers))

    def stream_events(self, operation: Operation[Any], arguments: Any, event: Any, options: RequestOptions) -> Any:
        raise NotImplementedError

    def _stream(
        self,
        operation: Operation[Any],
        arguments: dict[str, Any],
        event: Any,
        timeout: float | None,
        extra_headers: Mapping[str, str] | None,
    ) -> Any:
        return self.stream_events(operation, arguments, event, RequestOptions(timeout, extra_headers))


class AsyncChatServerMethods(AsyncChatServerOperations):
    """Every operation of the ChatServer, awaitable."""

    async def _perform(self, operation: Operation[T], arguments: Mapping[str, Any], options: RequestOptions) -> T:
        raise NotImplementedError

    async def _call(
        self,
        operation: Operation[T],
        arguments: dict[str, Any],
        timeout: float | None,
        extra_headers: Mapping[str, str] | None,
    ) -> T:
        return await self._perform(operation, arguments, RequestOptions(timeout, extra_headers))

    def stream_events(self, operation: Operation[Any], arguments: Any, event: Any, options: RequestOptions) -> Any:
        raise NotImplementedError

    def _stream(
        self,
        operation: Operation[Any],
        arguments: dict[str, Any],
        event: Any,
        timeout: float | None,
        extra_headers: Mapping[str, str] | None,
    ) -> Any:
        return self.stream_events(operation, arguments, event, RequestOptions(timeout, extra_headers))


class RawChatServerMethods(RawChatServerOperations):
    """Every operation of the ChatServer with the raw response."""

    def _perform(self, operation: Operation[T], arguments: Mapping[str, Any], options: RequestOptions) -> Response[T]:
        raise NotImplementedError

    def _call(
        self,
        operation: Operation[T],
        arguments: dict[str, Any],
        timeout: float | None,
        extra_headers: Mapping[str, str] | None,
    ) -> Response[T]:
        return self._perform(operation, arguments, RequestOptions(timeout, extra_headers))


class AsyncRawChatServerMethods(AsyncRawChatServerOperations):
    """Every operation of the ChatServer with the raw response, awaitable."""

    async def _perform(
        self, operation: Operation[T], arguments: Mapping[str, Any], options: RequestOptions
    ) -> Response[T]:
        raise NotImplementedError

    async def _call(
        self,
        operation: Operation[T],
        arguments: dict[str, Any],
        timeout: float | None,
        extra_headers: Mapping[str, str] | None,
    ) -> Response[T]:
        return await self._perform(operation, arguments, RequestOptions(timeout, extra_headers))
