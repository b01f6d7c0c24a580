"""Completion that arrives in chunks: as text, or as the chunks themselves."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, Self

from codegen_api.models import ChatCompletionChunk

from ...errors import CodegenAPIError
from ..errors import as_chatserver_error, of_stream
from ..record import CompletionRecord, text_of

if TYPE_CHECKING:
    from codegen_api.models import ChatCompletionResponse

    from ..._async.base_client import AsyncEventStream


class _AsyncReader:
    """What text and chunks of one completion share."""

    def __init__(self, source: _AsyncSource) -> None:
        self._source = source

    @property
    def metadata(self) -> dict[str, Any]:
        """The latest system_fingerprint (the id of the session), usage, model and finish_reason; None until known."""
        return self._source.record.metadata

    @property
    def response(self) -> ChatCompletionResponse | None:
        """The whole completion once the server has said that it is complete; None until then."""
        record = self._source.record
        return record.response if record.is_complete else None

    @property
    def text(self) -> str:
        """The text of the first answer, as far as it has arrived."""
        return self._source.record.text

    async def close(self) -> None:
        """Close the connection, whether or not everything has arrived."""
        await self._source.close()

    def __aiter__(self) -> Self:
        return self

    async def __aenter__(self) -> Self:
        await self._source.open()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()


class AsyncChatEvents(_AsyncReader):
    """Chunks of a stream, as the server sends them."""

    async def __anext__(self) -> ChatCompletionChunk:
        return await self._source.next_chunk()


class AsyncChatStream(_AsyncReader):
    """Pieces of text of a stream; of several answers those of the first.

    Leaving it early, by `close()` or an `async with` statement, closes the connection. Iterating raises a
    ChatServerError whose `partial` has what arrived: StreamInterruptedError when the stream is cut, TimeoutError when a
    limit between two parts was given and nothing came in time, what fits the error that the server reports. Between two
    parts any time may pass, because an agent says nothing while a tool works.
    """

    async def __anext__(self) -> str:
        while not (text := text_of(await self._source.next_chunk())):
            pass
        return text

    def events(self) -> AsyncChatEvents:
        """Return the chunks that have not been read yet, in place of the text in them."""
        return AsyncChatEvents(self._source)


class _AsyncSource:
    """Response of a completion: sent when it is opened, read once."""

    def __init__(self, send: Callable[[], Awaitable[AsyncEventStream]], record: CompletionRecord) -> None:
        self._send = send
        self._is_open = False
        self._steps = self._read()
        self.record = record

    async def open(self) -> None:
        """Send the request; raises what the server answers instead of a stream."""
        if not self._is_open:
            self._is_open = True
            with suppress(StopAsyncIteration):  # it was closed before
                await anext(self._steps)

    async def next_chunk(self) -> ChatCompletionChunk:
        """Return the next chunk; raises StopAsyncIteration at the end."""
        await self.open()
        chunk = await anext(self._steps)
        assert chunk is not None  # noqa: S101 - only the first step is
        return chunk

    async def close(self) -> None:
        """Close the response."""
        await self._steps.aclose()

    async def _read(self) -> AsyncGenerator[ChatCompletionChunk | None, None]:
        """Yield None when the request is sent, so that a stream that is dropped closes its response; then chunks."""
        response = await self._send()
        try:
            yield None
            async with aclosing(response.events(ChatCompletionChunk)) as events:
                async for chunk in events:
                    if self.record.add(chunk):
                        yield chunk
            self.record.is_complete = True
        except CodegenAPIError as error:
            failure = of_stream(as_chatserver_error(error), self.record.response)
            raise failure from error.__cause__
        finally:
            await response.close()


async def open_stream(
    send: Callable[[], Awaitable[AsyncEventStream]], on_session: Callable[[str], object] | None = None
) -> AsyncChatStream:
    """Send the request of a completion and return its stream."""
    source = _AsyncSource(send, CompletionRecord(on_session))
    await source.open()
    return AsyncChatStream(source)


def later_stream(
    send: Callable[[], Awaitable[AsyncEventStream]], on_session: Callable[[str], object] | None = None
) -> AsyncChatStream:
    """Return a stream whose request is sent when it is entered or first read."""
    return AsyncChatStream(_AsyncSource(send, CompletionRecord(on_session)))
