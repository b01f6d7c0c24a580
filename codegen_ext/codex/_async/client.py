"""Asynchronous client: OpenAI's chat completions over the Codex CLI."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack, overload

import openai
from openai.types import Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from ..._io import asynchronous as io
from ...clock import SYSTEM_CLOCK
from ..app_server import AppServer, Message
from ..arguments import CompletionArguments, build_request, seconds
from ..completion import Completion
from ..errors import CodexError, timeout_error
from ..listing import AsyncModelsPage, Timeout, read_models, request_models
from ..session import Mailbox, Session, approval_request
from ..settings import CodexClientBase, Settings

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionMessageParam


class AsyncCall:
    """Conversation of one call with the app-server, within a deadline."""

    def __init__(self, settings: Settings, timeout: Timeout) -> None:
        self._servers = settings.servers
        self._seconds = seconds(timeout, settings.timeout)
        self._ends = None if self._seconds is None else SYSTEM_CLOCK.monotonic() + self._seconds
        self._mailbox = Mailbox()

    async def open(self, send: Callable[[AppServer, Mailbox], None]) -> None:
        """Send the first requests and wait for a message; once more where the server turns out to have died before."""
        server = self._servers.running
        if server is not None:
            try:
                send(server, self._mailbox)
                self._mailbox.items.appendleft(await self.receive())
                return
            except openai.APIConnectionError as error:
                if isinstance(error, openai.APITimeoutError) or self._mailbox.is_begun:
                    raise
            self._mailbox = Mailbox()
        send(await io.run_blocking(self._servers.start), self._mailbox)

    async def receive(self) -> tuple[Session | None, Message]:
        """Return the next message; raises an error of the turn, of the server, or of the deadline."""
        while not self._mailbox.items:
            waiter = self._mailbox.waiter = io.Waiter()
            left = None if self._ends is None else max(0.0, self._ends - SYSTEM_CLOCK.monotonic())
            if not self._mailbox.items and not await waiter.wait(SYSTEM_CLOCK, left):
                raise timeout_error(f"no complete answer within {self._seconds:g} s")
        session, message = self._mailbox.items.popleft()
        if isinstance(message, Exception):
            raise message
        return session, message

    def wake(self, error: Exception) -> None:
        """Let `receive` raise an error."""
        self._mailbox.put(None, error)


class AsyncCompletionStream:
    """Chunks of a completion as they arrive; usable once and by one task at a time, though any may close it.

    Leaving the context, `close`, an error, and losing the last reference interrupt a turn that goes on.
    """

    def __init__(self, settings: Settings, completion: Completion, timeout: Timeout) -> None:
        self._settings = settings  # keeps the server alive without the client
        self._completion = completion
        self._call = AsyncCall(settings, timeout)
        self._chunks: deque[ChatCompletionChunk] = deque()
        self._is_closed = False

    async def begin(self) -> Self:
        """Start the turns and wait for the first chunk, so that an earlier error is raised here."""
        try:
            await self._call.open(self._completion.start)
        except BaseException:
            self._completion.leave()
            raise
        while not self._chunks and not self._completion.is_over:
            await self._advance()
        return self

    async def result(self) -> ChatCompletion:
        """Go on to the end and return the whole completion."""
        async for _ in self:
            pass
        if not self._completion.is_over:
            raise CodexError("the stream was closed before its end")
        return self._completion.result()

    async def close(self) -> None:
        """Interrupt a turn that goes on."""
        self._is_closed = True
        self._chunks.clear()
        self._completion.leave()
        self._call.wake(CodexError("the stream was closed"))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ChatCompletionChunk:
        while not self._chunks:
            if self._is_closed or self._completion.is_over:
                raise StopAsyncIteration
            await self._advance()
        return self._chunks.popleft()

    async def _advance(self) -> None:
        try:
            session, message = await self._call.receive()
            if session is not None and "id" in message:
                callback = self._settings.approval_callback
                decision = await io.call(callback, approval_request(message)) if callback else False
                session.answer(message, decision)
            elif session is not None:
                self._chunks.extend(self._completion.feed(session, message))
        except BaseException as error:
            was_closed, self._is_closed = self._is_closed, True
            self._completion.leave()
            if not was_closed or not isinstance(error, CodexError):
                raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    def __del__(self) -> None:
        self._completion.leave()


class AsyncCompletions:
    """`client.chat.completions`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @overload
    async def create(
        self,
        *,
        messages: Iterable[ChatCompletionMessageParam],
        stream: Literal[False] | None = False,
        **arguments: Unpack[CompletionArguments],
    ) -> ChatCompletion: ...

    @overload
    async def create(
        self,
        *,
        messages: Iterable[ChatCompletionMessageParam],
        stream: Literal[True],
        **arguments: Unpack[CompletionArguments],
    ) -> AsyncCompletionStream: ...

    async def create(
        self, *, messages: Iterable[Any], stream: bool | None = False, **arguments: Unpack[CompletionArguments]
    ) -> ChatCompletion | AsyncCompletionStream:
        """Let the agent answer; every choice is a thread of its own.

        The arguments are OpenAI's; docs/codex.md says which are honored, emulated and ignored. `timeout` is seconds
        for the whole answer.

        Raises:
            openai.OpenAIError: one of the `openai` package's errors; CodexNotFoundError and CodexConfigurationError,
                which are subclasses, where the CLI or a setting is at fault.

        """
        request = build_request(self._settings.thread, self._settings.reporter, messages, arguments)
        self._settings.check_working_dir()
        completion = Completion(request, is_stream=bool(stream))
        answer = AsyncCompletionStream(self._settings, completion, arguments.get("timeout", openai.NOT_GIVEN))
        await answer.begin()
        return answer if stream else await answer.result()


class AsyncChat:
    """`client.chat`."""

    def __init__(self, settings: Settings) -> None:
        self.completions = AsyncCompletions(settings)


class AsyncModels:
    """`client.models`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def list(self, *, timeout: Timeout = openai.NOT_GIVEN) -> AsyncModelsPage:
        """Return the models that the CLI offers; `timeout` is seconds for all of it, by default the client's."""
        return AsyncModelsPage(partial(_load_models, self._settings, timeout))


async def _load_models(settings: Settings, timeout: Timeout) -> list[Model]:
    call = AsyncCall(settings, timeout)
    await call.open(request_models)
    return read_models((await call.receive())[1])


class AsyncCodexClient(CodexClientBase):
    """Asynchronous client of OpenAI's chat completions over a `codex app-server`.

    The server starts with the first call and when it has died, serves all calls, from any thread or event loop, and
    ends with the client or the process. Building a client needs no CLI. `CodexClientBase` describes the arguments.
    """

    @cached_property
    def chat(self) -> AsyncChat:
        """Chat completions."""
        return AsyncChat(self._settings)

    @cached_property
    def models(self) -> AsyncModels:
        """The models that the CLI offers."""
        return AsyncModels(self._settings)

    async def close(self) -> None:
        """End the server, within a second; calls that are under way fail."""
        await io.run_blocking(self._settings.servers.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()
