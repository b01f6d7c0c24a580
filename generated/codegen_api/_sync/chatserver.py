"""The operations of the chatserver service as methods; the class that inherits them says how one is performed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from .. import operations as _operations
from ..options import RequestOptions as _RequestOptions
from .raw import raw as _raw

if TYPE_CHECKING:
    from ..codec import Model as _Model
    from ..models import (
        AdminResponse,
        AdminsResponse,
        AuditLogResponse,
        ChatCompletionChunk,
        ChatCompletionResponse,
        ChatMessage,
        ChatSessionDetailResponse,
        ChatSessionListResponse,
        ModelsResponse,
        PlatformStats,
    )
    from ..parameters import ChatMessageParam
    from ..table import Operation as _Operation

_T = TypeVar("_T")
_M = TypeVar("_M", bound="_Model")


class ChatserverMethods(ABC):
    """Every operation of the service.

    Each takes `timeout`, the seconds for each attempt instead of the client's, `extra_headers` to send besides the
    client's own, and with `extra_query` and `extra_body` parameters and fields that the contract does not know.
    """

    @abstractmethod
    def _perform(self, operation: _Operation[_T], arguments: dict[str, Any], options: _RequestOptions) -> _T: ...

    def create_chat_completion(
        self,
        model: str,
        messages: Sequence[ChatMessage | ChatMessageParam],
        temperature: float = 0.7,
        max_tokens: int = 4000,
        top_p: float = 1.0,
        user: str | None = None,
        system_prompt: str | None = None,
        metadata: dict[str, Any] | None = None,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> ChatCompletionResponse:
        """Generate the model's answer to a conversation, whole or as a stream.

        POST /v1/chat/completions; at most 60 requests per 30 s in the limit group standard.

        Args:
            model: Name of the model to use, as the model list gives it.
            messages: Conversation so far, oldest message first.
            temperature: Randomness of the answer, from 0 (least) to 2 (most); 0.7 if absent.
            max_tokens: Largest number of tokens the answer may have; 4000 if absent.
            top_p: Share of the probability mass from which tokens are drawn, from 0 to 1; 1 if absent.
            user: Id of the user under whom the history is recorded; null or absent names nobody.
            system_prompt: Instructions for the model that apply to the whole conversation; null or absent gives
                none.
            metadata: Free-form options such as session_id, workflow or variables; null or absent gives none.
        """
        return self._perform(
            _operations.CREATE_CHAT_COMPLETION,
            {
                "model": model,
                "messages": messages,
                "temperature": temperature,
                "max_tokens": max_tokens,
                "top_p": top_p,
                "user": user,
                "system_prompt": system_prompt,
                "metadata": metadata,
                "stream": False,
            },
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    def list_models(
        self,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> ModelsResponse:
        """List the models that the ChatServer offers.

        GET /v1/models; at most 60 requests per 30 s in the limit group standard.
        """
        return self._perform(
            _operations.LIST_MODELS,
            {},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    def list_sessions(
        self,
        user_id: str,
        page: int = 1,
        page_size: int = 20,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> ChatSessionListResponse:
        """List the recorded chat sessions of one user, page by page.

        GET /atoms/chat/sessions; at most 60 requests per 30 s in the limit group standard.

        Args:
            user_id: Id of the user whose sessions are listed.
            page: Page to return, counted from 1; 1 if absent.
            page_size: Largest number of sessions on one page, from 1 to 100; 20 if absent.
        """
        return self._perform(
            _operations.LIST_SESSIONS,
            {"user_id": user_id, "page": page, "page_size": page_size},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    def get_session(
        self,
        session_id: str,
        user_id: str,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> ChatSessionDetailResponse:
        """Get one recorded chat session with its messages.

        GET /atoms/chat/sessions/{session_id}; at most 60 requests per 30 s in the limit group standard.

        Args:
            session_id: Id of the session, as the session list or a system_fingerprint gives it.
            user_id: Id of the user to whom the session belongs.
        """
        return self._perform(
            _operations.GET_SESSION,
            {"session_id": session_id, "user_id": user_id},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    def get_platform_stats(
        self,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> PlatformStats:
        """Get user and request counts of the whole platform.

        GET /api/v1/platform/stats; at most 60 requests per 30 s in the limit group standard.
        """
        return self._perform(
            _operations.GET_PLATFORM_STATS,
            {},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    def list_admins(
        self,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> AdminsResponse:
        """List everyone who administers the platform.

        GET /api/v1/platform/admins; at most 60 requests per 30 s in the limit group standard.
        """
        return self._perform(
            _operations.LIST_ADMINS,
            {},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    def add_admin(
        self,
        workos_id: str,
        email: str,
        name: str = "",
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> AdminResponse:
        """Give a person the rights of a platform administrator.

        POST /api/v1/platform/admins; at most 60 requests per 30 s in the limit group standard.

        Args:
            workos_id: Id that WorkOS, the login provider, gave the person.
            email: Email address of the person.
            name: Name to show for the person; empty text if absent.
        """
        return self._perform(
            _operations.ADD_ADMIN,
            {"workos_id": workos_id, "email": email, "name": name},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    def remove_admin(
        self,
        email: str,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> AdminResponse:
        """Take the rights of a platform administrator away from a person.

        DELETE /api/v1/platform/admins/{email}; at most 60 requests per 30 s in the limit group standard.

        Args:
            email: Email address of the administrator to remove.
        """
        return self._perform(
            _operations.REMOVE_ADMIN,
            {"email": email},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )

    def get_audit_log(
        self,
        limit: int = 50,
        offset: int = 0,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> AuditLogResponse:
        """Get entries of the audit log of the platform, page by page.

        GET /api/v1/platform/audit; at most 60 requests per 30 s in the limit group standard.

        Args:
            limit: Largest number of entries to return, from 1 to 1000; 50 if absent.
            offset: Number of entries to leave out at the start of the log; 0 if absent.
        """
        return self._perform(
            _operations.GET_AUDIT_LOG,
            {"limit": limit, "offset": offset},
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )


class RawChatserverMethods(ABC):
    """Every operation of the service, returning the whole response with the model in `parsed`."""

    @abstractmethod
    def _perform(self, operation: _Operation[Any], arguments: dict[str, Any], options: _RequestOptions) -> Any: ...

    create_chat_completion = _raw(ChatserverMethods.create_chat_completion)
    list_models = _raw(ChatserverMethods.list_models)
    list_sessions = _raw(ChatserverMethods.list_sessions)
    get_session = _raw(ChatserverMethods.get_session)
    get_platform_stats = _raw(ChatserverMethods.get_platform_stats)
    list_admins = _raw(ChatserverMethods.list_admins)
    add_admin = _raw(ChatserverMethods.add_admin)
    remove_admin = _raw(ChatserverMethods.remove_admin)
    get_audit_log = _raw(ChatserverMethods.get_audit_log)


class ChatserverStreams(ABC):
    """The operations of the service whose response is read as server-sent events."""

    @abstractmethod
    def _stream(
        self, operation: _Operation[Any], arguments: dict[str, Any], event: type[_M], options: _RequestOptions
    ) -> Iterator[_M]: ...

    def stream_chat_completion(
        self,
        model: str,
        messages: Sequence[ChatMessage | ChatMessageParam],
        temperature: float = 0.7,
        max_tokens: int = 4000,
        top_p: float = 1.0,
        user: str | None = None,
        system_prompt: str | None = None,
        metadata: dict[str, Any] | None = None,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> Iterator[ChatCompletionChunk]:
        """Yield the answer in chunks as they are written.

        Arguments and errors as for `create_chat_completion`.
        """
        from ..models import ChatCompletionChunk

        return self._stream(
            _operations.CREATE_CHAT_COMPLETION,
            {
                "model": model,
                "messages": messages,
                "temperature": temperature,
                "max_tokens": max_tokens,
                "top_p": top_p,
                "user": user,
                "system_prompt": system_prompt,
                "metadata": metadata,
                "stream": True,
            },
            ChatCompletionChunk,
            _RequestOptions(timeout, extra_headers, extra_query, extra_body),
        )


class ChatserverPages(ABC):
    """The lists of the service, page by page."""

    @abstractmethod
    def _iter_pages(self, operation: str, page_size: int, arguments: dict[str, Any]) -> Iterator[Any]: ...

    @overload
    def iter_pages(
        self,
        operation: Literal["list_sessions"],
        *,
        user_id: str,
        page_size: int = ...,
    ) -> Iterator[ChatSessionListResponse]: ...

    @overload
    def iter_pages(
        self,
        operation: Literal["get_audit_log"],
        *,
        page_size: int = ...,
    ) -> Iterator[AuditLogResponse]: ...
    def iter_pages(self, operation: str, *, page_size: int = 100, **arguments: Any) -> Iterator[Any]:
        """Iterate over the pages of a list, such as `iter_pages("list_sessions", …)`, without repeated items.

        `page_size` is the number of items to ask for at a time; the other arguments are those of the operation.
        """
        return self._iter_pages(operation, page_size, arguments)
