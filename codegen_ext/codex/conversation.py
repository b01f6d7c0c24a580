"""What a call says to the app-server, as a generator: it decides and never waits itself, so one serves both clients."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any, Generic, NamedTuple, TypeVar

from attrs import frozen

from .errors import rpc_error
from .process import Deliver, Server
from .protocol import Message, Params, is_reply

T = TypeVar("T")
R = TypeVar("R")


class Receive(NamedTuple):
    """Wait for the next message; the conversation is sent it, or the error that ended everything is thrown in."""


class Ask(NamedTuple):
    """Ask the user whether the agent may do something; the conversation is sent what the callback returned."""

    request: ApprovalRequest


class Emit(NamedTuple, Generic[T]):
    """Hand `item` to whoever runs the conversation."""

    item: T


@frozen
class Link:
    """A server, and who gets what it says to one conversation; nothing here waits."""

    server: Server
    deliver: Deliver

    def send(self, method: str, params: Params) -> int:
        """Send a request and return its id; the reply comes as a message."""
        return self.server.request(method, params, self.deliver)

    def listen(self, thread_id: str) -> None:
        """Get the messages of a thread that another conversation began."""
        self.server.listen(thread_id, self.deliver)


Steps = Generator[Receive | Ask | Emit[Any], Any, R]
Conversation = Callable[[Link], Steps[R]]
"""Begins a call to the app-server; closing the generator ends what still goes on in the server."""


def call(link: Link, method: str, params: Params) -> Steps[dict[str, Any]]:
    """Return the result of one request; a refusal is raised."""
    link.send(method, params)
    while not is_reply(message := (yield Receive())):
        pass
    return result_of(message, method)


def result_of(reply: Message, method: str) -> dict[str, Any]:
    """Return the result of a reply; raise the error that it carries."""
    if "error" in reply:
        raise rpc_error(reply["error"], method)
    result: dict[str, Any] = reply["result"]
    return result


@frozen
class ApprovalRequest:
    """The agent asks whether it may run a command or change files."""

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
    """Everything that the CLI said."""


Approval = bool | str | dict[str, Any] | None
ApprovalCallback = Callable[[ApprovalRequest], Approval | Awaitable[Approval]]
_KINDS = {"item/commandExecution/requestApproval": "command", "item/fileChange/requestApproval": "file_change"}


def answer_request(link: Link, message: Message) -> Steps[None]:
    """Answer a request of the server: what a person may decide is asked, the rest this client does not offer."""
    kind, params = _KINDS.get(message["method"]), message["params"]
    if kind is None:
        link.server.refuse(message, "is not offered by this client")
        return
    request = ApprovalRequest(
        kind=kind,
        thread_id=params["threadId"],
        turn_id=params["turnId"],
        item_id=params["itemId"],
        command=params.get("command"),
        cwd=params.get("cwd"),
        reason=params.get("reason"),
        params=params,
    )
    decision = yield Ask(request)
    if not isinstance(decision, str | dict):
        decision = "accept" if decision else "decline"
    link.server.answer({"id": message["id"], "result": {"decision": decision}})
