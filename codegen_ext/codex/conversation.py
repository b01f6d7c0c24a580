"""What a call says to the app-server, as a generator that yields effects, and the two drivers that perform them.

A conversation decides; it never sends or waits itself. So one serves threads and event loops, and tests drive it by
hand.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar

from attrs import frozen
from openai import APIConnectionError

from .errors import CodexError, rpc_error, timeout_error
from .process import Server
from .protocol import Message, Params
from .supervisor import Supervisor

T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)


class Send(NamedTuple):
    """Send a request; the conversation is sent its id at once, the reply comes as a message."""

    method: str
    params: Params


class Answer(NamedTuple):
    """Answer a request of the server."""

    message: Message


class Listen(NamedTuple):
    """Get the messages of a thread that another conversation began."""

    thread_id: str


class Receive(NamedTuple):
    """Wait for the next message; the conversation is sent it, or the error that ended everything is thrown in."""


class Ask(NamedTuple):
    """Ask the user whether the agent may do something; the conversation is sent what the callback returned."""

    request: ApprovalRequest


class Emit(NamedTuple, Generic[T]):
    """Hand `item` to whoever runs the conversation."""

    item: T


Effect = Send | Answer | Listen | Receive | Ask | Emit[Any]
Steps = Generator[Effect, Any, R_co]


class Conversation(Protocol[R_co]):
    """A call to the app-server from beginning to end."""

    def run(self) -> Steps[R_co]:
        """Yield the effects and return the result."""
        ...

    def farewell(self) -> list[tuple[str, Params]]:
        """Return the requests that end what is still going on; their replies interest nobody."""
        ...


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


def answer_request(message: Message) -> Steps[None]:
    """Answer a request of the server: what a person may decide is asked, the rest this client does not offer."""
    kind, params = _KINDS.get(message["method"]), message["params"]
    if kind is None:
        refusal = {"code": -32601, "message": f"{message['method']} is not offered by this client"}
        yield Answer({"id": message["id"], "error": refusal})
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
    yield Answer({"id": message["id"], "result": {"decision": decision}})


class Call:
    """One request and its reply."""

    def __init__(self, method: str, params: Params) -> None:
        self.method = method
        self.params = params

    def run(self) -> Steps[dict[str, Any]]:
        """Return the result; a refusal is raised."""
        yield Send(self.method, self.params)
        while "method" in (message := (yield Receive())):
            pass
        return result_of(message, self.method)

    def farewell(self) -> list[tuple[str, Params]]:
        """Nothing goes on."""
        return []


def result_of(reply: Message, method: str) -> dict[str, Any]:
    """Return the result of a reply; raise the error that it carries."""
    if "error" in reply:
        raise rpc_error(reply["error"], method)
    result: dict[str, Any] = reply["result"]
    return result


class _Driver(Generic[R_co]):
    """What both drivers share: sending, and ending in every case."""

    def __init__(
        self,
        supervisor: Supervisor,
        conversation: Conversation[R_co],
        timeout: float | None,
        approve: ApprovalCallback | None,
    ) -> None:
        self._supervisor = supervisor  # keeps the server alive as long as this goes on
        self._conversation = conversation
        self._steps = conversation.run()
        self._timeout = timeout
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._approve = approve
        self._server: Server | None = None
        self._result: list[R_co] = []
        self._has_heard = False
        self._is_second_try = False

    def _deliver(self, message: Message | Exception) -> object:
        raise NotImplementedError

    def _advance(self, resume: Callable[[Any], Effect], value: Any) -> Receive | Ask | Emit[Any]:
        """Go on to the next effect that takes time."""
        effect = resume(value)
        while not isinstance(effect, Receive | Ask | Emit):
            if self._server is None:
                self._server = self._supervisor.server()
            outcome = None
            if isinstance(effect, Send):
                outcome = self._server.request(effect.method, effect.params, self._deliver)
            elif isinstance(effect, Listen):
                self._server.listen(effect.thread_id, self._deliver)
            else:
                self._server.answer(effect.message)
            effect = self._steps.send(outcome)
        return effect

    def _fail(self, error: Exception) -> Receive | Ask | Emit[Any]:
        """Throw an error into the conversation; begin anew, once, where the server died before it said anything."""
        if self._has_heard or self._is_second_try or type(error) is not APIConnectionError:
            return self._advance(self._steps.throw, error)
        self._is_second_try = True
        self._steps.close()
        self._server, self._steps = None, self._conversation.run()
        return self._advance(self._steps.send, None)

    def _left(self) -> float | None:
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def _out_of_time(self) -> Exception:
        return timeout_error(self._timeout or 0)

    def _finish(self) -> None:
        """End whatever still goes on in the server."""
        self._steps.close()
        server, self._server = self._server, None
        if server is not None:
            server.forget(self._deliver)
            if server.is_alive:
                for method, params in self._conversation.farewell():
                    server.request(method, params)

    def __del__(self) -> None:
        self._finish()


class Run(_Driver[R_co]):
    """Performs a conversation in this thread; iterating yields what it emits."""

    def __init__(self, *arguments: Any) -> None:
        self._messages: SimpleQueue[Message | Exception] = SimpleQueue()
        super().__init__(*arguments)

    def _deliver(self, message: Message | Exception) -> object:
        self._messages.put(message)
        return None

    def _receive(self) -> Message:
        try:
            message = self._messages.get(timeout=self._left())
        except Empty:
            raise self._out_of_time() from None
        if isinstance(message, Exception):
            raise message
        self._has_heard = True
        return message

    def _ask(self, request: ApprovalRequest) -> Approval:
        answer = self._approve(request) if self._approve else False
        if isinstance(answer, Awaitable):
            if asyncio.iscoroutine(answer):
                answer.close()
            raise CodexError("approval_callback of CodexClient must be a plain function; use AsyncCodexClient")
        return answer

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        try:
            effect = self._advance(self._steps.send, None)
            while not isinstance(effect, Emit):
                try:
                    outcome = self._ask(effect.request) if isinstance(effect, Ask) else self._receive()
                except Exception as error:  # noqa: BLE001 - the conversation decides
                    effect = self._fail(error)
                else:
                    effect = self._advance(self._steps.send, outcome)
        except StopIteration as stop:
            if not self._result:
                self._result.append(stop.value)
            self._finish()
            raise
        except BaseException:
            self._finish()
            raise
        return effect.item

    def result(self) -> R_co:
        """Run to the end and return the result."""
        for _ in self:
            pass
        return self._result[0]

    def close(self) -> None:
        """End it early; a turn that goes on is interrupted."""
        self._finish()


class AsyncRun(_Driver[R_co]):
    """Performs a conversation in this task; otherwise like `Run`."""

    def __init__(self, *arguments: Any) -> None:
        self._messages: asyncio.Queue[Message | Exception] = asyncio.Queue()
        self._loop: asyncio.AbstractEventLoop | None = None
        super().__init__(*arguments)

    def _deliver(self, message: Message | Exception) -> object:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed, so nobody waits
                self._loop.call_soon_threadsafe(self._messages.put_nowait, message)
        return None

    async def _receive(self) -> Message:
        try:
            async with asyncio.timeout(self._left()):
                message = await self._messages.get()
        except TimeoutError:
            raise self._out_of_time() from None
        if isinstance(message, Exception):
            raise message
        self._has_heard = True
        return message

    async def _ask(self, request: ApprovalRequest) -> Approval:
        answer = self._approve(request) if self._approve else False
        return await answer if isinstance(answer, Awaitable) else answer

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        self._loop = asyncio.get_running_loop()
        try:
            effect = self._advance(self._steps.send, None)
            while not isinstance(effect, Emit):
                try:
                    outcome = await (self._ask(effect.request) if isinstance(effect, Ask) else self._receive())
                except Exception as error:  # noqa: BLE001 - the conversation decides
                    effect = self._fail(error)
                else:
                    effect = self._advance(self._steps.send, outcome)
        except StopIteration as stop:
            if not self._result:
                self._result.append(stop.value)
            self._finish()
            raise StopAsyncIteration from None
        except BaseException:
            self._finish()
            raise
        return effect.item

    async def result(self) -> R_co:
        """Run to the end and return the result."""
        async for _ in self:
            pass
        return self._result[0]

    async def close(self) -> None:
        """End it early; a turn that goes on is interrupted."""
        self._finish()
