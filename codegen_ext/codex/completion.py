"""One chat completion: the messages of the app-server go in, chunks and the completion come out."""

from __future__ import annotations

import time
from collections import Counter
from typing import Literal, cast
from uuid import uuid4

from attrs import Factory, define
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionMessage
from openai.types.chat.chat_completion import Choice
from openai.types.chat.chat_completion_chunk import Choice as ChunkChoice
from openai.types.chat.chat_completion_chunk import ChoiceDelta
from openai.types.completion_usage import CompletionTokensDetails, PromptTokensDetails

from .app_server import AppServer, Message
from .arguments import CompletionRequest
from .errors import connection_error, not_understood, turn_error
from .session import Mailbox, Session
from .truncation import Truncation
from .turn import Turn

FinishReason = Literal["stop", "length", "content_filter"]


@define
class _Choice:
    index: int
    turn: Turn
    truncation: Truncation
    pieces: list[str] = Factory(list)
    has_begun: bool = False

    @property
    def finish_reason(self) -> FinishReason | None:
        return cast("FinishReason | None", self.truncation.finish_reason or self.turn.finish_reason)


class Completion:
    """State of a completion; `feed` takes what the server says to it, every choice in a session of its own."""

    def __init__(self, request: CompletionRequest, *, is_stream: bool) -> None:
        self._request = request
        self._is_stream = is_stream
        self._id = f"chatcmpl-{uuid4().hex}"
        self._created = int(time.time())
        self._choices = [
            _Choice(index, Turn(last_message_only="outputSchema" in request.turn), self._truncation())
            for index in range(request.n)
        ]
        self._sessions: list[Session] = []

    def _truncation(self) -> Truncation:
        return Truncation(self._request.stop, self._request.max_tokens)

    def start(self, server: AppServer, mailbox: Mailbox) -> None:
        """Begin the turns of all choices at once."""
        request = self._request
        turn = {"input": request.prompt.input, **request.turn}
        self._sessions = [
            Session(server, mailbox, thread=request.thread, history=request.prompt.history, turn=turn)
            for _ in self._choices
        ]

    def leave(self) -> None:
        """Interrupt the turns that go on; may be called by a finalizer."""
        for session in self._sessions:
            session.leave()

    @property
    def is_over(self) -> bool:
        """Whether all choices have their finish reason."""
        return all(choice.finish_reason for choice in self._choices)

    def feed(self, session: Session, message: Message) -> list[ChatCompletionChunk]:
        """Take a notification and return the chunks that it adds to a stream; raises the error of a failed turn."""
        choice = self._choices[self._sessions.index(session)]
        turn = choice.turn
        if choice.finish_reason is not None:
            return []
        try:
            text = turn.feed(message)
        except (KeyError, TypeError, AttributeError) as error:
            raise not_understood(error) from error
        if turn.is_voided:
            if self._is_stream and choice.has_begun:
                raise connection_error("the connection broke off amid the answer: the text that was streamed is void")
            turn.is_voided = False
            choice.pieces, choice.truncation = [], self._truncation()
            text = turn.text
        text = choice.truncation.feed(text)
        if choice.truncation.finish_reason is not None:
            session.leave()
        elif turn.is_over:
            if turn.finish_reason is None:
                raise turn_error(turn.error or {})
            text += choice.truncation.flush()
        choice.pieces.append(text)
        return self._chunks(choice, text) if self._is_stream else []

    def _chunks(self, choice: _Choice, text: str) -> list[ChatCompletionChunk]:
        chunks = []
        if not choice.has_begun and (choice.turn.has_message or choice.finish_reason):
            choice.has_begun = True
            chunks.append(self._chunk(choice, ChoiceDelta(role="assistant", content="")))
        if text:
            chunks.append(self._chunk(choice, ChoiceDelta(content=text)))
        if self.is_over:
            chunks += [self._chunk(ended, ChoiceDelta(), ended.finish_reason) for ended in self._choices]
            usage = self._usage() if self._request.include_usage else None
            if usage is not None:
                chunks.append(self._chunk(None, ChoiceDelta(), usage=usage))
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
                    index=choice.index,
                    finish_reason=choice.finish_reason or "stop",
                    message=ChatCompletionMessage(role="assistant", content="".join(choice.pieces)),
                )
                for choice in self._choices
            ],
            usage=self._usage(),
        )

    def _usage(self) -> CompletionUsage | None:
        """Sum up what the service counted; None where a turn was interrupted before the service had counted."""
        total: Counter[str] = Counter()
        for choice in self._choices:
            if choice.turn.usage is None or not choice.turn.is_completed:
                return None
            total += choice.turn.usage
        return CompletionUsage(
            prompt_tokens=total["inputTokens"],
            completion_tokens=total["outputTokens"],
            total_tokens=total["inputTokens"] + total["outputTokens"],
            prompt_tokens_details=PromptTokensDetails(cached_tokens=total["cachedInputTokens"]),
            completion_tokens_details=CompletionTokensDetails(reasoning_tokens=total["reasoningOutputTokens"]),
        )

    def _chunk(
        self,
        choice: _Choice | None,
        delta: ChoiceDelta,
        finish_reason: FinishReason | None = None,
        usage: CompletionUsage | None = None,
    ) -> ChatCompletionChunk:
        return ChatCompletionChunk(
            id=self._id,
            created=self._created,
            model=self._sessions[0].model,
            object="chat.completion.chunk",
            choices=[ChunkChoice(index=choice.index, delta=delta, finish_reason=finish_reason)] if choice else [],
            usage=usage,
        )
