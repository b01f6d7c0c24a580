"""Completion that arrives in chunks: as text, or as the chunks themselves."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, Self

from codegen_api.models import ChatCompletionChunk

from ...errors import CodegenAPIError
from ..errors import as_chatserver_error, of_stream
from ..record import CompletionRecord, text_of

if TYPE_CHECKING:
    from codegen_api.models import ChatCompletionResponse

    from ..._async.base_client import AsyncEventStream


class AsyncChatStream:
    """Pieces of text of a stream; of several answers those of the first.

    Leaving it early, by `close()` or an `async with` statement, closes the connection. Iterating raises a
    ChatServerError whose `partial` has what arrived: StreamInterruptedError when the stream is cut, TimeoutError when a
    limit between two parts was given and nothing came in time, what fits the error that the server reports. Between two
    parts any time may pass, because an agent says nothing while a tool works.
    """

    def __init__(
        self, send: Callable[[], Awaitable[AsyncEventStream]], on_session: Callable[[str], object] | None = None
    ) -> None:
        self._record = CompletionRecord(on_session)
        self._is_open = False
        self._steps = _read(send, self._record)

    @property
    def metadata(self) -> dict[str, Any]:
        """The latest system_fingerprint (the id of the session), usage, model and finish_reason; None until known."""
        return self._record.metadata

    @property
    def response(self) -> ChatCompletionResponse | None:
        """The whole completion once the server has said that it is complete; None until then."""
        return self._record.response if self._record.is_complete else None

    @property
    def text(self) -> str:
        """The text of the first answer, as far as it has arrived."""
        return self._record.text

    async def events(self) -> AsyncIterator[ChatCompletionChunk]:
        """Yield the chunks that have not been read yet, as the server sends them, in place of the text in them."""
        with suppress(StopAsyncIteration):
            while True:
                yield await self._next_chunk()

    async def close(self) -> None:
        """Close the connection, whether or not everything has arrived."""
        await self._steps.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        while not (text := text_of(await self._next_chunk())):
            pass
        return text

    async def __aenter__(self) -> Self:
        if not self._is_open:
            self._is_open = True
            with suppress(StopAsyncIteration):  # it was closed before
                await anext(self._steps)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def _next_chunk(self) -> ChatCompletionChunk:
        await self.__aenter__()
        chunk = await anext(self._steps)
        assert chunk is not None  # noqa: S101 - only the first step is
        return chunk


async def _read(
    send: Callable[[], Awaitable[AsyncEventStream]], record: CompletionRecord
) -> AsyncGenerator[ChatCompletionChunk | None, None]:
    """Yield None when the request is sent, so that a stream that is dropped closes its response; then chunks."""
    response = await send()
    try:
        yield None
        async with aclosing(response.events(ChatCompletionChunk)) as events:
            async for chunk in events:
                record.add(chunk)
                yield chunk
        record.is_complete = True
    except CodegenAPIError as error:
        raise of_stream(as_chatserver_error(error), record.response) from error.__cause__
    finally:
        await response.close()
