"""A turn of a lasting thread as a conversation: every item that the agent works on is emitted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from typing import Any

from attrs import define, field, frozen

from .conversation import Effect, Emit, Listen, Receive, Send, answer_request, result_of
from .errors import CodexError, turn_error
from .protocol import Message, Params, is_reply, thread_of
from .turns import Turn, Usage


@frozen
class ThreadEvent:
    """Something that happened in a turn."""

    type: str
    """The CLI's name of the notification, such as `item/started`, `item/completed`, `item/agentMessage/delta`."""
    item: dict[str, Any] | None
    """The item of `item/started` and `item/completed`: its `type` is agentMessage, commandExecution, fileChange, …"""
    delta: str | None
    """The text that a delta adds."""
    params: dict[str, Any]
    """Everything that the CLI said."""


@frozen
class TurnResult:
    """What a turn came to."""

    id: str
    status: str
    """`completed` or `interrupted`; a turn that failed raises."""
    text: str
    """What the agent said to the user, without its comments between commands."""
    items: list[dict[str, Any]]
    """What it did, in order: messages, commands with their output, changed files, reasoning."""
    usage: Usage | None
    """Tokens as the service counted them, None where it did not."""


@define
class ThreadState:
    """What a thread's handle knows."""

    id: str
    params: Params
    """Settings with which another server takes the thread up again."""
    server_pid: int | None
    """The server that has it loaded."""
    turn_id: str | None = None
    """The turn that goes on."""
    lock: threading.Lock = field(factory=threading.Lock, repr=False)


class ThreadTurn:
    """One turn: the thread is taken up again where the server is another, and has one turn at a time."""

    def __init__(self, state: ThreadState, server_pid: Callable[[], int], turn: Params) -> None:
        self._state = state
        self._server_pid = server_pid
        self._params = turn
        self._turn = Turn(last_message_only="outputSchema" in turn)
        self._items: list[dict[str, Any]] = []

    def run(self) -> Generator[Effect, Any, TurnResult]:
        """Emit the events and return the result."""
        state = self._state
        if not state.lock.acquire(blocking=False):
            raise CodexError("a turn goes on in this thread: wait for it, or use steer() or interrupt()")
        try:
            pid = self._server_pid()
            if state.server_pid != pid:
                yield Send("thread/resume", {"threadId": state.id, "excludeTurns": True, **state.params})
                yield from self._result("thread/resume")
                state.server_pid = pid
            yield Listen(state.id)
            yield Send("turn/start", {"threadId": state.id, **self._params})
            return (yield from self._follow())
        finally:
            state.turn_id = None
            state.lock.release()

    def farewell(self) -> list[tuple[str, Params]]:
        """Interrupt the turn where it goes on."""
        if not self._turn.is_running:
            return []
        return [("turn/interrupt", {"threadId": self._state.id, "turnId": self._turn.id})]

    def _result(self, method: str) -> Generator[Effect, Any, dict[str, Any]]:
        while not is_reply(message := (yield Receive())):
            pass
        return result_of(message, method)

    def _follow(self) -> Generator[Effect, Any, TurnResult]:
        turn = self._turn
        while not turn.is_over:
            message: Message = yield Receive()
            if is_reply(message):
                turn.started(result_of(message, "turn/start")["turn"])
            elif "id" in message:
                yield from answer_request(message)
            elif thread_of(message) == self._state.id:
                turn.feed(message)
                params = message["params"]
                if message["method"] == "item/completed":
                    self._items.append(params["item"])
                yield Emit(ThreadEvent(message["method"], params.get("item"), params.get("delta"), params))
            self._state.turn_id = turn.id
        if turn.finish_reason is None and turn.status == "failed":
            raise turn_error(turn.error)
        return TurnResult(turn.id or "", turn.status, turn.text, self._items, turn.usage)


class Unload:
    """Lets the server unload a thread, and waits until it has, because until then it cannot be taken up again."""

    def __init__(self, thread_id: str) -> None:
        self._thread_id = thread_id

    def run(self) -> Generator[Effect, Any, None]:
        """Return when the thread is closed or was not loaded."""
        yield Listen(self._thread_id)
        yield Send("thread/unsubscribe", {"threadId": self._thread_id})
        while True:
            message: Message = yield Receive()
            if is_reply(message) and result_of(message, "thread/unsubscribe")["status"] != "unsubscribed":
                return
            if message.get("method") == "thread/closed":
                return

    def farewell(self) -> list[tuple[str, Params]]:
        """Nothing goes on."""
        return []
