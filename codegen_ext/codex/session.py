"""One thread of the app-server with its one turn, and the queue between the reading thread and the caller."""

from __future__ import annotations

import inspect
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from attrs import frozen

from .app_server import AppServer, Message, Params
from .errors import CodexError, not_understood, rpc_error


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

    def reply(self, method: str, reply: Message | Exception) -> None:
        """Take the reply to a request that concerns no thread."""
        if isinstance(reply, dict) and "error" in reply:
            reply = rpc_error(reply["error"], method)
        self.put(None, reply)

    def receive(self, message: Message) -> None:
        """Take what concerns a thread, and ignore it: no thread belongs to it."""


class Session:
    """Thread of the app-server with one turn, for one choice of a completion.

    Whenever the caller leaves, a turn that goes on is interrupted and the thread is unloaded: also where the turn is
    asked for and has not begun, which has to be waited for, because until then the CLI refuses to interrupt it.
    """

    def __init__(
        self, server: AppServer, mailbox: Mailbox, *, thread: Params, history: list[Params], turn: Params
    ) -> None:
        self.model = ""
        """The model that the server chose."""
        self._server = server
        self._mailbox = mailbox
        self._history = history
        self._turn = turn
        self._lock = threading.Lock()
        self._thread_id: str | None = None
        self._turn_id: str | None = None
        self._is_asked = self._is_left = False
        server.request("thread/start", thread, self)

    def leave(self) -> None:
        """End what still goes on in the server; may be called by a finalizer."""
        self._server.call_soon(self._leave)

    def answer(self, message: Message, decision: object) -> None:
        """Answer a request for approval; raises CodexError for a decision that is none."""
        if isinstance(decision, Awaitable):
            if inspect.iscoroutine(decision):
                decision.close()
            raise CodexError("the approval_callback of CodexClient must not be a coroutine function")
        if not isinstance(decision, str | dict):
            decision = "accept" if decision else "decline"
        self._server.send({"id": message["id"], "result": {"decision": decision}})

    def reply(self, method: str, reply: Message | Exception) -> None:
        """Take the reply to a request; called by the thread that reads, as `receive` is."""
        if isinstance(reply, dict) and "error" in reply:
            error = rpc_error(reply["error"], method)
            with self._lock:
                self._is_asked = self._is_asked and method != "turn/start"
            if self._is_left:
                self._leave()
            elif method in ("thread/start", "thread/inject_items", "turn/start"):
                self._mailbox.put(self, error)
        elif isinstance(reply, Exception):
            self._mailbox.put(self, reply)
        elif method == "thread/start":
            self._begin(reply["result"])

    def _begin(self, result: dict[str, Any]) -> None:
        self.model = result["model"]
        with self._lock:
            self._thread_id = thread_id = result["thread"]["id"]
            is_left = self._is_left
            self._is_asked = not is_left
        if is_left:
            self._leave()
            return
        self._mailbox.is_begun = True
        self._server.subscribe(thread_id, self)
        if self._history:
            self._server.request("thread/inject_items", {"threadId": thread_id, "items": self._history}, self)
        self._server.request("turn/start", {"threadId": thread_id, **self._turn}, self)

    def receive(self, message: Message) -> None:
        """Take a notification or a request of the server."""
        params = message["params"]
        is_own = params.get("threadId") == self._thread_id
        with self._lock:
            if is_own and message["method"] == "turn/started":
                self._turn_id, self._is_asked = params["turn"]["id"], False
            elif is_own and message["method"] == "turn/completed":
                self._turn_id, self._is_asked = None, False
            is_left = self._is_left
        if "id" in message and (is_left or message["method"] not in APPROVALS):
            self._server.refuse(message)
        elif is_left:
            self._leave()
        elif is_own or "id" in message:  # of sub-agents only what they ask
            self._mailbox.put(self, message)

    def _leave(self) -> None:
        with self._lock:
            self._is_left = True
            if self._thread_id is None or self._is_asked:
                return
            if self._turn_id is not None:
                self._server.request("turn/interrupt", {"threadId": self._thread_id, "turnId": self._turn_id}, self)
            self._server.unsubscribe(self._thread_id, self)
            self._thread_id = None


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
APPROVALS = {"item/commandExecution/requestApproval": "command", "item/fileChange/requestApproval": "file_change"}


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
