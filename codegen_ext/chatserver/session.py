"""A conversation that remembers its session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Unpack

from codegen_api.codec import Model

from .. import flow
from .base import model_of
from .messages import AnyMessage, SendOptions, as_messages
from .stream import AsyncChatStream, ChatStream, OpeningStream

if TYPE_CHECKING:
    from codegen_api.models import ChatCompletionResponse, ChatMessageRecord

    from .async_client import AsyncChatServerClient
    from .client import ChatServerClient


class ConversationState:
    """Whose conversation it is, with which model, and in which session the server keeps it."""

    def __init__(self, user_id: str, session_id: str | None, model: str | None) -> None:
        self.user_id = user_id
        self.session_id = session_id
        self.model = model

    def __repr__(self) -> str:
        return f"{type(self).__name__}(user_id={self.user_id!r}, session_id={self.session_id!r})"

    def _remember(self, session_id: str | None) -> None:
        self.session_id = session_id or self.session_id

    def _said(self, message: AnyMessage | Iterable[AnyMessage]) -> Iterable[AnyMessage]:
        """Return one message or several as they travel, checked before the server is asked for a model."""
        return as_messages([message] if isinstance(message, Model | Mapping | str) else message)


class ChatSession(ConversationState):
    """A conversation of one user, made by `ChatServerClient.session`.

    Each call sends only what is new, because the server keeps what was said; `session_id` is None until the first
    answer names the session. `model` is None until it is known. For one conversation at a time, not for threads.
    """

    def __init__(self, client: ChatServerClient, user_id: str, session_id: str | None, model: str | None) -> None:
        super().__init__(user_id, session_id, model)
        self._client = client

    def send(
        self, message: AnyMessage | Iterable[AnyMessage], model: str | None = None, **options: Unpack[SendOptions]
    ) -> ChatCompletionResponse:
        """Say something and return the answer; takes one message or several, and the options of `create_completion`."""
        said = self._said(message)
        answer: ChatCompletionResponse = self._client.create_completion(
            self._model(model), said, user=self.user_id, session_id=self.session_id, **options
        )
        self._remember(answer.system_fingerprint)
        return answer

    def stream(
        self, message: AnyMessage | Iterable[AnyMessage], model: str | None = None, **options: Unpack[SendOptions]
    ) -> ChatStream:
        """Say something and return the answer piece by piece; otherwise like `send`."""
        said = self._said(message)
        stream: ChatStream = self._client.create_completion(
            self._model(model), said, stream=True, user=self.user_id, session_id=self.session_id, **options
        )
        stream._record.on_session = self._remember
        return stream

    def history(self) -> list[ChatMessageRecord]:
        """Return what was said so far, oldest first, as the server recorded it; nothing before the first answer."""
        if self.session_id is None:
            return []
        return self._client.get_session(self.session_id, user_id=self.user_id).messages

    def _model(self, model: str | None) -> str:
        if model is None and self.model is None:
            steps = model_of(self.user_id, self.session_id)
            self.model = flow.run(steps, self._client._perform_effect, self._client._clock)
        return model or self.model or ""


class AsyncChatSession(ConversationState):
    """`ChatSession` for asyncio: the same names, awaitable."""

    def __init__(self, client: AsyncChatServerClient, user_id: str, session_id: str | None, model: str | None) -> None:
        super().__init__(user_id, session_id, model)
        self._client = client

    async def send(
        self, message: AnyMessage | Iterable[AnyMessage], model: str | None = None, **options: Unpack[SendOptions]
    ) -> ChatCompletionResponse:
        """Say something and return the answer; as `ChatSession.send`."""
        said = self._said(message)
        answer: ChatCompletionResponse = await self._client.create_completion(
            await self._model(model), said, user=self.user_id, session_id=self.session_id, **options
        )
        self._remember(answer.system_fingerprint)
        return answer

    def stream(
        self, message: AnyMessage | Iterable[AnyMessage], model: str | None = None, **options: Unpack[SendOptions]
    ) -> OpeningStream:
        """Say something and return the answer piece by piece: to be awaited, entered or iterated."""
        return OpeningStream(self._stream(message, model, options))

    async def _stream(
        self, message: AnyMessage | Iterable[AnyMessage], model: str | None, options: SendOptions
    ) -> AsyncChatStream:
        said = self._said(message)
        stream: AsyncChatStream = await self._client.create_completion(
            await self._model(model), said, stream=True, user=self.user_id, session_id=self.session_id, **options
        )
        stream._record.on_session = self._remember
        return stream

    async def history(self) -> list[ChatMessageRecord]:
        """Return what was said so far; as `ChatSession.history`."""
        if self.session_id is None:
            return []
        return (await self._client.get_session(self.session_id, user_id=self.user_id)).messages

    async def _model(self, model: str | None) -> str:
        if model is None and self.model is None:
            steps = model_of(self.user_id, self.session_id)
            self.model = await flow.run_async(steps, self._client._perform_effect, self._client._clock)
        return model or self.model or ""
