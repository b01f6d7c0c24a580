"""State of one turn, as the app-server's notifications tell it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from attrs import Factory, define, field

from .app_server import Message
from .errors import incomplete_reason, status_of

_SEPARATOR = "\n\n"
_FINAL_STATUSES = frozenset({400, 401, 403, 404})
"""Statuses that no repetition mends, although the CLI repeats such requests too."""


@define
class _AgentMessage:
    id: str
    is_final: bool
    """Whether the service said that it is the last."""
    pieces: list[str] = Factory(list)
    is_complete: bool = False
    is_kept: bool = False
    """Whether the response that it belongs to is complete, so that no repetition voids it."""


@define
class Turn:
    """State of a turn; `feed` takes the notifications of its thread in order.

    The text is what the agent says to the user: its comments between commands are not part of it, and several messages
    are separated by a blank line. With `last_message_only` the text is the last message, which is the one that an
    output schema shapes; it is returned once the service calls it final or the turn is over.
    """

    last_message_only: bool = False
    error: dict[str, Any] | None = None
    usage: Counter[str] | None = None
    """Tokens as the service counted them, by the CLI's names, summed over the responses of the turn."""
    finish_reason: str | None = None
    """`length` or `content_filter` where the service cut the answer, `stop` at an ordinary end."""
    is_completed: bool = False
    """Whether the turn came to an ordinary end, with all its responses counted."""
    is_voided: bool = False
    """Whether text that `feed` had returned turned out void."""
    has_message: bool = False
    """Whether the agent began to answer."""
    _messages: list[_AgentMessage] = field(factory=list, init=False)
    _comments: set[str] = field(factory=set, init=False)
    _shown: int = field(default=0, init=False)

    @property
    def text(self) -> str:
        """The text so far."""
        return _SEPARATOR.join("".join(message.pieces) for message in self._messages if message.pieces)

    @property
    def is_over(self) -> bool:
        """Whether nothing that still comes changes the outcome."""
        return self.finish_reason is not None or self.error is not None

    def feed(self, message: Message) -> str:
        """Take a notification and return the text that it adds, which may be empty."""
        method, params = message["method"], message["params"]
        if method == "item/started" and params["item"]["type"] == "agentMessage":
            self._begin(params["item"])
        elif method == "item/agentMessage/delta" and params["itemId"] not in self._comments:
            return self._add(self._message(params["itemId"]), params["delta"])
        elif method == "item/completed" and params["item"]["type"] == "agentMessage":
            return self._complete(params["item"])
        elif method == "thread/tokenUsage/updated":
            self.usage = (self.usage or Counter()) + Counter(params["tokenUsage"]["last"])
            for known in self._messages:
                known.is_complete = known.is_kept = True
        elif method == "error":
            self._fail(params["error"], params["willRetry"])
        elif method == "turn/completed":
            return self._end(params["turn"])
        return ""

    def _begin(self, item: dict[str, Any]) -> None:
        if item.get("phase") == "commentary":
            self._comments.add(item["id"])
            return
        self.has_message = True
        if self.last_message_only:
            self._messages.clear()
            self._retract()
        self._messages.append(_AgentMessage(item["id"], item.get("phase") == "final_answer"))

    def _message(self, item_id: str) -> _AgentMessage:
        if not self._messages or self._messages[-1].id != item_id or self._messages[-1].is_complete:
            self._begin({"id": item_id})
        return self._messages[-1]

    def _add(self, message: _AgentMessage, piece: str) -> str:
        if not piece:
            return ""
        is_later = not message.pieces and any(known.pieces for known in self._messages)
        message.pieces.append(piece)
        if self.last_message_only and not message.is_final:
            return ""
        added = _SEPARATOR + piece if is_later else piece
        self._shown += len(added)
        return added

    def _complete(self, item: dict[str, Any]) -> str:
        if item["id"] in self._comments or item.get("phase") == "commentary":
            return ""
        message = self._message(item["id"])
        message.is_complete = True
        streamed = "".join(message.pieces)
        if item["text"].startswith(streamed):
            return self._add(message, item["text"][len(streamed) :])
        message.pieces = [item["text"]]  # the service corrected itself: what was streamed stays with the caller
        if not self.last_message_only or message.is_final:
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
        if not will_retry or status_of(error) in _FINAL_STATUSES:
            self.error = error
            return
        self._messages = [message for message in self._messages if message.is_kept]
        self._retract()

    def _end(self, turn: dict[str, Any]) -> str:
        self.is_completed = turn["status"] == "completed"
        if self.finish_reason is None:
            self.error = turn.get("error") or self.error
            self.finish_reason = incomplete_reason(self.error or {}) or ("stop" if self.is_completed else None)
        if self.finish_reason is None:
            self.error = self.error or {"message": f"the turn was {turn['status']}"}
            return ""
        if not self.last_message_only:
            return ""
        added = self.text[self._shown :]
        self._shown += len(added)
        return added
