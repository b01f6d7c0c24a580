"""List of models, which in the asynchronous client may be awaited or iterated over, as in the `openai` package."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from functools import partial
from typing import Any

import openai
from openai.pagination import AsyncPage, SyncPage
from openai.types import Model

Timeout = float | openai.NotGiven | None


class ModelsBase(ABC):
    """`client.models` of the synchronous client."""

    @abstractmethod
    def _load(self, timeout: Timeout) -> list[Model]: ...

    def list(self, *, timeout: Timeout = openai.NOT_GIVEN) -> SyncPage[Model]:
        """Return the models that the CLI offers; `timeout` is seconds for all of it, by default the client's."""
        return SyncPage[Model](data=self._load(timeout), object="list")


class AsyncModelsBase(ABC):
    """`client.models` of the asynchronous client."""

    @abstractmethod
    async def _load(self, timeout: Timeout) -> list[Model]: ...

    def list(self, *, timeout: Timeout = openai.NOT_GIVEN) -> ModelsRequest:
        """Return the models that the CLI offers: await it for the page, or iterate over it."""
        return ModelsRequest(partial(self._load, timeout))


class ModelsRequest:
    """Request for the models, sent when it is awaited or iterated over."""

    def __init__(self, load: Callable[[], Awaitable[list[Model]]]) -> None:
        self._load = load

    def __await__(self) -> Generator[Any, None, AsyncPage[Model]]:
        return self._page().__await__()

    async def __aiter__(self) -> AsyncIterator[Model]:
        for model in (await self._page()).data:
            yield model

    async def _page(self) -> AsyncPage[Model]:
        return AsyncPage[Model](data=await self._load(), object="list")
