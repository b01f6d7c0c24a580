"""Threads that last: several turns, with tools and files."""

from __future__ import annotations

from functools import partial
from typing import Any, Self, Unpack

import openai

from .conversation import Conversation, call
from .core import Core
from .errors import CodexError
from .messages import user_input
from .request import ThreadArguments, TurnArguments, check_names, without_none
from .streams import Stream
from .thread_flows import ThreadEvent, ThreadState, TurnResult, open_thread, run_turn, unload


class ThreadBase:
    """What the handles of both clients share: the conversations behind their methods."""

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
    ) -> tuple[Core, Conversation[TurnResult], float | openai.NotGiven | None]:
        check_names("run", arguments, TurnArguments)
        given = {
            "model": arguments.get("model"),
            "effort": arguments.get("reasoning_effort"),
            "outputSchema": arguments.get("output_schema"),
        }
        params = {"input": user_input(content), **without_none(given)}
        conversation = partial(run_turn, state=self._state, params=params)
        return self._core, conversation, arguments.get("timeout", openai.NOT_GIVEN)

    def _steer(self, content: Any) -> Conversation[Any]:
        params = {"threadId": self.id, "expectedTurnId": self._going_on(), "input": user_input(content)}
        return partial(call, method="turn/steer", params=params)

    def _interrupt(self) -> Conversation[Any]:
        return partial(call, method="turn/interrupt", params={"threadId": self.id, "turnId": self._going_on()})

    def _fork(self) -> Conversation[ThreadState]:
        return partial(open_thread, method="thread/fork", settings=self._state.params, thread_id=self.id)

    def _unload(self) -> Conversation[None]:
        self._state.server_pid = None
        return partial(unload, thread_id=self.id)

    def _going_on(self) -> str:
        turn_id = self._state.turn_id
        if turn_id is None:
            raise CodexError("no turn goes on in this thread")
        return turn_id


class ThreadsBase:
    """What `client.threads` of both clients share."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def _start(self, arguments: ThreadArguments) -> Conversation[ThreadState]:
        return partial(open_thread, method="thread/start", settings=self._core.thread(arguments))

    def _existing(self, method: str, thread_id: str) -> Conversation[ThreadState]:
        return partial(open_thread, method=method, settings=self._core.settings, thread_id=thread_id)


class CodexThread(ThreadBase):
    """A conversation with the agent; turns come one after the other."""

    def run(self, input: Any, **arguments: Unpack[TurnArguments]) -> TurnResult:
        """Let the agent do a turn and return what it came to.

        `input` is a text, or a list of parts as in a chat message, with `image_url` for pictures (data URI, path).
        Raises the errors of a completion; CodexError when a turn goes on.
        """
        return Stream[ThreadEvent, TurnResult](*self._turn(input, arguments)).result()

    def stream(self, input: Any, **arguments: Unpack[TurnArguments]) -> Stream[ThreadEvent, TurnResult]:
        """Let the agent do a turn and yield its events: commands run, files changed, reasoning, deltas of text."""
        return Stream(*self._turn(input, arguments))

    def steer(self, input: Any) -> None:
        """Say something to the turn that goes on; raises CodexError where none does."""
        Stream[Any, Any](self._core, self._steer(input)).result()

    def interrupt(self) -> None:
        """Interrupt the turn that goes on; its `run` returns with the status `interrupted`."""
        Stream[Any, Any](self._core, self._interrupt()).result()

    def fork(self) -> CodexThread:
        """Return a new thread that begins with the turns of this one."""
        return CodexThread(self._core, Stream[Any, ThreadState](self._core, self._fork()).result())

    def close(self) -> None:
        """Let the server unload it; it can be resumed."""
        Stream[Any, None](self._core, self._unload()).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class Threads(ThreadsBase):
    """Begins threads and takes them up again."""

    def start(self, **arguments: Unpack[ThreadArguments]) -> CodexThread:
        """Begin a thread; what is not given is as the client was built."""
        return self._open(self._start(arguments))

    def resume(self, thread_id: str) -> CodexThread:
        """Take up a thread that this client, or another with the same `codex_home`, began.

        Raises openai.NotFoundError where there is none with a turn.
        """
        return self._open(self._existing("thread/resume", thread_id))

    def fork(self, thread_id: str) -> CodexThread:
        """Begin a thread with the turns of another."""
        return self._open(self._existing("thread/fork", thread_id))

    def _open(self, conversation: Conversation[ThreadState]) -> CodexThread:
        return CodexThread(self._core, Stream[Any, ThreadState](self._core, conversation).result())
