"""What every provider can do, and what goes in and comes out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

from attrs import Factory, field, frozen


@frozen
class AIResponse:
    """An answer, and who gave it."""

    content: str
    """The text."""
    provider_name: str
    """Who gave it."""
    model: str | None
    """The model that answered, as far as the provider says."""
    usage: dict[str, int] = Factory(dict)
    """prompt_tokens, completion_tokens, total_tokens; empty where the provider does not count."""
    metadata: dict[str, Any] = Factory(dict)
    """`tried`: who was asked before, and what went wrong; `ignored`: options that this provider has nothing for; `cost`
    where a price is set; and what the provider adds."""
    raw_response: Any = field(default=None, repr=False)
    """What the provider's client returned."""
    response_time: float = 0.0
    """Seconds that this provider took."""
    request_id: str | None = None
    """The service's id of the request, or of the answer."""


@frozen
class Request:
    """What is asked; every provider takes from it what it has a field for."""

    prompt: str
    system_prompt: str | None = None
    model: str | None = None
    temperature: float | None = 0.0
    max_tokens: int | None = None
    tools: Sequence[Mapping[str, Any]] | None = None
    tool_choice: Any = None
    timeout: float | None = field(default=None, kw_only=True)
    """Seconds for the whole of it."""
    may_repeat: bool = field(default=True, kw_only=True)
    """Whether the provider's client may repeat what failed in passing; not where another provider waits."""
    options: Mapping[str, Any] = field(factory=dict, kw_only=True)
    """Everything else, by the names of the provider's client."""


@runtime_checkable
class TextStream(Protocol):
    """The pieces of an answer as they come; `response` is the whole once it is there, and None until then."""

    response: AIResponse | None

    def __iter__(self) -> Iterator[str]: ...
    def __next__(self) -> str: ...
    def close(self) -> None:
        """End it."""
        ...


@runtime_checkable
class AsyncTextStream(Protocol):
    """`TextStream` for asyncio."""

    response: AIResponse | None

    def __aiter__(self) -> AsyncIterator[str]: ...
    async def __anext__(self) -> str: ...
    async def aclose(self) -> None:
        """End it."""
        ...


ResponseT_co = TypeVar("ResponseT_co", covariant=True)
StreamT_co = TypeVar("StreamT_co", covariant=True)
BoolT_co = TypeVar("BoolT_co", covariant=True)
NamesT_co = TypeVar("NamesT_co", covariant=True)
NoneT_co = TypeVar("NoneT_co", covariant=True)
"""What the methods of a provider return: the thing itself, or something to await."""


class ProviderProtocol(Protocol[ResponseT_co, StreamT_co, BoolT_co, NamesT_co, NoneT_co]):
    """What both kinds of provider have; raises AIProviderError and its kinds."""

    name: str

    @property
    def is_available(self) -> bool:
        """Whether there are credentials and what the provider needs on this machine; sends nothing."""
        ...

    def generate_response(
        self,
        prompt: str,
        system_prompt: str | None = None,
        model: str | None = None,
        temperature: float | None = 0.0,
        max_tokens: int | None = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        tool_choice: Any = None,
        **kwargs: Any,
    ) -> ResponseT_co:
        """Answer; `timeout` among the further arguments is seconds for the whole of it."""
        ...

    def stream_response(self, prompt: str, **kwargs: Any) -> StreamT_co:
        """Answer piece by piece; arguments as in `generate_response`."""
        ...

    def validate_credentials(self) -> BoolT_co:
        """Whether the service accepts the credentials: one cheap request that has no effect, kept for a while."""
        ...

    def get_available_models(self) -> NamesT_co:
        """Return the models that may be named."""
        ...

    def get_default_model(self) -> str | None:
        """Return the model that answers where none is named, None where the service chooses."""
        ...

    def get_stats(self) -> dict[str, Any]:
        """Return request_count, error_count, error_rate, last_request_time and more."""
        ...

    def close(self) -> NoneT_co:
        """Close the connections."""
        ...


@runtime_checkable
class AIProvider(ProviderProtocol[AIResponse, TextStream, bool, list[str], None], Protocol):
    """Answers prompts."""


@runtime_checkable
class AsyncAIProvider(
    ProviderProtocol[Awaitable[AIResponse], AsyncTextStream, Awaitable[bool], Awaitable[list[str]], Awaitable[None]],
    Protocol,
):
    """`AIProvider` for asyncio."""
