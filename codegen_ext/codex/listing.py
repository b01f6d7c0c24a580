"""List of models, which in the asynchronous client may be awaited or iterated over, as in the `openai` package."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any

import openai
from openai.pagination import AsyncPage, SyncPage
from openai.types import Model

from .app_server import AppServer, Message, Receiver
from .errors import not_understood

Timeout = float | openai.NotGiven | None


class ModelsPage(SyncPage[Model]):
    """Models that the CLI offers."""

    def __init__(self, load: Callable[[], list[Model]]) -> None:
        super().__init__(data=load(), object="list")


class AsyncModelsPage:
    """Models that the CLI offers, asked for when this is awaited or iterated over."""

    def __init__(self, load: Callable[[], Awaitable[list[Model]]]) -> None:
        self._load = load

    def __await__(self) -> Generator[Any, None, AsyncPage[Model]]:
        return self._page().__await__()

    async def __aiter__(self) -> AsyncIterator[Model]:
        for model in (await self._page()).data:
            yield model

    async def _page(self) -> AsyncPage[Model]:
        return AsyncPage[Model](data=await self._load(), object="list")


def request_models(server: AppServer, mailbox: Receiver) -> None:
    """Ask for the models."""
    server.request("model/list", {}, mailbox)


def read_models(reply: Message) -> list[Model]:
    """Return the models in the reply to `model/list`, which without a limit has all of them."""
    try:
        names = [model["id"] for model in reply["result"]["data"]]
    except (KeyError, TypeError) as error:
        raise not_understood(error) from error
    # The CLI does not say when a model was made.
    return [Model(id=name, created=0, object="model", owned_by="openai") for name in names]
