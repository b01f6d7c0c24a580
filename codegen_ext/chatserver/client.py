"""The client of a ChatServer."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Unpack, overload

from codegen_api._sync.chatserver import ChatserverMethods, ChatserverStreams
from codegen_api.models import ChatCompletionChunk
from codegen_api.operations import CREATE_CHAT_COMPLETION, LIST_ADMINS
from codegen_api.options import RequestOptions

from .. import flow
from ..clock import SYSTEM_CLOCK, Clock
from ..sync_base import SyncClient
from .base import DEFAULT_BASE_URL, ChatServerBase, configuration
from .completions import Chat, Models
from .errors import chatserver_errors, raising_chatserver_errors
from .messages import AnyMessage, ResumeOptions, completion_arguments
from .session import ChatSession
from .stream import ChatStream, Record, recorded

if TYPE_CHECKING:
    from codegen_api._sync.chatserver import RawChatserverMethods
    from codegen_api.codec import Model
    from codegen_api.models import (
        AuditLogEntry,
        ChatCompletionResponse,
        ChatSessionSummary,
    )

M = TypeVar("M", bound="Model")


class ChatServerClient(ChatServerBase, SyncClient, ChatserverMethods, ChatserverStreams):
    """Every operation of a ChatServer as a method, streams and conversations; may be shared by threads.

    Args:
        api_key: Travels as a bearer token; without one no header is sent. None reads CHATSERVER_API_KEY.
        base_url: Address of the server; where it is left out or None, CHATSERVER_BASE_URL.
        timeout: Seconds for each attempt: to connect, until the answer begins, and between two events of a stream.
        clock: Where time comes from.
        settings: Other fields of `ClientConfig`, such as `max_retries`, `enable_caching` and `transport`; those left
            out read the environment, except for the overall cap on requests.

    Raises:
        ConfigurationError: naming the setting that is wrong.

    """

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
    def chat(self) -> Chat:
        """`chat.completions.create`, as in the `openai` package."""
        return Chat(self)

    @property
    def models(self) -> Models:
        """`models.list`, as in the `openai` package."""
        return Models(self)

    @property
    def with_raw_response(self) -> RawChatserverMethods:
        """The same operations, each returning status, headers and body with the model in `parsed`."""
        from ..raw import RawChatServer

        return RawChatServer(self)

    def session(self, user_id: str, session_id: str | None = None, *, model: str | None = None) -> ChatSession:
        """Return a conversation of a user: a new one, or the recorded one of `session_id`; sends nothing.

        Without `model` the recorded session's is used, or else the first that the server offers.
        """
        return ChatSession(self, user_id, session_id, model)

    @overload
    def create_completion(
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
    def create_completion(
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
    ) -> ChatStream: ...
    @overload
    def create_completion(
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
    ) -> ChatCompletionResponse | ChatStream: ...
    def create_completion(
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
    ) -> ChatCompletionResponse | ChatStream:
        """Answer a conversation: whole, or with `stream` piece by piece.

        Args:
            model: Name of the model, as `list_models` gives it.
            messages: The conversation, oldest first: `Message` objects, dicts and strings (a user's), mixed.
            temperature: Randomness, from 0 to 2.
            max_tokens: Largest number of tokens that the answer may have.
            top_p: Share of the probability mass from which tokens are drawn, from 0 to 1.
            stream: Whether to return a stream, once the server has accepted the request.
            user: Id of the user under whom the session is recorded; it also travels as metadata's user_id.
            system_prompt: Instructions that apply to the whole conversation.
            session_id: The session to continue: the `system_fingerprint` of an earlier answer.
            metadata: Free-form options; what stands here wins over the arguments below and `session_id`.
            organization_id: Travels in metadata, as do those that follow.
            workflow: Name of a workflow of the server.
            variables: Values for the workflow.
            allowed_tools: Names of the tools that the agent may use.
            setting_sources: Names of the places from which the agent reads its settings.
            mcp_servers: MCP servers that the agent may use.

        Raises:
            BadRequestError: (status 400) for a wrong role, an empty message or an argument out of range; nothing has
                been sent.
            ChatServerError: when the server refuses or no usable answer arrives.

        """
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
            return self._stream_completion(arguments)
        return self._complete(arguments)

    def iter_sessions(self, user_id: str) -> Iterator[ChatSessionSummary]:
        """Yield every recorded session of a user, page after page."""
        return flow.iterate(self._all_sessions(user_id), self._perform_effect, self._clock)

    def list_admins(  # type: ignore[override]
        self,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return a dict with `admins`, of which each is a dict, and their `count`; administrators only."""
        options = RequestOptions(timeout, extra_headers, extra_query, extra_body)
        return (self._perform(LIST_ADMINS, {}, options)).dict()

    def iter_audit_log(self) -> Iterator[AuditLogEntry]:
        """Yield every entry of the audit log, page after page; administrators only."""
        return flow.iterate(self._whole_audit_log(), self._perform_effect, self._clock)

    def _complete(
        self,
        arguments: dict[str, Any],
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> ChatCompletionResponse:
        arguments, options = {**arguments, "stream": False}, RequestOptions(timeout, extra_headers)
        answer: ChatCompletionResponse = self._perform(CREATE_CHAT_COMPLETION, arguments, options)
        return answer

    def _stream_completion(
        self,
        arguments: dict[str, Any],
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> ChatStream:
        self.config.require("streaming")
        opened = self._open(
            CREATE_CHAT_COMPLETION,
            {**arguments, "stream": True},
            ChatCompletionChunk,
            RequestOptions(timeout, extra_headers),
        )
        record = Record()
        chunks = recorded(opened, record)
        next(chunks)
        return ChatStream(chunks, record)

    def _open(
        self, operation: Any, arguments: dict[str, Any], event: type[M], *options: Any
    ) -> Generator[M | None, None, None]:
        with chatserver_errors():
            yield from super()._open(operation, arguments, event, *options)

    request = raising_chatserver_errors(SyncClient.request)
    _perform = raising_chatserver_errors(SyncClient._perform)
    _call_whole = raising_chatserver_errors(SyncClient._call_whole)
    _perform_effect = raising_chatserver_errors(SyncClient._perform_effect)


def create_client(
    api_key: str | None = None, base_url: str | None = DEFAULT_BASE_URL, timeout: float = 30, **options: Any
) -> ChatServerClient:
    """Return a `ChatServerClient`, which takes the same arguments."""
    return ChatServerClient(api_key, base_url, timeout, **options)
