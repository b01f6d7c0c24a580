"""What a provider can be asked: one service, or a chain of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Self

from ...clock import Clock
from ...errors import ClientClosedError
from ..base import AIResponse, Request, request_of


class AsyncTextStream(AsyncIterator[str]):
    """Pieces of an answer; nothing is sent before the first is read. `response` is the whole answer in the end."""

    def __init__(self, items: AsyncGenerator[str | AIResponse, None]) -> None:
        self.response: AIResponse | None = None
        self._items = items

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        async for item in self._items:
            if isinstance(item, str):
                return item
            self.response = item
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """End it; the connection is closed."""
        await self._items.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()


class AsyncAIProvider(ABC):
    """Answers prompts; raises AIProviderError and its kinds."""

    name: str
    may_act = False  # whether a request that was not answered in time may have had an effect
    _clock: Clock
    _longest: float | None = None  # seconds for an answer where the caller names none
    _is_closed = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    async def generate_response(
        self,
        prompt: str | None = None,
        system_prompt: str | None = None,
        model: str | Mapping[str, str] | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        tool_choice: Any = None,
        *,
        messages: Sequence[Mapping[str, Any]] | None = None,
        **kwargs: Any,
    ) -> AIResponse:
        """Answer.

        Args:
            prompt: What is asked.
            system_prompt: Instructions that stand before it.
            model: The model, also as `provider/model`, or a dict of a model for each provider; the pseudo-model
                `codegen-agent` is not sent.
            temperature: Randomness; sent only where it is given, because some models refuse any.
            max_tokens: The largest number of tokens of the answer.
            tools: Functions that the model may ask for, in OpenAI's form; only openai has them.
            tool_choice: Which of them it must use.
            messages: A conversation in OpenAI's form, instead of `prompt`.
            kwargs: `timeout` (seconds for the whole answer), and what the provider's client takes: for codegen also
                `progress_callback`. What the provider that answers has nothing for stands in `metadata["ignored"]`.

        Raises:
            AIProviderError: or one of its kinds; TypeError for an option that no provider has.

        """
        named = (prompt, system_prompt, model, temperature, max_tokens, tools, tool_choice)
        request = request_of(self._clock, self._longest, False, *named, messages=messages, **kwargs)
        response: Any = None
        async with aclosing(self.answer(request)) as items:
            async for item in items:
                response = item
        return response  # type: ignore[no-any-return]

    def stream_response(self, prompt: str | None = None, *args: Any, **kwargs: Any) -> AsyncTextStream:
        """Answer piece by piece; takes what `generate_response` takes, and raises its errors while iterating.

        The time counts from the call on, and wrong arguments are refused there.
        """
        return AsyncTextStream(self.answer(request_of(self._clock, self._longest, True, prompt, *args, **kwargs)))

    @abstractmethod
    def answer(self, request: Request) -> AsyncGenerator[str | AIResponse, None]:
        """Yield the pieces of an answer where they are asked for, and last the whole."""

    async def validate_credentials(self) -> bool:
        """Whether the service accepts the credentials: one cheap request without effect."""
        return await self.validation_error() is None

    @abstractmethod
    async def validation_error(self) -> str | None:
        """Return why the service does not accept the credentials, None when it does; asks as a validation does."""

    @abstractmethod
    async def get_available_models(self) -> list[str]:
        """Return the models that may be named; asks the service."""

    @abstractmethod
    def get_default_model(self) -> str | None:
        """Return the model that answers where none is named, None where the service chooses."""

    @abstractmethod
    def get_enhanced_stats(self) -> dict[str, Any]:
        """Return `get_stats`, success_rate, task_count (runs that were created) and average_response_time."""

    @property
    @abstractmethod
    def unavailable_because(self) -> str | None:
        """What is missing, None when nothing is; sends nothing."""

    @abstractmethod
    async def close(self) -> None:
        """Close the connections; calls that follow raise ClientClosedError."""

    @property
    def is_available(self) -> bool:
        """Whether there are credentials and what the provider needs on this machine; sends nothing."""
        return self.unavailable_because is None

    def refusal(self, request: Request) -> str | None:  # noqa: ARG002 - a provider of one service looks at it
        """Say why this request cannot be answered here, None when it can; sends nothing."""
        return None

    def get_stats(self) -> dict[str, Any]:
        """Return request_count, error_count, error_rate, last_request_time, tokens, duration and cost."""
        enhanced = ("success_rate", "task_count", "average_response_time", "providers")
        return {name: value for name, value in self.get_enhanced_stats().items() if name not in enhanced}

    def _check_open(self) -> None:
        if self._is_closed:
            raise ClientClosedError(f"the provider {self.name} is closed")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()
