# Generated from codegen_ext/chatserver/_async/stream.py by make generate; edit there.
"""Completion that arrives in chunks: as text, or as the chunks themselves."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Self

from codegen_api.models import ChatCompletionChunk

from ...errors import CodegenAPIError
from ..errors import as_chatserver_error, of_stream
from ..record import CompletionRecord, text_of

if TYPE_CHECKING:
    from codegen_api.models import ChatCompletionResponse

    from ..._sync.base_client import EventStream


class _Reader:
    """What text and chunks of one completion share."""

    def __init__(self, source: _Source) -> None:
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

    def close(self) -> None:
        """Close the connection, whether or not everything has arrived."""
        self._source.close()

    def __iter__(self) -> Self:
        return self

    def __enter__(self) -> Self:
        self._source.open()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class ChatEvents(_Reader):
    """Chunks of a stream, as the server sends them."""

    def __next__(self) -> ChatCompletionChunk:
        return self._source.next_chunk()


class ChatStream(_Reader):
    """Pieces of text of a stream; of several answers those of the first.

    Leaving it early, by `close()` or an `with` statement, closes the connection. Iterating raises a
    ChatServerError whose `partial` has what arrived: StreamInterruptedError when the stream is cut, TimeoutError when a
    limit between two parts was given and nothing came in time, what fits the error that the server reports. Between two
    parts any time may pass, because an agent says nothing while a tool works.
    """

    def __next__(self) -> str:
        while not (text := text_of(self._source.next_chunk())):
            pass
        return text

    def events(self) -> ChatEvents:
        """Return the chunks that have not been read yet, in place of the text in them."""
        return ChatEvents(self._source)


class _Source:
    """Response of a completion: sent when it is opened, read once."""

    def __init__(self, send: Callable[[], EventStream], record: CompletionRecord) -> None:
        self._send = send
        self._is_open = False
        self._steps = self._read()
        self.record = record

    def open(self) -> None:
        """Send the request; raises what the server answers instead of a stream."""
        if not self._is_open:
            self._is_open = True
            with suppress(StopIteration):  # it was closed before
                next(self._steps)

    def next_chunk(self) -> ChatCompletionChunk:
        """Return the next chunk; raises StopIteration at the end."""
        self.open()
        chunk = next(self._steps)
        assert chunk is not None  # noqa: S101 - only the first step is
        return chunk

    def close(self) -> None:
        """Close the response."""
        self._steps.close()

    def _read(self) -> Generator[ChatCompletionChunk | None, None, None]:
        """Yield None when the request is sent, so that a stream that is dropped closes its response; then chunks."""
        response = self._send()
        try:
            yield None
            with closing(response.events(ChatCompletionChunk)) as events:
                for chunk in events:
                    if self.record.add(chunk):
                        yield chunk
            self.record.is_complete = True
        except CodegenAPIError as error:
            failure = of_stream(as_chatserver_error(error), self.record.response)
            raise failure from error.__cause__
        finally:
            response.close()


def open_stream(send: Callable[[], EventStream], on_session: Callable[[str], object] | None = None) -> ChatStream:
    """Send the request of a completion and return its stream."""
    source = _Source(send, CompletionRecord(on_session))
    source.open()
    return ChatStream(source)


def later_stream(send: Callable[[], EventStream], on_session: Callable[[str], object] | None = None) -> ChatStream:
    """Return a stream whose request is sent when it is entered or first read."""
    return ChatStream(_Source(send, CompletionRecord(on_session)))
