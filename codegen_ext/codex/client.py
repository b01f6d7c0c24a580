"""The client for threads: OpenAI's chat completions over the Codex CLI."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack, overload

import openai
from openai.pagination import SyncPage
from openai.types import Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from .conversation import Link, Steps, call
from .core import ClientBase, Core
from .protocol import Params
from .request import CompletionArguments
from .streams import Stream
from .threads import Threads

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionMessageParam

CompletionStream = Stream[ChatCompletionChunk, ChatCompletion]


class Completions:
    """`client.chat.completions`."""

    def __init__(self, core: Core) -> None:
        self._core = core

    @overload
    def create(
        self,
        *,
        messages: Iterable[ChatCompletionMessageParam],
        stream: Literal[False] | None = False,
        **arguments: Unpack[CompletionArguments],
    ) -> ChatCompletion: ...

    @overload
    def create(
        self,
        *,
        messages: Iterable[ChatCompletionMessageParam],
        stream: Literal[True],
        **arguments: Unpack[CompletionArguments],
    ) -> CompletionStream: ...

    def create(
        self, *, messages: Iterable[Any], stream: bool | None = False, **arguments: Unpack[CompletionArguments]
    ) -> ChatCompletion | CompletionStream:
        """Let the agent answer; every choice is a thread of its own.

        Arguments are OpenAI's; docs/codex.md says which are honoured, emulated and ignored. `timeout` is seconds for
        the whole answer. Raises the `openai` package's errors, and CodexNotFoundError (one of them) without a CLI.
        """
        conversation = self._core.completion(messages, arguments, is_stream=bool(stream))
        answer = CompletionStream(self._core, conversation, arguments.get("timeout", openai.NOT_GIVEN))
        return answer.begin() if stream else answer.result()


class Chat:
    """`client.chat`."""

    def __init__(self, core: Core) -> None:
        self.completions = Completions(core)


def list_models(link: Link) -> Steps[list[Model]]:
    """Return the models on all pages; the CLI does not say when they were made, so `created` is 0."""
    found: list[Model] = []
    params: Params = {}
    while True:
        page = yield from call(link, "model/list", params)
        found += [Model(id=model["id"], created=0, object="model", owned_by="openai") for model in page["data"]]
        if not page["nextCursor"]:
            return found
        params = {"cursor": page["nextCursor"]}


class Models:
    """`client.models`."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def list(self, *, timeout: float | openai.NotGiven | None = openai.NOT_GIVEN) -> SyncPage[Model]:
        """Return the models that the CLI offers; `timeout` is seconds for all of it, by default the client's."""
        models = Stream[Any, list[Model]](self._core, list_models, timeout).result()
        return SyncPage[Model](data=models, object="list")


class CodexClient(ClientBase):
    """OpenAI's chat completions over a `codex app-server`; may be shared by threads.

    The server starts with the first call, is started anew when it died, and ends with the client. Building a client
    needs no CLI. `ClientBase` says what the arguments mean.
    """

    @cached_property
    def chat(self) -> Chat:
        """Chat completions."""
        return Chat(self._core)

    @cached_property
    def models(self) -> Models:
        """The models that the CLI offers."""
        return Models(self._core)

    @cached_property
    def threads(self) -> Threads:
        """Threads that last."""
        return Threads(self._core)

    def close(self) -> None:
        """End the server; calls that are under way fail."""
        self._core.supervisor.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
