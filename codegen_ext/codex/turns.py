"""What becomes of a turn, told by the app-server's notifications alone."""

from __future__ import annotations

from typing import Any

from attrs import Factory, define

from .errors import incomplete_reason, status_of
from .protocol import Message

_BETWEEN_MESSAGES = "\n\n"
_COUNTS = ("inputTokens", "cachedInputTokens", "outputTokens", "reasoningOutputTokens")
"""The CLI's names of what `Usage` holds, in its order."""
_HOPELESS = frozenset({400, 401, 403, 404})
"""Statuses that no repetition mends, although the CLI repeats such requests too."""


@define
class _Message:
    """A message of the agent to the user, as far as it is known."""

    id: str
    is_final: bool
    """Whether the service said that it is the last."""
    pieces: list[str] = Factory(list)
    is_complete: bool = False
    is_kept: bool = False
    """Whether the response that it belongs to is complete, so that no repetition voids it."""


@define
class Usage:
    """Tokens as the service counted them, summed over the responses of a turn."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0

    def add(self, other: Usage) -> None:
        """Count these too."""
        self.input_tokens += other.input_tokens
        self.cached_tokens += other.cached_tokens
        self.output_tokens += other.output_tokens
        self.reasoning_tokens += other.reasoning_tokens

    @property
    def total_tokens(self) -> int:
        """Tokens of both directions."""
        return self.input_tokens + self.output_tokens


class Turn:
    """The state of one turn; `feed` takes the notifications of its thread in order.

    The text is what the agent says to the user: its comments between commands are not part of it, and several messages
    are parted by a blank line. With `last_message_only` the text is the last message, which is the one that an output
    schema shapes; it counts as known once the service calls it final or the turn is over.
    """

    def __init__(self, *, last_message_only: bool = False) -> None:
        self.id: str | None = None
        self.status = "pending"
        self.error: dict[str, Any] | None = None
        self.usage: Usage | None = None
        self.finish_reason: str | None = None
        """`length` or `content_filter` where the service cut the answer, `stop` at an ordinary end."""
        self.is_voided = False
        """Whether text that `feed` had returned turned out void."""
        self.has_message = False
        """Whether the agent began to answer."""
        self._last_message_only = last_message_only
        self._messages: list[_Message] = []
        self._comments: set[str] = set()
        self._shown = 0

    @property
    def text(self) -> str:
        """The text so far."""
        return _BETWEEN_MESSAGES.join("".join(message.pieces) for message in self._messages if message.pieces)

    @property
    def is_over(self) -> bool:
        """Whether the server is done with it."""
        return self.status in ("completed", "failed", "interrupted")

    @property
    def is_decided(self) -> bool:
        """Whether nothing that still comes changes the outcome."""
        return self.is_over or self.finish_reason is not None or self.error is not None

    @property
    def is_running(self) -> bool:
        """Whether the server works on it."""
        return self.status == "inProgress"

    def accepted(self, turn: dict[str, Any]) -> None:
        """Take the reply to `turn/start`, which may come before or after `turn/started`."""
        self.id = self.id or turn["id"]

    def feed(self, message: Message) -> str:
        """Take a notification and return the text that it adds, which may be empty."""
        method, params = message["method"], message["params"]
        if method == "turn/started":
            self.accepted(params["turn"])
            if self.status == "pending":
                self.status = "inProgress"
        elif method == "item/started" and params["item"]["type"] == "agentMessage":
            self._begin(params["item"])
        elif method == "item/agentMessage/delta" and params["itemId"] not in self._comments:
            return self._grow(self._message(params["itemId"]), params["delta"])
        elif method == "item/completed" and params["item"]["type"] == "agentMessage":
            return self._complete(params["item"])
        elif method == "thread/tokenUsage/updated" and params["turnId"] == self.id:
            self.usage = self.usage or Usage()
            self.usage.add(Usage(*map(params["tokenUsage"]["last"].__getitem__, _COUNTS)))
            for known in self._messages:
                known.is_complete = known.is_kept = True
        elif method == "error":
            self._fail(params["error"], params["willRetry"])
        elif method == "turn/completed" and params["turn"]["id"] == self.id:
            return self._end(params["turn"])
        return ""

    def _begin(self, item: dict[str, Any]) -> None:
        if item.get("phase") == "commentary":
            self._comments.add(item["id"])
            return
        self.has_message = True
        if self._last_message_only:
            self._messages.clear()
        elif self._messages and not self._messages[-1].is_complete:
            self._messages.pop()  # the turn was steered away from it
        self._messages.append(_Message(item["id"], item.get("phase") == "final_answer"))
        self._retract()

    def _message(self, item_id: str) -> _Message:
        if not self._messages or self._messages[-1].id != item_id or self._messages[-1].is_complete:
            self._begin({"id": item_id})
        return self._messages[-1]

    def _grow(self, message: _Message, piece: str) -> str:
        if not piece:
            return ""
        is_later = not message.pieces and any(known.pieces for known in self._messages)
        message.pieces.append(piece)
        if not self._shows(message):
            return ""
        news = _BETWEEN_MESSAGES + piece if is_later else piece
        self._shown += len(news)
        return news

    def _shows(self, message: _Message) -> bool:
        return message.is_final or not self._last_message_only

    def _complete(self, item: dict[str, Any]) -> str:
        if item["id"] in self._comments or item.get("phase") == "commentary":
            return ""
        message = self._message(item["id"])
        message.is_complete = True
        streamed = "".join(message.pieces)
        if item["text"].startswith(streamed):
            return self._grow(message, item["text"][len(streamed) :])
        message.pieces = [item["text"]]
        if self._shows(message):
            self._shown = len(self.text)
        return ""

    def _retract(self) -> None:
        length = len(self.text)
        if self._shown > length:
            self._shown, self.is_voided = length, True

    def _fail(self, error: dict[str, Any], will_retry: bool) -> None:
        self.finish_reason = incomplete_reason(error)
        if self.finish_reason is not None:
            return
        if not will_retry or status_of(error) in _HOPELESS:
            self.error = error
            return
        self._messages = [message for message in self._messages if message.is_kept]
        self._retract()

    def _end(self, turn: dict[str, Any]) -> str:
        self.status = turn["status"]
        if self.finish_reason is None and turn.get("error"):
            self.error = turn["error"]
            self.finish_reason = incomplete_reason(turn["error"])
        if self.finish_reason is None and self.status == "completed":
            self.finish_reason = "stop"
        if not self._last_message_only or self.status == "failed":
            return ""
        news = self.text[self._shown :]
        self._shown += len(news)
        return news
