"""One chat completion: the messages of the app-server go in, chunks and the completion come out."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any
from uuid import uuid4

from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionMessage
from openai.types.chat.chat_completion import Choice
from openai.types.chat.chat_completion_chunk import Choice as ChunkChoice
from openai.types.chat.chat_completion_chunk import ChoiceDelta
from openai.types.completion_usage import CompletionTokensDetails, PromptTokensDetails

from .app_server import AppServer, Message
from .arguments import CompletionRequest
from .errors import connection_error, not_understood
from .session import Mailbox, Session


class Completion:
    """State of a completion; `feed` takes what the server says to it, every choice in a session of its own."""

    def __init__(self, request: CompletionRequest, *, is_stream: bool) -> None:
        self._request = request
        self._is_stream = is_stream
        self._id = f"chatcmpl-{uuid4().hex}"
        self._created = int(time.time())
        self._sessions: list[Session] = []

    def start(self, server: AppServer, mailbox: Mailbox) -> None:
        """Begin the turns of all choices at once."""
        self._sessions = [Session(server, mailbox, self._request, index) for index in range(self._request.n)]

    def leave(self) -> None:
        """Interrupt the turns that go on; may be called by a finalizer."""
        for session in self._sessions:
            session.leave()

    @property
    def is_over(self) -> bool:
        """Whether all choices have their finish reason."""
        return bool(self._sessions) and all(session.turn.finish_reason for session in self._sessions)

    def feed(self, session: Session, message: Message) -> list[ChatCompletionChunk]:
        """Take a notification and return the chunks that it adds to a stream; raises the error of a failed turn."""
        turn = session.turn
        if turn.finish_reason is not None:
            return []
        shown = turn.text
        try:
            turn.feed(message["method"], message["params"])
        except (KeyError, TypeError, AttributeError) as error:
            raise not_understood(error) from error
        if turn.finish_reason is not None:
            session.leave()
        if not self._is_stream:
            return []
        if not turn.text.startswith(shown):
            raise connection_error("the connection broke off amid the answer: the text that was streamed is void")
        chunks, added = [], turn.text[len(shown) :]
        if not shown and (added or turn.finish_reason):
            chunks.append(self._chunk(_choice(session, role="assistant", content="")))
        if added:
            chunks.append(self._chunk(_choice(session, content=added)))
        if self.is_over:
            chunks += [self._chunk(_choice(ended, is_last=True)) for ended in self._sessions]
            usage = self._usage() if self._request.include_usage else None
            if usage is not None:
                chunks.append(self._chunk(usage=usage))
        return chunks

    def result(self) -> ChatCompletion:
        """Return the whole; call when it is over."""
        return ChatCompletion(
            id=self._id,
            created=self._created,
            model=self._sessions[0].model,
            object="chat.completion",
            choices=[
                Choice(
                    index=session.index,
                    finish_reason=session.turn.finish_reason or "stop",
                    message=ChatCompletionMessage(role="assistant", content=session.turn.text),
                )
                for session in self._sessions
            ],
            usage=self._usage(),
        )

    def _usage(self) -> CompletionUsage | None:
        """Sum up what the service counted; None where a turn was interrupted before the service had counted."""
        total: Counter[str] = Counter()
        for session in self._sessions:
            if session.turn.usage is None:
                return None
            total += session.turn.usage
        return CompletionUsage(
            prompt_tokens=total["inputTokens"],
            completion_tokens=total["outputTokens"],
            total_tokens=total["inputTokens"] + total["outputTokens"],
            prompt_tokens_details=PromptTokensDetails(cached_tokens=total["cachedInputTokens"]),
            completion_tokens_details=CompletionTokensDetails(reasoning_tokens=total["reasoningOutputTokens"]),
        )

    def _chunk(self, *choices: ChunkChoice, usage: CompletionUsage | None = None) -> ChatCompletionChunk:
        return ChatCompletionChunk(
            id=self._id,
            created=self._created,
            model=self._sessions[0].model,
            object="chat.completion.chunk",
            choices=[*choices],
            usage=usage,
        )


def _choice(session: Session, *, is_last: bool = False, **delta: Any) -> ChunkChoice:
    reason = session.turn.finish_reason if is_last else None
    return ChunkChoice(index=session.index, delta=ChoiceDelta(**delta), finish_reason=reason)
