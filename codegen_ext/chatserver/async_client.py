"""The client of a ChatServer for asyncio."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Unpack, overload

from codegen_api._async.chatserver import AsyncChatserverMethods, AsyncChatserverStreams
from codegen_api.models import ChatCompletionChunk
from codegen_api.operations import CREATE_CHAT_COMPLETION, LIST_ADMINS
from codegen_api.options import RequestOptions

from .. import flow
from ..async_base import AsyncClient
from ..clock import SYSTEM_CLOCK, Clock
from .base import DEFAULT_BASE_URL, ChatServerBase, configuration
from .completions import AsyncChat, AsyncModels
from .errors import chatserver_errors, raising_chatserver_errors
from .messages import AnyMessage, ResumeOptions, completion_arguments
from .session import AsyncChatSession
from .stream import AsyncChatStream, Record, recorded_async

if TYPE_CHECKING:
    from codegen_api._async.chatserver import AsyncRawChatserverMethods
    from codegen_api.codec import Model
    from codegen_api.models import (
        AuditLogEntry,
        ChatCompletionResponse,
        ChatSessionSummary,
    )

M = TypeVar("M", bound="Model")


class AsyncChatServerClient(ChatServerBase, AsyncClient, AsyncChatserverMethods, AsyncChatserverStreams):
    """`ChatServerClient` for asyncio: the same names, awaitable, and streams as async iterators."""

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = DEFAULT_BASE_URL,
        timeout: float = 30,
        *,
        clock: Clock = SYSTEM_CLOCK,
        **settings: Any,
    ) -> None:
        super().__init__(configuration(api_key, base_url, timeout, settings), clock=clock)

    @property
    def chat(self) -> AsyncChat:
        """`chat.completions.create`, as in the `openai` package."""
        return AsyncChat(self)

    @property
    def models(self) -> AsyncModels:
        """`models.list`, as in the `openai` package."""
        return AsyncModels(self)

    @property
    def with_raw_response(self) -> AsyncRawChatserverMethods:
        """The same operations, each returning status, headers and body with the model in `parsed`."""
        from ..raw import AsyncRawChatServer

        return AsyncRawChatServer(self)

    def session(self, user_id: str, session_id: str | None = None, *, model: str | None = None) -> AsyncChatSession:
        """Return a conversation of a user: a new one, or the recorded one of `session_id`; sends nothing.

        Without `model` the recorded session's is used, or else the first that the server offers.
        """
        return AsyncChatSession(self, user_id, session_id, model)

    @overload
    async def create_completion(
        self,
        model: str,
        messages: Iterable[AnyMessage],
        temperature: float = ...,
        max_tokens: int = ...,
        top_p: float = ...,
        stream: Literal[False] = ...,
        user: str | None = ...,
        system_prompt: str | None = ...,
        **options: Unpack[ResumeOptions],
    ) -> ChatCompletionResponse: ...
    @overload
    async def create_completion(
        self,
        model: str,
        messages: Iterable[AnyMessage],
        temperature: float = ...,
        max_tokens: int = ...,
        top_p: float = ...,
        *,
        stream: Literal[True],
        user: str | None = ...,
        system_prompt: str | None = ...,
        **options: Unpack[ResumeOptions],
    ) -> AsyncChatStream: ...
    @overload
    async def create_completion(
        self,
        model: str,
        messages: Iterable[AnyMessage],
        temperature: float = ...,
        max_tokens: int = ...,
        top_p: float = ...,
        stream: bool = ...,
        user: str | None = ...,
        system_prompt: str | None = ...,
        **options: Unpack[ResumeOptions],
    ) -> ChatCompletionResponse | AsyncChatStream: ...
    async def create_completion(
        self,
        model: str,
        messages: Iterable[AnyMessage],
        temperature: float = 0.7,
        max_tokens: int = 4000,
        top_p: float = 1.0,
        stream: bool = False,
        user: str | None = None,
        system_prompt: str | None = None,
        *,
        session_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        organization_id: str | None = None,
        workflow: str | None = None,
        variables: Mapping[str, Any] | None = None,
        allowed_tools: Iterable[str] | None = None,
        setting_sources: Iterable[str] | None = None,
        mcp_servers: Any = None,
    ) -> ChatCompletionResponse | AsyncChatStream:
        """Answer a conversation; as `ChatServerClient.create_completion`. A stream is awaited, too."""
        arguments = completion_arguments(
            model,
            messages,
            user,
            metadata,
            temperature=temperature,
            max_tokens=max_tokens,
            top_p=top_p,
            system_prompt=system_prompt,
            session_id=session_id,
            organization_id=organization_id,
            workflow=workflow,
            variables=variables,
            allowed_tools=allowed_tools,
            setting_sources=setting_sources,
            mcp_servers=mcp_servers,
        )
        if stream:
            return await self._stream_completion(arguments)
        return await self._complete(arguments)

    def iter_sessions(self, user_id: str) -> AsyncIterator[ChatSessionSummary]:
        """As `ChatServerClient.iter_sessions`."""
        return flow.iterate_async(self._all_sessions(user_id), self._perform_effect, self._clock)

    async def list_admins(  # type: ignore[override]
        self,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return a dict with `admins`, of which each is a dict, and their `count`; administrators only."""
        options = RequestOptions(timeout, extra_headers, extra_query, extra_body)
        return (await self._perform(LIST_ADMINS, {}, options)).dict()

    def iter_audit_log(self) -> AsyncIterator[AuditLogEntry]:
        """As `ChatServerClient.iter_audit_log`."""
        return flow.iterate_async(self._whole_audit_log(), self._perform_effect, self._clock)

    async def _complete(
        self,
        arguments: dict[str, Any],
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> ChatCompletionResponse:
        arguments, options = {**arguments, "stream": False}, RequestOptions(timeout, extra_headers)
        answer: ChatCompletionResponse = await self._perform(
            CREATE_CHAT_COMPLETION, {**arguments, "stream": False}, options
        )
        return answer

    async def _stream_completion(
        self,
        arguments: dict[str, Any],
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> AsyncChatStream:
        self.config.require("streaming")
        opened = self._open(
            CREATE_CHAT_COMPLETION,
            {**arguments, "stream": True},
            ChatCompletionChunk,
            RequestOptions(timeout, extra_headers),
        )
        record = Record()
        chunks = recorded_async(opened, record)
        await anext(chunks)
        return AsyncChatStream(chunks, record)

    async def _open(
        self, operation: Any, arguments: dict[str, Any], event: type[M], *options: Any
    ) -> AsyncGenerator[M | None, None]:
        with chatserver_errors():
            async with aclosing(super()._open(operation, arguments, event, *options)) as opened:
                async for item in opened:
                    yield item

    request = raising_chatserver_errors(AsyncClient.request)
    _perform = raising_chatserver_errors(AsyncClient._perform)
    _call_whole = raising_chatserver_errors(AsyncClient._call_whole)
    _perform_effect = raising_chatserver_errors(AsyncClient._perform_effect)
