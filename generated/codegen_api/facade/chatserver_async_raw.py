"""The operations of the chatserver service as methods; whoever inherits says how one is performed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from .. import operations

if TYPE_CHECKING:
    from ..decoding import Model
    from ..models import (
        AdminResponse,
        AdminsResponse,
        AuditLogResponse,
        ChatCompletionResponse,
        ChatMessage,
        ChatSessionDetailResponse,
        ChatSessionListResponse,
        ModelsResponse,
        PlatformStats,
    )
    from ..operations import Operation
    from ..types import Response

T = TypeVar("T")
M = TypeVar("M", bound="Model")


class AsyncRawChatServerOperations(ABC):
    """Every operation of the service, awaitable; each returns the whole response with the model in `parsed`."""

    @abstractmethod
    async def _call(
        self,
        operation: Operation[T],
        arguments: dict[str, Any],
        timeout: float | None,
        extra_headers: Mapping[str, str] | None,
    ) -> Response[T]: ...

    async def create_chat_completion(
        self,
        model: str,
        messages: Sequence[ChatMessage | Mapping[str, Any]],
        temperature: float = 0.7,
        max_tokens: int = 4000,
        top_p: float = 1.0,
        user: str | None = None,
        system_prompt: str | None = None,
        metadata: dict[str, Any] | None = None,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[ChatCompletionResponse]:
        """Like `create_chat_completion` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.CREATE_CHAT_COMPLETION,
            {
                "model": model,
                "messages": messages,
                "temperature": temperature,
                "max_tokens": max_tokens,
                "top_p": top_p,
                "user": user,
                "system_prompt": system_prompt,
                "metadata": metadata,
            },
            timeout,
            extra_headers,
        )

    async def list_models(
        self,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[ModelsResponse]:
        """Like `list_models` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.LIST_MODELS,
            {},
            timeout,
            extra_headers,
        )

    async def list_sessions(
        self,
        user_id: str,
        page: int = 1,
        page_size: int = 20,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[ChatSessionListResponse]:
        """Like `list_sessions` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.LIST_SESSIONS,
            {
                "user_id": user_id,
                "page": page,
                "page_size": page_size,
            },
            timeout,
            extra_headers,
        )

    async def get_session(
        self,
        session_id: str,
        user_id: str,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[ChatSessionDetailResponse]:
        """Like `get_session` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.GET_SESSION,
            {
                "session_id": session_id,
                "user_id": user_id,
            },
            timeout,
            extra_headers,
        )

    async def get_platform_stats(
        self,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[PlatformStats]:
        """Like `get_platform_stats` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.GET_PLATFORM_STATS,
            {},
            timeout,
            extra_headers,
        )

    async def list_admins(
        self,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[AdminsResponse]:
        """Like `list_admins` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.LIST_ADMINS,
            {},
            timeout,
            extra_headers,
        )

    async def add_admin(
        self,
        workos_id: str,
        email: str,
        name: str = "",
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[AdminResponse]:
        """Like `add_admin` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.ADD_ADMIN,
            {
                "workos_id": workos_id,
                "email": email,
                "name": name,
            },
            timeout,
            extra_headers,
        )

    async def remove_admin(
        self,
        email: str,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[AdminResponse]:
        """Like `remove_admin` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.REMOVE_ADMIN,
            {
                "email": email,
            },
            timeout,
            extra_headers,
        )

    async def get_audit_log(
        self,
        limit: int = 50,
        offset: int = 0,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[AuditLogResponse]:
        """Like `get_audit_log` of the client, with status, headers and body of the response."""
        return await self._call(
            operations.GET_AUDIT_LOG,
            {
                "limit": limit,
                "offset": offset,
            },
            timeout,
            extra_headers,
        )
