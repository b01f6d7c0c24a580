"""The names of the `openai` package, so that code written for it runs on a ChatServer's client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, overload

from codegen_api.models import ModelInfo, ModelsResponse
from codegen_api.operations import CREATE_CHAT_COMPLETION

from .messages import AnyMessage, ResumeOptions, completion_arguments, refused
from .stream import AsyncChatEvents, ChatEvents

if TYPE_CHECKING:
    from codegen_api.models import ChatCompletionResponse

    from .async_client import AsyncChatServerClient
    from .client import ChatServerClient


class CreateOptions(TypedDict, total=False):
    """The options of `chat.completions.create` that a ChatServer has."""

    temperature: float | None
    max_tokens: int | None
    max_completion_tokens: int | None
    top_p: float | None
    n: int | None
    user: str | None
    metadata: Mapping[str, Any] | None
    stream_options: Mapping[str, Any] | None
    extra_body: Mapping[str, Any] | None
    extra_headers: Mapping[str, str] | None
    timeout: float | None


_FIELDS = {argument.python_name for argument in CREATE_CHAT_COMPLETION.arguments} - {"stream"}
_SATISFIED: dict[str, Any] = {"n": 1, "stream_options": {"include_usage": True}}
"""What every answer of a ChatServer is like, whether or not it is asked for."""


def create_arguments(model: str, messages: Iterable[AnyMessage], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of the operation; raise BadRequestError for an option that a ChatServer does not have."""
    given = {name: value for name, value in options.items() if value is not None}
    if "max_completion_tokens" in given:
        if "max_tokens" in given:
            raise refused("max_tokens", "is another name of max_completion_tokens; give one of them")
        given["max_tokens"] = given.pop("max_completion_tokens")
    for name, value in _SATISFIED.items():
        if given.pop(name, value) != value:
            raise refused(name, f"a ChatServer only knows {value!r}")
    extra = given.pop("extra_body", {})
    given = {"model": model, "messages": messages, **given, **extra}
    for name in given.keys() - _FIELDS:
        does_travel = name in ResumeOptions.__annotations__
        raise refused(name, "belongs into metadata" if does_travel else "a ChatServer does not have this option")
    return completion_arguments(user=given.pop("user", None), metadata=given.pop("metadata", None), **given)


class ModelList(ModelsResponse):
    """The models of the server, which can be iterated, also with `async for`."""

    def __iter__(self) -> Iterator[ModelInfo]:
        return iter(self.data)

    async def __aiter__(self) -> AsyncIterator[ModelInfo]:
        for model in self.data:
            yield model


class Chat:
    """What `client.chat` is."""

    def __init__(self, client: ChatServerClient) -> None:
        self.completions = Completions(client)


class Completions:
    """What `client.chat.completions` is."""

    def __init__(self, client: ChatServerClient) -> None:
        self._client = client

    @overload
    def create(
        self,
        *,
        messages: Iterable[AnyMessage],
        model: str,
        stream: Literal[False] | None = ...,
        **options: Unpack[CreateOptions],
    ) -> ChatCompletionResponse: ...
    @overload
    def create(
        self, *, messages: Iterable[AnyMessage], model: str, stream: Literal[True], **options: Unpack[CreateOptions]
    ) -> ChatEvents: ...
    def create(
        self,
        *,
        messages: Iterable[AnyMessage],
        model: str,
        stream: bool | None = False,
        **options: Unpack[CreateOptions],
    ) -> ChatCompletionResponse | ChatEvents:
        """Answer a conversation; a stream yields chunks.

        Raises:
            BadRequestError: (status 400) for an option that a ChatServer does not have; nothing has been sent.
            ChatServerError: as `create_completion` does.

        """
        sending = options.pop("timeout", None), options.pop("extra_headers", None)
        arguments = create_arguments(model, messages, options)
        if stream:
            return self._client._stream_completion(arguments, *sending).events()
        return self._client._complete(arguments, *sending)


class Models:
    """What `client.models` is."""

    def __init__(self, client: ChatServerClient) -> None:
        self._client = client

    def list(self) -> ModelList:
        """Return the models that the server offers."""
        return ModelList.from_dict(self._client.list_models().to_dict())


class AsyncChat:
    """What `client.chat` is."""

    def __init__(self, client: AsyncChatServerClient) -> None:
        self.completions = AsyncCompletions(client)


class AsyncCompletions:
    """What `client.chat.completions` is."""

    def __init__(self, client: AsyncChatServerClient) -> None:
        self._client = client

    @overload
    async def create(
        self,
        *,
        messages: Iterable[AnyMessage],
        model: str,
        stream: Literal[False] | None = ...,
        **options: Unpack[CreateOptions],
    ) -> ChatCompletionResponse: ...
    @overload
    async def create(
        self, *, messages: Iterable[AnyMessage], model: str, stream: Literal[True], **options: Unpack[CreateOptions]
    ) -> AsyncChatEvents: ...
    async def create(
        self,
        *,
        messages: Iterable[AnyMessage],
        model: str,
        stream: bool | None = False,
        **options: Unpack[CreateOptions],
    ) -> ChatCompletionResponse | AsyncChatEvents:
        """Answer a conversation; as `Completions.create`."""
        sending = options.pop("timeout", None), options.pop("extra_headers", None)
        arguments = create_arguments(model, messages, options)
        if stream:
            return (await self._client._stream_completion(arguments, *sending)).events()
        return await self._client._complete(arguments, *sending)


class AsyncModels:
    """What `client.models` is."""

    def __init__(self, client: AsyncChatServerClient) -> None:
        self._client = client

    def list(self) -> AsyncModelListing:
        """Return the models that the server offers; to be awaited, or iterated with `async for`."""
        return AsyncModelListing(self._client)


class AsyncModelListing:
    """A request for the models, sent when it is awaited or iterated."""

    def __init__(self, client: AsyncChatServerClient) -> None:
        self._client = client

    def __await__(self) -> Generator[Any, Any, ModelList]:
        return self._fetch().__await__()

    async def __aiter__(self) -> AsyncIterator[ModelInfo]:
        for model in await self:
            yield model

    async def _fetch(self) -> ModelList:
        return ModelList.from_dict((await self._client.list_models()).to_dict())
