"""The methods of a provider, for threads and for asyncio, over steps that both share."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Mapping, Sequence
from typing import Any, Generic, Self

from attrs import fields

from .errors import AIProviderError
from .protocol import AIResponse, BoolT_co, NamesT_co, NoneT_co, Request, ResponseT_co, StreamT_co
from .steps import Steps, iterate, iterate_async, run, run_async

_NAMED = {field.name for field in fields(Request)} - {"options"}


def request_of(*args: Any, **kwargs: Any) -> Request:
    """Return the request that the arguments of `generate_response` make.

    Raises:
        AIProviderError: for a blank prompt, or a timeout that is no number of seconds.

    """
    named = {name: kwargs.pop(name) for name in _NAMED & set(kwargs)}
    request = Request(*args, **named, options=kwargs)
    if not isinstance(request.prompt, str) or not request.prompt.strip():
        raise AIProviderError("prompt must be text that is not blank")
    timeout = request.timeout
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0):
        raise AIProviderError("timeout must be a number of seconds greater than 0")
    return request


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


class Calls(Generic[ResponseT_co, StreamT_co, BoolT_co, NamesT_co, NoneT_co]):
    """The methods, once for threads and asyncio: each drives steps of the provider, which a subclass has."""

    _drive: Callable[[Steps[Any]], Any]
    """Returns what steps return, or what is to be awaited for it."""
    _text_stream: Callable[[Steps[AIResponse]], Any]

    _generate: Callable[[Request], Steps[AIResponse]]
    _stream: Callable[[Request], Steps[AIResponse]]
    _validate: Callable[[float | None], Steps[bool]]
    _models: Callable[[], Steps[list[str]]]
    _close: Callable[[], Steps[None]]

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
                `progress_callback`, which may be a coroutine function in asyncio. What the provider that answers has
                nothing for stands in `metadata["ignored"]`.

        Raises:
            AIProviderError: or one of its kinds; TypeError for an option that no provider has.

        """
        named = (prompt, system_prompt, model, temperature, max_tokens, tools, tool_choice)
        response: ResponseT_co = self._drive(_answer(self._generate, *named, **kwargs))
        return response

    def stream_response(self, prompt: str, *args: Any, **kwargs: Any) -> StreamT_co:
        """Answer piece by piece; arguments and errors as in `generate_response`, raised while iterating."""
        stream: StreamT_co = self._text_stream(_answer(self._stream, prompt, *args, **kwargs))
        return stream

    def validate_credentials(self, timeout: float | None = None) -> BoolT_co:
        """Whether the service accepts the credentials: one cheap request without effect, whose outcome is kept.

        `timeout` is the most that it takes, in seconds; it is never more than 20.
        """
        accepted: BoolT_co = self._drive(self._validate(timeout))
        return accepted

    def get_available_models(self) -> NamesT_co:
        """Return the models that may be named; asks the service. Raises as `generate_response`."""
        names: NamesT_co = self._drive(self._models())
        return names

    def close(self) -> NoneT_co:
        """Close the connections."""
        closed: NoneT_co = self._drive(self._close())
        return closed


def _answer(ask: Callable[[Request], Steps[AIResponse]], /, *args: Any, **kwargs: Any) -> Steps[AIResponse]:
    return (yield from ask(request_of(*args, **kwargs)))


class SyncCalls(Calls[AIResponse, SyncTextStream, bool, list[str], None]):
    """The methods for threads."""

    _drive = staticmethod(run)
    _text_stream = SyncTextStream

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class AsyncCalls(
    Calls[
        Coroutine[Any, Any, AIResponse],
        AsyncioTextStream,
        Coroutine[Any, Any, bool],
        Coroutine[Any, Any, list[str]],
        Coroutine[Any, Any, None],
    ]
):
    """The methods for asyncio."""

    _drive = staticmethod(run_async)
    _text_stream = AsyncioTextStream

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()
