"""A chat completion as a conversation with the app-server: one thread for each choice, all at once."""

from __future__ import annotations

import time
from typing import Literal, cast
from uuid import uuid4

import openai
from attrs import Factory, define
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionMessage
from openai.types.chat.chat_completion import Choice
from openai.types.chat.chat_completion_chunk import Choice as ChunkChoice
from openai.types.chat.chat_completion_chunk import ChoiceDelta
from openai.types.completion_usage import CompletionTokensDetails, PromptTokensDetails

from .conversation import Emit, Link, Receive, Steps, answer_request, result_of
from .emulation import TextLimit
from .errors import connection_error, turn_error
from .protocol import Message, Params, is_reply, thread_of
from .request import CompletionRequest
from .turns import Turn, Usage

FinishReason = Literal["stop", "length", "content_filter"]


@define
class _Choice:
    index: int
    turn: Turn
    limit: TextLimit
    pieces: list[str] = Factory(list)
    has_begun: bool = False
    has_limit_hit: bool = False

    @property
    def is_over(self) -> bool:
        return self.turn.is_over or (self.turn.is_decided and not self.has_limit_hit)

    @property
    def finish_reason(self) -> FinishReason:
        return cast("FinishReason", self.limit.finish_reason or self.turn.finish_reason or "stop")


class Completion:
    """Runs the turns of a completion; as a stream it emits chunks as the text arrives."""

    def __init__(self, link: Link, request: CompletionRequest, *, is_stream: bool) -> None:
        self._link = link
        self._request = request
        self._is_stream = is_stream
        self._id = f"chatcmpl-{uuid4().hex}"
        self._created = int(time.time())
        self._model = str(request.thread.get("model") or "")
        self._choices = [
            _Choice(index, Turn(last_message_only=request.has_schema), self._limit()) for index in range(request.n)
        ]
        self._requests: dict[int, tuple[_Choice, str]] = {}
        self._by_thread: dict[str, _Choice] = {}

    def _limit(self) -> TextLimit:
        return TextLimit(self._request.stop, self._request.max_tokens)

    def run(self) -> Steps[ChatCompletion]:
        """Return the completion; as a stream, emit its chunks first."""
        try:
            yield from self._follow()
            return (yield from self._end())
        finally:  # interrupt the turns that still go on, and let go of the threads
            for thread_id in self._by_thread:
                self._link.server.leave(thread_id, unload=True)

    def _follow(self) -> Steps[None]:
        for choice in self._choices:
            self._send(choice, "thread/start", self._request.thread)
        while not all(choice.is_over for choice in self._choices):
            try:
                message: Message = yield Receive()
            except openai.APITimeoutError:
                # Every text is complete; only the confirmations of interrupted turns are missing.
                if all(choice.is_over or choice.has_limit_hit for choice in self._choices):
                    break
                raise
            if is_reply(message):
                self._reply(message)
            elif "id" in message:
                yield from answer_request(self._link, message)
            elif known := self._by_thread.get(thread_of(message) or ""):
                yield from self._notification(known, message)
        for choice in self._choices:
            yield from self._show(choice, choice.limit.flush())

    def _send(self, choice: _Choice, method: str, params: Params) -> None:
        self._requests[self._link.send(method, params)] = choice, method

    def _reply(self, message: Message) -> None:
        choice, method = self._requests.pop(message["id"])
        result = result_of(message, method)
        if method == "turn/start":
            choice.turn.accepted(result["turn"])
        if method != "thread/start":
            return
        self._model = self._model or result["model"]
        thread_id = result["thread"]["id"]
        self._by_thread[thread_id] = choice
        prompt = self._request.prompt
        if prompt.history:
            self._send(choice, "thread/inject_items", {"threadId": thread_id, "items": prompt.history})
        turn = {"threadId": thread_id, "input": prompt.input, **self._request.turn}
        self._send(choice, "turn/start", turn)

    def _notification(self, choice: _Choice, message: Message) -> Steps[None]:
        turn = choice.turn
        text = turn.feed(message)
        if choice.has_limit_hit:
            return
        if turn.is_voided:
            if self._is_stream and choice.has_begun:
                raise connection_error("the connection broke off amid the answer: the text that was streamed is void")
            turn.is_voided = False
            choice.pieces, choice.limit = [], self._limit()
            text = turn.text
        if turn.has_message and not choice.has_begun:
            choice.has_begun = True
            if self._is_stream:
                yield self._delta(choice, ChoiceDelta(role="assistant", content=""))
        yield from self._show(choice, choice.limit.feed(text))
        if choice.limit.finish_reason is not None and not turn.is_over:
            choice.has_limit_hit = True
            self._link.server.leave(message["params"]["threadId"], unload=False)
        elif turn.is_decided and turn.finish_reason is None:
            raise turn_error(turn.error or {"message": f"the turn was {turn.status}"})

    def _show(self, choice: _Choice, text: str) -> Steps[None]:
        if text:
            choice.pieces.append(text)
            if self._is_stream:
                yield self._delta(choice, ChoiceDelta(content=text))

    def _end(self) -> Steps[ChatCompletion]:
        if self._is_stream:
            for choice in self._choices:
                if not choice.has_begun:
                    yield self._delta(choice, ChoiceDelta(role="assistant", content=""))
                yield self._delta(choice, ChoiceDelta(), choice.finish_reason)
            if self._request.include_usage and (usage := self._usage()) is not None:
                yield self._chunk([], usage)
        return ChatCompletion(
            id=self._id,
            created=self._created,
            model=self._model,
            object="chat.completion",
            choices=[
                Choice(
                    index=choice.index,
                    finish_reason=choice.finish_reason,
                    message=ChatCompletionMessage(role="assistant", content="".join(choice.pieces)),
                )
                for choice in self._choices
            ],
            usage=self._usage(),
        )

    def _usage(self) -> CompletionUsage | None:
        """Add up what the service counted; None where it was interrupted before it told."""
        total = Usage()
        for choice in self._choices:
            usage = choice.turn.usage
            if usage is None or choice.turn.status == "interrupted" or choice.turn.is_running:
                return None
            total.add(usage)
        return CompletionUsage(
            prompt_tokens=total.input_tokens,
            completion_tokens=total.output_tokens,
            total_tokens=total.total_tokens,
            prompt_tokens_details=PromptTokensDetails(cached_tokens=total.cached_tokens),
            completion_tokens_details=CompletionTokensDetails(reasoning_tokens=total.reasoning_tokens),
        )

    def _delta(
        self, choice: _Choice, delta: ChoiceDelta, finish_reason: FinishReason | None = None
    ) -> Emit[ChatCompletionChunk]:
        return self._chunk([ChunkChoice(index=choice.index, delta=delta, finish_reason=finish_reason)])

    def _chunk(self, choices: list[ChunkChoice], usage: CompletionUsage | None = None) -> Emit[ChatCompletionChunk]:
        return Emit(
            ChatCompletionChunk(
                id=self._id,
                created=self._created,
                model=self._model,
                object="chat.completion.chunk",
                choices=choices,
                usage=usage,
            )
        )
