# Generated from codegen_ext/chatserver/_async/stream.py by make generate; edit there.
"""Completion that arrives in chunks: as text, or as the chunks themselves."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Self

from codegen_api.models import ChatCompletionChunk

from ...errors import CodegenAPIError
from ..errors import as_chatserver_error, of_stream
from ..record import CompletionRecord, text_of

if TYPE_CHECKING:
    from codegen_api.models import ChatCompletionResponse

    from ..._sync.base_client import EventStream


class ChatStream:
    """Pieces of text of a stream; of several answers those of the first.

    Leaving it early, by `close()` or an `with` statement, closes the connection. Iterating raises a
    ChatServerError whose `partial` has what arrived: StreamInterruptedError when the stream is cut, TimeoutError when a
    limit between two parts was given and nothing came in time, what fits the error that the server reports. Between two
    parts any time may pass, because an agent says nothing while a tool works.
    """

    def __init__(self, send: Callable[[], EventStream], on_session: Callable[[str], object] | None = None) -> None:
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

    def events(self) -> Iterator[ChatCompletionChunk]:
        """Yield the chunks that have not been read yet, as the server sends them, in place of the text in them."""
        with suppress(StopIteration):
            while True:
                yield self._next_chunk()

    def close(self) -> None:
        """Close the connection, whether or not everything has arrived."""
        self._steps.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        while not (text := text_of(self._next_chunk())):
            pass
        return text

    def __enter__(self) -> Self:
        if not self._is_open:
            self._is_open = True
            with suppress(StopIteration):  # it was closed before
                next(self._steps)
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _next_chunk(self) -> ChatCompletionChunk:
        self.__enter__()
        chunk = next(self._steps)
        assert chunk is not None  # noqa: S101 - only the first step is
        return chunk


def _read(
    send: Callable[[], EventStream], record: CompletionRecord
) -> Generator[ChatCompletionChunk | None, None, None]:
    """Yield None when the request is sent, so that a stream that is dropped closes its response; then chunks."""
    response = send()
    try:
        yield None
        with closing(response.events(ChatCompletionChunk)) as events:
            for chunk in events:
                record.add(chunk)
                yield chunk
        record.is_complete = True
    except CodegenAPIError as error:
        raise of_stream(as_chatserver_error(error), record.response) from error.__cause__
    finally:
        response.close()
