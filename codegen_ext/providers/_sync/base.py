# Generated from codegen_ext/providers/_async/base.py by make generate; edit there.
"""What providers have in common for their users."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, Self

from ...clock import Clock
from ...errors import ClientClosedError
from ..base import AIResponse, Request, request_of
from ..usage import plain


class TextStream(Iterator[str]):
    """Pieces of an answer; nothing is sent before the first is read. `response` is the whole answer in the end."""

    def __init__(self, items: Generator[str | AIResponse, None, None]) -> None:
        self.response: AIResponse | None = None
        self._items = items

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        for item in self._items:
            if isinstance(item, str):
                return item
            self.response = item
        raise StopIteration

    def close(self) -> None:
        """End it; the connection is closed."""
        self._items.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class AIProvider(ABC):
    """Answers prompts; raises AIProviderError and its kinds."""

    name: str
    _clock: Clock
    _longest: float | None = None
    """Seconds for an answer where the caller names none."""
    _is_closed = False

    def generate_response(
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
        return self.answer(request_of(self._clock, self._longest, *named, messages=messages, **kwargs))

    def stream_response(self, prompt: str | None = None, *args: Any, **kwargs: Any) -> TextStream:
        """Answer piece by piece; arguments and errors as in `generate_response`, raised while iterating."""
        return TextStream(self._begin(prompt, *args, **kwargs))

    def _begin(self, *args: Any, **kwargs: Any) -> Generator[str | AIResponse, None, None]:
        with closing(self.stream(request_of(self._clock, self._longest, *args, **kwargs))) as items:
            for item in items:
                yield item

    @property
    @abstractmethod
    def is_available(self) -> bool:
        """Whether there are credentials and what the provider needs on this machine; sends nothing."""

    @abstractmethod
    def answer(self, request: Request) -> AIResponse:
        """Answer a request."""

    @abstractmethod
    def stream(self, request: Request) -> Generator[str | AIResponse, None, None]:
        """Yield the pieces of an answer, and last the whole."""

    @abstractmethod
    def validate_credentials(self, timeout: float | None = None) -> bool:
        """Whether the service accepts the credentials: one cheap request without effect, whose outcome is kept.

        `timeout` is the most that it takes, in seconds; it is never more than 20.
        """

    @abstractmethod
    def get_available_models(self) -> list[str]:
        """Return the models that may be named, none where the service does not list them; asks the service."""

    @abstractmethod
    def get_default_model(self) -> str | None:
        """Return the model that answers where none is named, None where the service chooses."""

    @abstractmethod
    def get_enhanced_stats(self) -> dict[str, Any]:
        """Return `get_stats`, success_rate, task_count (runs that were created) and average_response_time."""

    def get_stats(self) -> dict[str, Any]:
        """Return request_count, error_count, error_rate, last_request_time, tokens, duration and cost."""
        return plain(self.get_enhanced_stats(), "providers")

    @abstractmethod
    def close(self) -> None:
        """Close the connections; calls that follow raise ClientClosedError."""

    def _check_open(self) -> None:
        if self._is_closed:
            raise ClientClosedError(f"the provider {self.name} is closed")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class Unbuilt:
    """Stands in for a registered provider that cannot be built; it is never available."""

    is_available = False

    def __init__(self, name: str, problem: str) -> None:
        self.name = name
        self.unavailable_because = problem

    def close(self) -> None:
        """Do nothing."""
