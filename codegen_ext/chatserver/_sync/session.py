# Generated from codegen_ext/chatserver/_async/session.py by make generate; edit there.
"""Conversation that continues its session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Unpack

from codegen_api.codec import Model

from ..errors import BadRequestError
from ..messages import AnyMessage, SendOptions, as_messages, completion_call
from .stream import ChatStream

if TYPE_CHECKING:
    from codegen_api.models import ChatCompletionResponse, ChatMessageRecord

    from ..._sync.base_client import EventStream
    from .client import ChatServerClient


class ChatSession:
    """Conversation of one user, made by `ChatServerClient.session`.

    Each call sends only what is new, because the server keeps what was said; `session_id` is None until the first
    answer names the session. `model` is None until it is known. For one conversation at a time, not for several tasks.
    """

    def __init__(self, client: ChatServerClient, user_id: str, session_id: str | None, model: str | None) -> None:
        self._client = client
        self.user_id = user_id
        self.session_id = session_id
        self.model = model

    def __repr__(self) -> str:
        return f"{type(self).__name__}(user_id={self.user_id!r}, session_id={self.session_id!r})"

    def send(
        self, message: AnyMessage | Iterable[AnyMessage], model: str | None = None, **options: Unpack[SendOptions]
    ) -> ChatCompletionResponse:
        """Send a message, or several, and return the answer; takes the options of `create_completion`."""
        said = _listed(message)
        response: ChatCompletionResponse = self._client.create_completion(
            self._choose(model), said, user=self.user_id, session_id=self.session_id, **options
        )
        self._remember(response.system_fingerprint)
        return response

    def stream(
        self, message: AnyMessage | Iterable[AnyMessage], model: str | None = None, **options: Unpack[SendOptions]
    ) -> ChatStream:
        """Return the answer to a message, or several, as a stream; sent when it is entered or first read."""
        said = _listed(message)
        if unknown := options.keys() - SendOptions.__annotations__.keys():
            raise TypeError(f"stream() got an unexpected keyword argument {min(unknown)!r}")

        def send() -> EventStream:
            chosen = self._choose(model)
            call = completion_call(chosen, said, self.user_id, session_id=self.session_id, **options)
            return self._client.open_completion(*call)

        return ChatStream(send, self._remember)

    def history(self) -> list[ChatMessageRecord]:
        """Return what was said so far, oldest first, as the server recorded it; nothing before the first answer."""
        if self.session_id is None:
            return []
        return (self._client.get_session(self.session_id, user_id=self.user_id)).messages

    def _choose(self, model: str | None) -> str:
        """Return the model: the given one, the session's, or else the first that the server offers."""
        if model is not None or self.model is not None:
            return model or self.model or ""
        if self.session_id is not None:
            recorded = self._client.get_session(self.session_id, user_id=self.user_id)
            self.model = recorded.session.model
        if not self.model:
            offered = (self._client.list_models()).data
            if not offered:
                raise BadRequestError("the server offers no model; name one with model=")
            self.model = offered[0].id
        return self.model

    def _remember(self, session_id: str | None) -> None:
        self.session_id = session_id or self.session_id


def _listed(message: AnyMessage | Iterable[AnyMessage]) -> Iterable[AnyMessage]:
    """Return one message or several as they travel, checked before the server is asked for a model."""
    return as_messages([message] if isinstance(message, Model | Mapping | str) else message)
