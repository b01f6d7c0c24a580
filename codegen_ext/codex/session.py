"""One thread of the app-server with its one turn, and the queue between the reading thread and the caller."""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from attrs import frozen

from .app_server import APPROVALS, AppServer, Message
from .arguments import CompletionRequest
from .errors import CodexError, not_understood
from .turn import Turn


class _Wakeable(Protocol):
    def wake(self) -> bool: ...


class Mailbox:
    """Queue of what the server says to one call; filled by any thread, emptied by the caller, with no lock."""

    def __init__(self) -> None:
        self.items: deque[tuple[Session | None, Message | Exception]] = deque()
        self.waiter: _Wakeable | None = None
        """Set by the caller before it looks at `items` for the last time."""
        self.is_begun = False
        """Whether a turn was asked for, which must not be done twice."""

    def put(self, session: Session | None, message: Message | Exception) -> None:
        """Add a message and wake the caller."""
        self.items.append((session, message))
        waiter = self.waiter
        if waiter is not None:
            waiter.wake()

    def receive(self, message: Message) -> None:
        """Take the reply to a request that concerns no thread."""
        self.put(None, message)

    def fail(self, error: Exception) -> None:
        """Take the error of such a request, or of the server."""
        self.put(None, error)


class Session:
    """Thread of the app-server with one turn, for one choice of a completion.

    Whenever the caller leaves, a turn that goes on is interrupted and the thread is unloaded: also where the turn is
    asked for and has not begun, which has to be waited for, because until then the CLI refuses to interrupt it.

    There is no lock: `leave` sets its mark before it looks at the state, the reading thread changes the state before it
    looks at the mark, so that one of them ends the turn; that both do is harmless.
    """

    def __init__(self, server: AppServer, mailbox: Mailbox, request: CompletionRequest, index: int) -> None:
        self.index = index
        self.turn = Turn(request.stop, request.max_tokens, last_message_only="outputSchema" in request.turn)
        self.model = ""
        """The model that the server chose."""
        self._server = server
        self._mailbox = mailbox
        self._request = request
        self._thread_id: str | None = None
        self._turn_id: str | None = None
        self._is_asked = self._is_left = self._is_ended = False
        server.request("thread/start", request.thread, self)

    def leave(self) -> None:
        """End what still goes on in the server; may be called by a finalizer."""
        self._is_left = True
        self._end_if_left()

    def answer(self, message: Message, decision: object) -> None:
        """Answer a request for approval; raises CodexError for a decision that is none."""
        if isinstance(decision, Awaitable):
            if inspect.iscoroutine(decision):
                decision.close()
            raise CodexError("the approval_callback of CodexClient must not be a coroutine function")
        if not isinstance(decision, str | dict):
            decision = "accept" if decision else "decline"
        self._server.send({"id": message["id"], "result": {"decision": decision}})

    def receive(self, message: Message) -> None:
        """Take a reply, a notification or a question of the server; called by the thread that reads, as `fail` is."""
        method, params, prompt = message["method"], message.get("params") or {}, self._request.prompt
        if method == "thread/start":
            self.model = message["result"]["model"]
            self._thread_id = message["result"]["thread"]["id"]
            self._server.subscribe(self._thread_id, self)
        if method == "thread/start" and prompt.history:
            self._ask("thread/inject_items", items=prompt.history)
        elif method in ("thread/start", "thread/inject_items"):
            self._ask("turn/start", input=prompt.input, **self._request.turn)
        elif "id" in message and method in APPROVALS:  # also those of sub-agents
            self._mailbox.put(self, message)
        elif params.get("threadId") == self._thread_id:
            if method == "turn/started":
                self._turn_id = params["turn"]["id"]
            elif method == "turn/completed":
                self._turn_id, self._is_asked = None, False
            self._mailbox.put(self, message)
        self._end_if_left()

    def fail(self, error: Exception) -> None:
        """Take the error of a request, or of the server."""
        self._is_asked = False
        self._mailbox.put(self, error)
        self._end_if_left()

    def _ask(self, method: str, **params: Any) -> None:
        self._is_asked = method == "turn/start"
        if self._is_left:
            self._is_asked = False  # nothing is sent any more
            return
        self._mailbox.is_begun = self._mailbox.is_begun or self._is_asked
        self._server.request(method, {"threadId": self._thread_id, **params}, self)

    def _end_if_left(self) -> None:
        thread_id, turn_id = self._thread_id, self._turn_id
        if not self._is_left or self._is_ended or thread_id is None or (self._is_asked and turn_id is None):
            return
        self._is_ended = True
        if turn_id is not None:
            self._server.request("turn/interrupt", {"threadId": thread_id, "turnId": turn_id})
        self._server.unsubscribe(thread_id, self)


@frozen
class ApprovalRequest:
    """Question of the agent whether it may run a command or change files."""

    kind: str
    """`command` or `file_change`."""
    thread_id: str
    turn_id: str
    item_id: str
    command: str | None
    """The command line."""
    cwd: str | None
    reason: str | None
    params: dict[str, Any]
    """Everything that the CLI sent."""


Approval = bool | str | dict[str, Any] | None
ApprovalCallback = Callable[[ApprovalRequest], Approval | Awaitable[Approval]]


def approval_request(message: Message) -> ApprovalRequest:
    """Return the question in a request of the server; raises openai.APIConnectionError where it lacks an id."""
    params = message["params"]
    try:
        return ApprovalRequest(
            kind=APPROVALS[message["method"]],
            thread_id=params["threadId"],
            turn_id=params["turnId"],
            item_id=params["itemId"],
            command=params.get("command"),
            cwd=params.get("cwd"),
            reason=params.get("reason"),
            params=params,
        )
    except KeyError as error:
        raise not_understood(error) from error
