"""State of one turn, as the app-server's notifications tell it: the text that is shown, how it ended, what it used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from attrs import define, field

from .errors import FinishReason, incomplete_reason, status_of, turn_error

BYTES_PER_TOKEN = 4
"""The service's tokenizer is not at hand, so a token counts as four bytes of UTF-8, as the CLI itself estimates."""
_SEPARATOR = "\n\n"
_FINAL_STATUSES = frozenset({400, 401, 403, 404})
"""Statuses that no repetition mends, although the CLI repeats such requests too."""


@define
class _AgentMessage:
    id: str
    phase: str | None
    """`commentary` or `final_answer` where the service says so."""
    text: str = ""


@define
class Turn:
    """State of a turn; `feed` takes the notifications of its thread in order.

    The text is what the agent says to the user: its comments between commands are not part of it, and several messages
    are separated by a blank line. With `last_message_only` it is the last message, which is the one that an output
    schema shapes; it is shown once the service calls it final or the turn is over.
    """

    stop: Sequence[str] = ()
    max_tokens: int | None = None
    last_message_only: bool = False
    text: str = ""
    """What is shown so far; what the CLI asks the service for once more is taken out again."""
    finish_reason: FinishReason | None = None
    usage: Counter[str] | None = None
    """Tokens as the service counted them, by the CLI's names; None where the turn did not come to its end."""
    _messages: list[_AgentMessage] = field(factory=list, init=False)
    _kept: int = field(default=0, init=False)
    """The number of messages that belong to complete responses, which no repetition voids."""
    _used: Counter[str] | None = field(default=None, init=False)
    _searched: str = field(default="", init=False)
    """The text that was looked through for its end, and below the number of bytes that it has at most."""
    _bytes: int = field(default=0, init=False)

    def feed(self, method: str, params: dict[str, Any]) -> None:
        """Take a notification; raises the error of a turn that failed."""
        reason: FinishReason | None = None
        if method == "item/started" and params["item"]["type"] == "agentMessage":
            self._begin(params["item"])
        elif method == "item/agentMessage/delta":
            self._message({"id": params["itemId"]}).text += params["delta"]
        elif method == "item/completed" and params["item"]["type"] == "agentMessage":
            message = self._message(params["item"])
            if params["item"]["text"].startswith(message.text):  # otherwise the deltas count, which may be shown
                message.text = params["item"]["text"]
        elif method == "thread/tokenUsage/updated":
            self._used = (self._used or Counter()) + Counter(params["tokenUsage"]["last"])
            self._kept = len(self._messages)
        elif method == "error":
            error = params["error"]
            reason = incomplete_reason(error)
            if reason is None and params["willRetry"] and status_of(error) not in _FINAL_STATUSES:
                del self._messages[self._kept :]
            elif reason is None:
                raise turn_error(error)
        elif method == "turn/completed":
            reason = self._end(params["turn"])
        else:
            return
        is_over = reason is not None
        self.text, cut_reason = self._cut(self._said(is_over=is_over), is_over=is_over)
        self.finish_reason = cut_reason or reason

    def _begin(self, item: dict[str, Any]) -> _AgentMessage:
        self._messages.append(_AgentMessage(item["id"], item.get("phase")))
        return self._messages[-1]

    def _message(self, item: dict[str, Any]) -> _AgentMessage:
        under_way = (message for message in reversed(self._messages[self._kept :]) if message.id == item["id"])
        return next(under_way, None) or self._begin(item)

    def _end(self, turn: dict[str, Any]) -> FinishReason:
        if turn["status"] == "completed":
            self.usage = self._used
            return "stop"
        error = turn.get("error") or {"message": f"the turn was {turn['status']}"}
        reason = incomplete_reason(error)
        if reason is None:
            raise turn_error(error)
        return reason

    def _said(self, *, is_over: bool) -> str:
        said = [message for message in self._messages if message.phase != "commentary"]
        if not self.last_message_only:
            return _SEPARATOR.join(message.text for message in said if message.text)
        return said[-1].text if said and (is_over or said[-1].phase == "final_answer") else ""

    def _cut(self, text: str, *, is_over: bool) -> tuple[str, FinishReason | None]:
        """Return what is shown of a text that may still grow, and why it ends there, None where it does not.

        It ends before the stop sequence that is complete first; what may be the beginning of one is held back. Only
        what is new is looked through.
        """
        start = len(self._searched) if text.startswith(self._searched) else 0
        self._bytes += len(text[start:].encode(errors="replace"))
        self._searched = text
        reason: FinishReason | None = None
        ends = [
            (at + len(sequence), at)
            for sequence in self.stop
            if (at := text.find(sequence, max(0, start - len(sequence) + 1))) >= 0
        ]
        if ends:
            text, reason = text[: min(ends)[1]], "stop"
        elif not is_over:
            longest = min(len(text), max(map(len, self.stop), default=1) - 1)
            held = next((n for n in range(longest, 0, -1) if any(one.startswith(text[-n:]) for one in self.stop)), 0)
            text = text[: len(text) - held]
        if self.max_tokens is not None and self._bytes > self.max_tokens * BYTES_PER_TOKEN:
            data = text.encode(errors="replace")
            if len(data) > self.max_tokens * BYTES_PER_TOKEN:
                return data[: self.max_tokens * BYTES_PER_TOKEN].decode(errors="ignore"), "length"
        return text, reason
