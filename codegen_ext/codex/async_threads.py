"""Threads that last, for asyncio."""

from __future__ import annotations

from typing import Any, Self, Unpack

from .conversation import Conversation
from .request import ThreadArguments, TurnArguments
from .streams import AsyncStream
from .thread_flows import ThreadEvent, ThreadState, TurnResult
from .threads import ThreadBase, ThreadsBase


class AsyncCodexThread(ThreadBase):
    """`CodexThread` for asyncio."""

    async def run(self, input: Any, **arguments: Unpack[TurnArguments]) -> TurnResult:
        """Let the agent do a turn and return what it came to, as `CodexThread.run` does."""
        return await AsyncStream[ThreadEvent, TurnResult](*self._turn(input, arguments)).result()

    def stream(self, input: Any, **arguments: Unpack[TurnArguments]) -> AsyncStream[ThreadEvent, TurnResult]:
        """Let the agent do a turn and yield its events: commands run, files changed, reasoning, deltas of text."""
        return AsyncStream(*self._turn(input, arguments))

    async def steer(self, input: Any) -> None:
        """Say something to the turn that goes on; raises CodexError where none does."""
        await AsyncStream[Any, Any](self._core, self._steer(input)).result()

    async def interrupt(self) -> None:
        """Interrupt the turn that goes on; its `run` returns with the status `interrupted`."""
        await AsyncStream[Any, Any](self._core, self._interrupt()).result()

    async def fork(self) -> AsyncCodexThread:
        """Return a new thread that begins with the turns of this one."""
        return AsyncCodexThread(self._core, await AsyncStream[Any, ThreadState](self._core, self._fork()).result())

    async def close(self) -> None:
        """Let the server unload it; it can be resumed."""
        await AsyncStream[Any, None](self._core, self._unload()).result()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()


class AsyncThreads(ThreadsBase):
    """Begins threads and takes them up again."""

    async def start(self, **arguments: Unpack[ThreadArguments]) -> AsyncCodexThread:
        """Begin a thread; what is not given is as the client was built."""
        return await self._open(self._start(arguments))

    async def resume(self, thread_id: str) -> AsyncCodexThread:
        """Take up a thread, as `client.threads.resume` of `CodexClient` does."""
        return await self._open(self._existing("thread/resume", thread_id))

    async def fork(self, thread_id: str) -> AsyncCodexThread:
        """Begin a thread with the turns of another."""
        return await self._open(self._existing("thread/fork", thread_id))

    async def _open(self, conversation: Conversation[ThreadState]) -> AsyncCodexThread:
        return AsyncCodexThread(self._core, await AsyncStream[Any, ThreadState](self._core, conversation).result())
