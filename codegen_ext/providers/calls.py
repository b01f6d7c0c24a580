"""The methods of a provider, for threads and for asyncio, over steps that both share."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from typing import Any, Self

from .protocol import AIResponse, Request
from .steps import Steps, iterate, iterate_async, run, run_async


class Answering:
    """What the methods need; `None` for a stream's answer until it is whole."""

    def _generate(self, request: Request) -> Steps[AIResponse]:
        raise NotImplementedError

    def _stream(self, request: Request) -> Steps[AIResponse]:
        raise NotImplementedError

    def _validate(self, timeout: float | None) -> Steps[bool]:
        raise NotImplementedError

    def _models(self) -> Steps[list[str]]:
        raise NotImplementedError

    def _close(self) -> Steps[None]:
        raise NotImplementedError


def request_of(
    prompt: str,
    system_prompt: str | None = None,
    model: str | None = None,
    temperature: float | None = 0.0,
    max_tokens: int | None = None,
    tools: Sequence[Mapping[str, Any]] | None = None,
    tool_choice: Any = None,
    *,
    timeout: float | None = None,
    may_repeat: bool = True,
    **options: Any,
) -> Request:
    """Return the request that the arguments of `generate_response` make.

    Raises:
        AIProviderError: for a blank prompt, or a timeout that is no number of seconds.

    """
    from .errors import AIProviderError

    if not isinstance(prompt, str) or not prompt.strip():
        raise AIProviderError("prompt must be text that is not blank")
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0):
        raise AIProviderError("timeout must be a number of seconds greater than 0")
    return Request(
        prompt, system_prompt, model, temperature, max_tokens, tools, tool_choice, timeout, may_repeat, options
    )


class SyncTextStream:
    """The pieces of an answer; nothing is sent before the first is asked for. `response` is the whole, in the end."""

    def __init__(self, steps: Steps[AIResponse]) -> None:
        self.response: AIResponse | None = None
        self._pieces = self._record(steps)

    def _record(self, steps: Steps[AIResponse]) -> Generator[str, None, None]:
        self.response = yield from iterate(steps)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        return next(self._pieces)

    def close(self) -> None:
        """End it; the connection is closed."""
        self._pieces.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class AsyncioTextStream:
    """`SyncTextStream` for asyncio."""

    def __init__(self, steps: Steps[AIResponse]) -> None:
        self.response: AIResponse | None = None
        self._pieces = self._record(steps)

    async def _record(self, steps: Steps[AIResponse]) -> AsyncGenerator[str, None]:
        results: list[AIResponse] = []
        running = iterate_async(steps, results)
        try:
            async for piece in running:
                yield piece
        finally:
            await running.aclose()
        self.response = results[0]

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        return await anext(self._pieces)

    async def aclose(self) -> None:
        """End it; the connection is closed."""
        await self._pieces.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()


class SyncCalls(Answering):
    """The methods for threads."""

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
    ) -> AIResponse:
        """Answer.

        Args:
            prompt: What is asked.
            system_prompt: Instructions that stand before it.
            model: The model; the pseudo-model `codegen-agent` is not sent.
            temperature: Randomness; None sends none, which some models demand.
            max_tokens: The largest number of tokens of the answer.
            tools: Functions that the model may ask for, in OpenAI's form; only openai has them.
            tool_choice: Which of them it must use.
            kwargs: `timeout` (seconds for the whole answer), and what the provider's client takes: for codegen also
                `progress_callback`. What the provider that answers has nothing for stands in `metadata["ignored"]`.

        Raises:
            AIProviderError: or one of its kinds; TypeError for an option that no provider has.

        """
        return run(
            self._generate(
                request_of(prompt, system_prompt, model, temperature, max_tokens, tools, tool_choice, **kwargs)
            )
        )

    def stream_response(self, prompt: str, *args: Any, **kwargs: Any) -> SyncTextStream:
        """Answer piece by piece; arguments and errors as in `generate_response`, raised while iterating."""
        return SyncTextStream(self._stream(request_of(prompt, *args, **kwargs)))

    def validate_credentials(self, timeout: float | None = None) -> bool:
        """Whether the service accepts the credentials: one cheap request without effect, whose outcome is kept.

        `timeout` is the most that it takes, in seconds; it is never more than 20.
        """
        return run(self._validate(timeout))

    def get_available_models(self) -> list[str]:
        """Return the models that may be named; asks the service. Raises as `generate_response`."""
        return run(self._models())

    def close(self) -> None:
        """Close the connections."""
        run(self._close())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class AsyncCalls(Answering):
    """The methods for asyncio."""

    async def generate_response(
        self,
        prompt: str,
        system_prompt: str | None = None,
        model: str | None = None,
        temperature: float | None = 0.0,
        max_tokens: int | None = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        tool_choice: Any = None,
        **kwargs: Any,
    ) -> AIResponse:
        """Answer, as `Provider.generate_response` does; a progress callback may be a coroutine function."""
        return await run_async(
            self._generate(
                request_of(prompt, system_prompt, model, temperature, max_tokens, tools, tool_choice, **kwargs)
            )
        )

    def stream_response(self, prompt: str, *args: Any, **kwargs: Any) -> AsyncioTextStream:
        """Answer piece by piece; arguments and errors as in `generate_response`, raised while iterating."""
        return AsyncioTextStream(self._stream(request_of(prompt, *args, **kwargs)))

    async def validate_credentials(self, timeout: float | None = None) -> bool:
        """Whether the service accepts the credentials, as `Provider.validate_credentials` says."""
        return await run_async(self._validate(timeout))

    async def get_available_models(self) -> list[str]:
        """Return the models that may be named."""
        return await run_async(self._models())

    async def close(self) -> None:
        """Close the connections."""
        await run_async(self._close())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()
