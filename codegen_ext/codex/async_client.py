"""The client for asyncio: OpenAI's chat completions over the Codex CLI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack, overload

import openai
from openai.pagination import AsyncPage
from openai.types import Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from .async_threads import AsyncThreads
from .client import list_models
from .core import ClientBase, Core
from .request import CompletionArguments
from .streams import AsyncStream

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionMessageParam

AsyncCompletionStream = AsyncStream[ChatCompletionChunk, ChatCompletion]


class AsyncCompletions:
    """`client.chat.completions`."""

    def __init__(self, core: Core) -> None:
        self._core = core

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
        """Let the agent answer, as `CodexClient.chat.completions.create` does."""
        conversation = self._core.completion(messages, arguments, is_stream=bool(stream))
        answer = AsyncCompletionStream(self._core, conversation, arguments.get("timeout", openai.NOT_GIVEN))
        return await (answer.begin() if stream else answer.result())


class AsyncChat:
    """`client.chat`."""

    def __init__(self, core: Core) -> None:
        self.completions = AsyncCompletions(core)


class _ModelsToCome:
    """What `models.list()` returns: to be awaited for the page, or iterated for its models."""

    def __init__(self, core: Core, timeout: float | openai.NotGiven | None) -> None:
        self._core = core
        self._timeout = timeout

    def __await__(self) -> Generator[Any, None, AsyncPage[Model]]:
        return self._page().__await__()

    async def __aiter__(self) -> AsyncIterator[Model]:
        for model in (await self._page()).data:
            yield model

    async def _page(self) -> AsyncPage[Model]:
        models = await AsyncStream[Any, list[Model]](self._core, list_models, self._timeout).result()
        return AsyncPage[Model](data=models, object="list")


class AsyncModels:
    """`client.models`."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def list(self, *, timeout: float | openai.NotGiven | None = openai.NOT_GIVEN) -> _ModelsToCome:
        """Return the models that the CLI offers: await it for the page, or iterate over it.

        `timeout` is seconds for all of it, by default the client's.
        """
        return _ModelsToCome(self._core, timeout)


class AsyncCodexClient(ClientBase):
    """`CodexClient` for asyncio: the same arguments and names, awaitable, and streams as async iterators.

    May be used by several event loops, one after the other or at once; the server ends with the process even when
    nobody closes the client.
    """

    @cached_property
    def chat(self) -> AsyncChat:
        """Chat completions."""
        return AsyncChat(self._core)

    @cached_property
    def models(self) -> AsyncModels:
        """The models that the CLI offers."""
        return AsyncModels(self._core)

    @cached_property
    def threads(self) -> AsyncThreads:
        """Threads that last."""
        return AsyncThreads(self._core)

    async def close(self) -> None:
        """End the server; calls that are under way fail."""
        await asyncio.to_thread(self._core.supervisor.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()
