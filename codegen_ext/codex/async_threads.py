"""Threads that last, for asyncio."""

from __future__ import annotations

from typing import Any, Self, Unpack

from .conversation import AsyncRun, Call
from .core import Core
from .request import ThreadArguments, TurnArguments
from .streams import AsyncStream
from .thread_flows import ThreadEvent, TurnResult
from .threads import ThreadBase, opening, state_of


class AsyncCodexThread(ThreadBase):
    """`CodexThread` for asyncio."""

    async def run(self, input: Any, **arguments: Unpack[TurnArguments]) -> TurnResult:
        """Let the agent do a turn and return what it came to, as `CodexThread.run` does."""
        return await AsyncRun[TurnResult](*self._turn(input, arguments)).result()

    def stream(self, input: Any, **arguments: Unpack[TurnArguments]) -> AsyncStream[ThreadEvent, TurnResult]:
        """Let the agent do a turn and yield its events: commands run, files changed, reasoning, deltas of text."""
        return AsyncStream(AsyncRun[TurnResult](*self._turn(input, arguments)), [])

    async def steer(self, input: Any) -> None:
        """Say something to the turn that goes on; raises CodexError where none does."""
        await self._perform(self._steer(input))

    async def interrupt(self) -> None:
        """Interrupt the turn that goes on; its `run` returns with the status `interrupted`."""
        await self._perform(self._interrupt())

    async def fork(self) -> AsyncCodexThread:
        """Return a new thread that begins with the turns of this one."""
        return await AsyncThreads(self._core)._open(self._fork())

    async def close(self) -> None:
        """Let the server unload it; it can be resumed."""
        await AsyncRun[None](*self._core.plain(self._unload())).result()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def _perform(self, call: Call) -> dict[str, Any]:
        return await AsyncRun[dict[str, Any]](*self._core.plain(call)).result()


class AsyncThreads:
    """Begins threads and takes them up again."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def start(self, **arguments: Unpack[ThreadArguments]) -> AsyncCodexThread:
        """Begin a thread; what is not given is as the client was built."""
        return await self._open(Call("thread/start", self._core.thread(arguments)))

    async def resume(self, thread_id: str) -> AsyncCodexThread:
        """Take up a thread, as `client.threads.resume` of `CodexClient` does."""
        return await self._open(opening(self._core, "thread/resume", thread_id))

    async def fork(self, thread_id: str) -> AsyncCodexThread:
        """Begin a thread with the turns of another."""
        return await self._open(opening(self._core, "thread/fork", thread_id))

    async def _open(self, call: Call) -> AsyncCodexThread:
        result = await AsyncRun[dict[str, Any]](*self._core.plain(call)).result()
        return AsyncCodexThread(self._core, state_of(call, result, self._core))
