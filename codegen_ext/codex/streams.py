"""The two drivers of conversations: iterators over what one emits; ending one early interrupts the turn."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Generic, Self, TypeVar

import openai

from .conversation import Approval, ApprovalRequest, Ask, Conversation, Emit, Link, Receive, Steps
from .core import Core
from .errors import CodexError, timeout_error
from .process import Deliver
from .protocol import Message
from .request import seconds

T = TypeVar("T")
R = TypeVar("R")


class _Driver(Generic[T, R]):
    """What both drivers share: going on, beginning anew, and ending in every case.

    The server knows only `deliver`, which does not know the driver: so what nobody holds any more ends at once.
    """

    _is_over = True  # until it is built

    def __init__(
        self,
        core: Core,
        conversation: Conversation[R],
        timeout: float | openai.NotGiven | None = openai.NOT_GIVEN,
        *,
        deliver: Deliver,
    ) -> None:
        self._supervisor = core.supervisor  # keeps the server alive as long as this goes on
        self._approve = core.approval_callback
        self._conversation = conversation
        self._deliver = deliver
        self._timeout = seconds(timeout, core.timeout)
        self._deadline = None if self._timeout is None else time.monotonic() + self._timeout
        self._lock = threading.RLock()  # another thread may close it
        self._link: Link | None = None
        self._steps: Steps[R] | None = None
        self._ahead: list[T] = []
        self._result: list[R] = []
        self._has_heard = self._is_second_try = self._is_over = False

    def _advance(self, outcome: Any) -> Receive | Ask | Emit[T] | None:
        """Go on to the next effect with the outcome of the last, which may be an error; None when all is over."""
        with self._lock:
            if self._is_over:
                return None
            try:
                return self._resume(outcome)
            except StopIteration as stop:
                self._result.append(stop.value)
                self._finish()
                return None
            except BaseException:
                self._finish()
                raise

    def _resume(self, outcome: Any) -> Receive | Ask | Emit[T]:
        if self._steps is None or self._must_begin_anew(outcome):
            self._link = Link(self._supervisor.server(), self._deliver)
            self._steps = self._conversation(self._link)
            return next(self._steps)
        if isinstance(outcome, Exception):
            return self._steps.throw(outcome)
        self._has_heard = self._has_heard or outcome is not None
        return self._steps.send(outcome)

    def _must_begin_anew(self, outcome: Any) -> bool:
        """Whether the server died before it said anything, the first time."""
        if self._has_heard or self._is_second_try or type(outcome) is not openai.APIConnectionError:
            return False
        self._is_second_try = True
        if self._steps is not None:
            self._steps.close()
        return True

    def _left(self) -> float | None:
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def _out_of_time(self) -> Exception:
        return timeout_error(self._timeout or 0)

    def _finish(self) -> None:
        """End whatever still goes on in the server."""
        with self._lock:
            self._is_over = True
            self._ahead.clear()
            if self._steps is not None:
                self._steps.close()
            link, self._link = self._link, None
            if link is not None:
                link.server.forget(link.deliver)
                link.deliver(CodexError("closed"))  # wakes whoever still waits for the next item

    def _outcome(self) -> R:
        if not self._result:
            raise CodexError("there is no result: the stream was closed or failed before its end")
        return self._result[0]

    def __del__(self) -> None:
        if not self._is_over:
            self._finish()


class Stream(_Driver[T, R]):
    """Yields items as they arrive, usable once and by one thread at a time, though any may close it; a context manager.

    Raises, while iterating, the errors of the call. Leaving the context, `close`, and losing the last reference
    interrupt a turn that goes on.
    """

    def __init__(self, *arguments: Any) -> None:
        self._messages: SimpleQueue[Message | Exception] = SimpleQueue()
        super().__init__(*arguments, deliver=self._messages.put)

    def begin(self) -> Self:
        """Wait for the first item, so that what fails before it is raised here."""
        self._ahead.append(next(self))
        return self

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        if self._ahead:
            return self._ahead.pop()
        outcome: Any = None
        while (effect := self._advance(outcome)) is not None:
            if isinstance(effect, Emit):
                item: T = effect.item
                return item
            try:
                outcome = self._ask(effect.request) if isinstance(effect, Ask) else self._receive()
            except Exception as error:  # noqa: BLE001 - the conversation decides
                outcome = error
            except BaseException:
                self._finish()
                raise
        raise StopIteration

    def _receive(self) -> Message | Exception:
        try:
            return self._messages.get(timeout=self._left())
        except Empty:
            return self._out_of_time()

    def _ask(self, request: ApprovalRequest) -> Approval:
        answer = self._approve(request) if self._approve else False
        if isinstance(answer, Awaitable):
            if asyncio.iscoroutine(answer):
                answer.close()
            raise CodexError("approval_callback of CodexClient must be a plain function; use AsyncCodexClient")
        return answer

    def result(self) -> R:
        """Go on to the end and return the whole, as a call without a stream does."""
        for _ in self:
            pass
        return self._outcome()

    def close(self) -> None:
        """End it; a turn that goes on is interrupted."""
        self._finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class _Mailbox:
    """Takes messages from any thread and hands them to the event loop of whoever waits."""

    def __init__(self) -> None:
        self._messages: asyncio.Queue[Message | Exception] = asyncio.Queue()
        self.loop: asyncio.AbstractEventLoop | None = None

    def put(self, message: Message | Exception) -> None:
        if self.loop is not None:
            with suppress(RuntimeError):  # the loop is closed, so nobody waits
                self.loop.call_soon_threadsafe(self._messages.put_nowait, message)

    async def get(self, timeout: float | None) -> Message | Exception:
        async with asyncio.timeout(timeout):
            return await self._messages.get()


class AsyncStream(_Driver[T, R]):
    """`Stream` for asyncio."""

    def __init__(self, *arguments: Any) -> None:
        self._messages = _Mailbox()
        super().__init__(*arguments, deliver=self._messages.put)

    async def begin(self) -> Self:
        """Wait for the first item, so that what fails before it is raised here."""
        self._ahead.append(await anext(self))
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        if self._ahead:
            return self._ahead.pop()
        self._messages.loop = asyncio.get_running_loop()
        outcome: Any = None
        while (effect := self._advance(outcome)) is not None:
            if isinstance(effect, Emit):
                item: T = effect.item
                return item
            try:
                outcome = await (self._ask(effect.request) if isinstance(effect, Ask) else self._receive())
            except Exception as error:  # noqa: BLE001 - the conversation decides
                outcome = error
            except BaseException:
                self._finish()
                raise
        raise StopAsyncIteration

    async def _receive(self) -> Message | Exception:
        try:
            return await self._messages.get(self._left())
        except TimeoutError:
            return self._out_of_time()

    async def _ask(self, request: ApprovalRequest) -> Approval:
        answer = self._approve(request) if self._approve else False
        return await answer if isinstance(answer, Awaitable) else answer

    async def result(self) -> R:
        """Go on to the end and return the whole, as a call without a stream does."""
        async for _ in self:
            pass
        return self._outcome()

    async def close(self) -> None:
        """End it; a turn that goes on is interrupted."""
        self._finish()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()
