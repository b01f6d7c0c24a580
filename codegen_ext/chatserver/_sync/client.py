# Generated from codegen_ext/chatserver/_async/client.py by make generate; edit there.
"""The client of a ChatServer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, Unpack, overload

from codegen_api import operations
from codegen_api._sync.chatserver import (
    ChatserverMethods,
    ChatserverPages,
    ChatserverStreams,
    RawChatserverMethods,
)
from codegen_api.options import NO_OPTIONS, RequestOptions

from ..._sync import pagination
from ..._sync.base_client import BaseClient, EventStream
from ...clock import SYSTEM_CLOCK, Clock
from ...config import ClientConfig
from ..errors import chatserver_errors
from ..messages import AnyMessage, CompletionOptions, completion_call
from ..settings import DEFAULT_BASE_URL, configuration
from .session import ChatSession
from .stream import ChatStream

if TYPE_CHECKING:
    from codegen_api.codec import Model
    from codegen_api.models import AuditLogEntry, ChatCompletionResponse, ChatSessionSummary
    from codegen_api.operations import Operation
    from codegen_api.types import Response

M = TypeVar("M", bound="Model")
T = TypeVar("T")


class ChatServerClient(BaseClient, ChatserverMethods, ChatserverStreams, ChatserverPages):
    """Every operation of a ChatServer as a method, streams of text, and conversations.

    Args:
        api_key: Travels as a bearer token; without one no header is sent. None reads CHATSERVER_API_KEY.
        base_url: Address of the server; where it is left out or None, CHATSERVER_BASE_URL.
        timeout: Seconds for each attempt: to connect, and until the response begins.
        clock: Where time comes from.
        settings: Other fields of `ClientConfig`, such as `max_retries`, `enable_caching` and `transport`; those left
            out read the environment, except for what it says of the Codegen API.

    Raises:
        ConfigurationError: naming the setting that is wrong.

    """

    _service = "chatserver"
    _needs_token = False

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

    def _with_config(self, config: ClientConfig) -> Self:
        client = object.__new__(type(self))
        BaseClient.__init__(client, config, clock=self.clock)
        return client

    @property
    def api_key(self) -> str | None:
        """The key, None without one."""
        return self.config.api_token or None

    @property
    def base_url(self) -> str:
        """The address of the server."""
        return self.config.base_url

    @property
    def timeout(self) -> float:
        """Seconds for each attempt."""
        return self.config.timeout

    def session(  # type: ignore[override]  # that of httpx has no use here
        self, user_id: str, session_id: str | None = None, *, model: str | None = None
    ) -> ChatSession:
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
        **options: Unpack[CompletionOptions],
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
        **options: Unpack[CompletionOptions],
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
        **options: Unpack[CompletionOptions],
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
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> ChatCompletionResponse | ChatStream:
        """Answer a conversation, whole or as a stream.

        Args:
            model: The name of a model, as `list_models` gives it.
            messages: The conversation, oldest message first: `Message` objects, dicts, or strings of the user.
            temperature: Randomness, from 0 to 2.
            max_tokens: The largest number of tokens of the answer.
            top_p: The share of the probability mass from which tokens are drawn.
            stream: Whether to return a stream of text instead of the whole answer.
            user: The user under whom the server records the conversation; also travels as `metadata["user_id"]`.
            system_prompt: Instructions for the whole conversation.
            session_id: The session that the conversation continues; the `system_fingerprint` of an answer.
            metadata: Free-form options; an entry wins over the arguments below, which travel in it.
            organization_id: The organization.
            workflow: The workflow of the server.
            variables: Values for the workflow.
            allowed_tools: Names of the tools that the agent may use.
            setting_sources: Where the agent reads its settings.
            mcp_servers: The MCP servers that the agent may use.
            timeout: Seconds for each attempt instead of the client's; for a stream also between two parts of it, where
                otherwise any time may pass.
            extra_headers: Headers to send besides the client's own.
            extra_query: Query parameters to send besides.
            extra_body: Fields to send besides.

        Raises:
            BadRequestError: (status 400) before anything is sent, when an argument is wrong.
            ChatServerError: the subclass that fits, when the server refuses or cannot be reached.

        """
        arguments, options = completion_call(
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
            timeout=timeout,
            extra_headers=extra_headers,
            extra_query=extra_query,
            extra_body=extra_body,
        )
        if stream:
            return ChatStream(lambda: self.open_completion(arguments, options)).__enter__()
        return (self.perform(operations.CREATE_CHAT_COMPLETION, {**arguments, "stream": False}, options)).parsed

    def open_completion(self, arguments: Mapping[str, Any], options: RequestOptions) -> EventStream:
        """Send the request of a stream and return its response."""
        self.config.require("streaming")
        return self.open_stream(operations.CREATE_CHAT_COMPLETION, {**arguments, "stream": True}, options)

    def list_admins(  # type: ignore[override]
        self,
        *,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the platform's administrators as a dict of `admins` and `count`, as `chatserver_sdk` did."""
        options = RequestOptions(timeout, extra_headers, extra_query, extra_body)
        return (self.perform(operations.LIST_ADMINS, {}, options)).parsed.dict()

    def iter_sessions(self, user_id: str) -> Iterator[ChatSessionSummary]:
        """Yield all sessions of a user, page by page."""
        self.config.require("streaming")
        return pagination.items(self, operations.LIST_SESSIONS, {"user_id": user_id})

    def iter_audit_log(self) -> Iterator[AuditLogEntry]:
        """Yield all entries of the audit log, page by page; needs the key of a platform administrator."""
        self.config.require("streaming")
        return pagination.items(self, operations.GET_AUDIT_LOG, {})

    @property
    def with_raw_response(self) -> RawChatserverMethods:
        """The same operations, each returning status, headers and body with the model in `parsed`."""
        return RawChatServer(self)

    def _perform(self, operation: Operation[T], arguments: Mapping[str, Any], options: RequestOptions) -> T:
        response = self.perform(operation, arguments, options)
        pagination.attach(self, operation, arguments, response.parsed)
        return response.parsed

    def _stream(
        self, operation: Operation[Any], arguments: Mapping[str, Any], event: type[M], options: RequestOptions
    ) -> Iterator[M]:
        self.config.require("streaming")
        return self.stream_events(operation, arguments, event, options)

    def _iter_pages(self, operation: str, page_size: int, arguments: Mapping[str, Any]) -> Iterator[Any]:
        self.config.require("streaming")
        return pagination.pages(self, pagination.list_named(operation, self._service, arguments), arguments, page_size)

    def perform(
        self, operation: Operation[T], arguments: Mapping[str, Any], options: RequestOptions = NO_OPTIONS, **more: Any
    ) -> Response[T]:
        """Perform an operation as every client does; raises ChatServerError."""
        with chatserver_errors():
            return super().perform(operation, arguments, options, **more)

    def open_stream(
        self, operation: Operation[Any], arguments: Mapping[str, Any], options: RequestOptions = NO_OPTIONS
    ) -> EventStream:
        """Open a stream as every client does; raises ChatServerError."""
        with chatserver_errors():
            return super().open_stream(operation, arguments, options)

    def stream_events(
        self,
        operation: Operation[Any],
        arguments: Mapping[str, Any],
        event: type[M],
        options: RequestOptions = NO_OPTIONS,
    ) -> Iterator[M]:
        """Yield the models that the events of a stream carry, until it says that it is complete.

        Raises:
            ChatServerError: when it ends before, when the server refuses, or reports an error in the stream.

        """
        with chatserver_errors():
            stream = self.open_stream(operation, arguments, options)
            with closing(stream.events(event)) as events:
                for item in events:
                    yield item

    def request(self, method: str, path: str, **options: Any) -> Any:
        """Send a request that the contract does not know, as every client does; raises ChatServerError."""
        with chatserver_errors():
            return super().request(method, path, **options)


class RawChatServer(RawChatserverMethods):
    def __init__(self, client: ChatServerClient) -> None:
        self._client = client

    def _perform(self, operation: Operation[T], arguments: Mapping[str, Any], options: RequestOptions) -> Response[T]:
        return self._client.perform(operation, arguments, options)
