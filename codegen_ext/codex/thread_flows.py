"""A turn of a lasting thread as a conversation: every item that the agent works on is emitted."""

from __future__ import annotations

import threading
from typing import Any

from attrs import define, field, frozen

from .conversation import Emit, Link, Receive, Steps, answer_request, call, result_of
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


def open_thread(link: Link, method: str, settings: Params, thread_id: str | None = None) -> Steps[ThreadState]:
    """Begin a thread, or take up or fork the one with this id."""
    source = {} if method == "thread/start" else {"threadId": thread_id, "excludeTurns": True}
    result = yield from call(link, method, {**settings, **source})
    return ThreadState(result["thread"]["id"], {**settings, "model": result["model"]}, link.server.pid)


def run_turn(link: Link, state: ThreadState, params: Params) -> Steps[TurnResult]:
    """Emit the events of a turn and return what it came to.

    The thread is taken up again where the server is another, and has one turn at a time.
    """
    if not state.lock.acquire(blocking=False):
        raise CodexError("a turn goes on in this thread: wait for it, or use steer() or interrupt()")
    try:
        if state.server_pid != link.server.pid:
            yield from open_thread(link, "thread/resume", state.params, state.id)
            state.server_pid = link.server.pid
        link.listen(state.id)
        link.send("turn/start", {"threadId": state.id, **params})
        return (yield from _follow(link, state, Turn(last_message_only="outputSchema" in params)))
    finally:
        link.server.leave(state.id, unload=False)
        state.turn_id = None
        state.lock.release()


def _follow(link: Link, state: ThreadState, turn: Turn) -> Steps[TurnResult]:
    items: list[dict[str, Any]] = []
    while not turn.is_over:
        message: Message = yield Receive()
        if is_reply(message):
            turn.accepted(result_of(message, "turn/start")["turn"])
        elif "id" in message:
            yield from answer_request(link, message)
        elif thread_of(message) == state.id:
            turn.feed(message)
            params = message["params"]
            if message["method"] == "item/completed":
                items.append(params["item"])
            yield Emit(ThreadEvent(message["method"], params.get("item"), params.get("delta"), params))
        state.turn_id = turn.id if turn.is_running else None
    if turn.finish_reason is None and turn.status == "failed":
        raise turn_error(turn.error)
    return TurnResult(turn.id or "", turn.status, turn.text, items, turn.usage)


def unload(link: Link, thread_id: str) -> Steps[None]:
    """Let the server unload a thread, and wait until it has, because until then it cannot be taken up again."""
    link.listen(thread_id)
    link.send("thread/unsubscribe", {"threadId": thread_id})
    while True:
        message: Message = yield Receive()
        if is_reply(message) and result_of(message, "thread/unsubscribe")["status"] != "unsubscribed":
            return
        if message.get("method") == "thread/closed":
            return
