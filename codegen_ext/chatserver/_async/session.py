"""Conversation that continues its session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Unpack

from codegen_api.codec import Model

from ..errors import BadRequestError
from ..messages import AnyMessage, SendOptions, as_messages, completion_call
from .stream import AsyncChatStream

if TYPE_CHECKING:
    from codegen_api.models import ChatCompletionResponse, ChatMessageRecord

    from ..._async.base_client import AsyncEventStream
    from .client import AsyncChatServerClient


class AsyncChatSession:
    """Conversation of one user, made by `AsyncChatServerClient.session`.

    Each call sends only what is new, because the server keeps what was said; `session_id` is None until the first
    answer names the session. `model` is None until it is known. For one conversation at a time, not for several tasks.
    """

    def __init__(self, client: AsyncChatServerClient, user_id: str, session_id: str | None, model: str | None) -> None:
        self._client = client
        self.user_id = user_id
        self.session_id = session_id
        self.model = model

    def __repr__(self) -> str:
        return f"{type(self).__name__}(user_id={self.user_id!r}, session_id={self.session_id!r})"

    async def send(
        self, message: AnyMessage | Iterable[AnyMessage], model: str | None = None, **options: Unpack[SendOptions]
    ) -> ChatCompletionResponse:
        """Send a message, or several, and return the answer; takes the options of `create_completion`."""
        said = _listed(message)
        response: ChatCompletionResponse = await self._client.create_completion(
            await self._choose(model), said, user=self.user_id, session_id=self.session_id, **options
        )
        self._remember(response.system_fingerprint)
        return response

    def stream(
        self, message: AnyMessage | Iterable[AnyMessage], model: str | None = None, **options: Unpack[SendOptions]
    ) -> AsyncChatStream:
        """Return the answer to a message, or several, as a stream; sent when it is entered or first read."""
        said = _listed(message)
        if unknown := options.keys() - SendOptions.__annotations__.keys():
            raise TypeError(f"stream() got an unexpected keyword argument {min(unknown)!r}")

        async def send() -> AsyncEventStream:
            chosen = await self._choose(model)
            call = completion_call(chosen, said, self.user_id, session_id=self.session_id, **options)
            return await self._client.open_completion(*call)

        return AsyncChatStream(send, self._remember)

    async def history(self) -> list[ChatMessageRecord]:
        """Return what was said so far, oldest first, as the server recorded it; nothing before the first answer."""
        if self.session_id is None:
            return []
        return (await self._client.get_session(self.session_id, user_id=self.user_id)).messages

    async def _choose(self, model: str | None) -> str:
        """Return the model: the given one, the session's, or else the first that the server offers."""
        if model is not None or self.model is not None:
            return model or self.model or ""
        if self.session_id is not None:
            recorded = await self._client.get_session(self.session_id, user_id=self.user_id)
            self.model = recorded.session.model
        if not self.model:
            offered = (await self._client.list_models()).data
            if not offered:
                raise BadRequestError("the server offers no model; name one with model=")
            self.model = offered[0].id
        return self.model

    def _remember(self, session_id: str | None) -> None:
        self.session_id = session_id or self.session_id


def _listed(message: AnyMessage | Iterable[AnyMessage]) -> Iterable[AnyMessage]:
    """Return one message or several as they travel, checked before the server is asked for a model."""
    return as_messages([message] if isinstance(message, Model | Mapping | str) else message)
