"""Threads that last: several turns, with tools and files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, Unpack

import openai

from .conversation import ApprovalCallback, Call, Run
from .core import Core
from .errors import CodexError
from .messages import user_input
from .protocol import Params
from .request import ThreadArguments, TurnArguments, check_names, seconds, without_none
from .streams import Stream
from .supervisor import Supervisor
from .thread_flows import ThreadEvent, ThreadState, ThreadTurn, TurnResult, Unload


class ThreadBase:
    """What the handles of both clients share."""

    def __init__(self, core: Core, state: ThreadState) -> None:
        self._core = core
        self._state = state

    @property
    def id(self) -> str:
        """The id with which `threads.resume` finds it, as long as the client's `codex_home` lasts."""
        return self._state.id

    def __repr__(self) -> str:
        return f"{type(self).__name__}(id={self.id!r})"

    def _turn(
        self, content: Any, arguments: TurnArguments
    ) -> tuple[Supervisor, ThreadTurn, float | None, ApprovalCallback | None]:
        check_names("run", arguments, TurnArguments)
        given = {
            "model": arguments.get("model"),
            "effort": arguments.get("reasoning_effort"),
            "outputSchema": arguments.get("output_schema"),
        }
        turn = {"input": user_input(content), **without_none(given)}
        timeout = seconds(arguments.get("timeout", openai.NOT_GIVEN), self._core.timeout)
        supervisor = self._core.supervisor
        conversation = ThreadTurn(self._state, lambda: supervisor.server().pid, turn)
        return supervisor, conversation, timeout, self._core.approval_callback

    def _steer(self, content: Any) -> Call:
        return self._call("turn/steer", expectedTurnId=self._going_on(), input=user_input(content))

    def _interrupt(self) -> Call:
        return self._call("turn/interrupt", turnId=self._going_on())

    def _fork(self) -> Call:
        return self._call("thread/fork", excludeTurns=True, **self._state.params)

    def _unload(self) -> Unload:
        self._state.server_pid = None
        return Unload(self.id)

    def _call(self, method: str, **params: Any) -> Call:
        return Call(method, {"threadId": self.id, **params})

    def _going_on(self) -> str:
        turn_id = self._state.turn_id
        if turn_id is None:
            raise CodexError("no turn goes on in this thread")
        return turn_id


def opening(core: Core, method: str, thread_id: str) -> Call:
    """Return the call that takes up or forks a thread."""
    return Call(method, {**core.settings, "threadId": thread_id, "excludeTurns": True})


def state_of(call: Call, result: Mapping[str, Any], core: Core) -> ThreadState:
    """Return the state of a thread that the server began or took up."""
    params: Params = {name: value for name, value in call.params.items() if name not in ("threadId", "excludeTurns")}
    return ThreadState(result["thread"]["id"], {**params, "model": result["model"]}, core.supervisor.pid)


class CodexThread(ThreadBase):
    """A conversation with the agent; turns come one after the other."""

    def run(self, input: Any, **arguments: Unpack[TurnArguments]) -> TurnResult:
        """Let the agent do a turn and return what it came to.

        `input` is a text, or a list of parts as in a chat message, with `image_url` for pictures (data URI, path).
        Raises the errors of a completion; CodexError when a turn goes on.
        """
        return Run[TurnResult](*self._turn(input, arguments)).result()

    def stream(self, input: Any, **arguments: Unpack[TurnArguments]) -> Stream[ThreadEvent, TurnResult]:
        """Let the agent do a turn and yield its events: commands run, files changed, reasoning, deltas of text."""
        return Stream(Run[TurnResult](*self._turn(input, arguments)), [])

    def steer(self, input: Any) -> None:
        """Say something to the turn that goes on; raises CodexError where none does."""
        self._perform(self._steer(input))

    def interrupt(self) -> None:
        """Interrupt the turn that goes on; its `run` returns with the status `interrupted`."""
        self._perform(self._interrupt())

    def fork(self) -> CodexThread:
        """Return a new thread that begins with the turns of this one."""
        return Threads(self._core)._open(self._fork())

    def close(self) -> None:
        """Let the server unload it; it can be resumed."""
        Run[None](*self._core.plain(self._unload())).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _perform(self, call: Call) -> dict[str, Any]:
        return Run[dict[str, Any]](*self._core.plain(call)).result()


class Threads:
    """Begins threads and takes them up again."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def start(self, **arguments: Unpack[ThreadArguments]) -> CodexThread:
        """Begin a thread; what is not given is as the client was built."""
        return self._open(Call("thread/start", self._core.thread(arguments)))

    def resume(self, thread_id: str) -> CodexThread:
        """Take up a thread that this client, or another with the same `codex_home`, began.

        Raises openai.NotFoundError where there is none with a turn.
        """
        return self._open(opening(self._core, "thread/resume", thread_id))

    def fork(self, thread_id: str) -> CodexThread:
        """Begin a thread with the turns of another."""
        return self._open(opening(self._core, "thread/fork", thread_id))

    def _open(self, call: Call) -> CodexThread:
        result = Run[dict[str, Any]](*self._core.plain(call)).result()
        return CodexThread(self._core, state_of(call, result, self._core))
