"""A completion that arrives piece by piece: as text, or as the chunks of the server."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator
from contextlib import aclosing, closing, contextmanager
from typing import TYPE_CHECKING, Any, Self

from codegen_api.models import (
    ChatCompletionChoice,
    ChatCompletionMessage,
    ChatCompletionResponse,
    ChatRole,
)
from codegen_api.operations import CREATE_CHAT_COMPLETION

from .errors import ChatServerError, InvalidResponseError, of_stream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codegen_api.models import ChatCompletionChunk, ChatCompletionChunkChoice


class _Answer:
    """One answer as far as it has arrived."""

    def __init__(self) -> None:
        self.role: ChatRole | str = ChatRole.ASSISTANT
        self.pieces: list[str] = []
        self.finish_reason: str | None = None
        self.unknown: dict[str, Any] = {}

    def add(self, piece: ChatCompletionChunkChoice) -> None:
        self.role = piece.delta.role or self.role
        self.pieces.append(piece.delta.content or "")
        self.finish_reason = piece.finish_reason or self.finish_reason
        for name, value in piece.delta.additional_properties.items():
            old = self.unknown.get(name)
            grows = type(old) is type(value) and isinstance(value, str | list)
            self.unknown[name] = old + value if grows else value

    def choice(self, index: int) -> ChatCompletionChoice:
        message = ChatCompletionMessage(self.role, "".join(self.pieces))
        message.additional_properties = dict(self.unknown)
        return ChatCompletionChoice(index, message, self.finish_reason)


class Record:
    """What has arrived of a completion; `on_session` is called with the id of its session when that is known."""

    on_session: Callable[[str], object] | None = None

    def __init__(self) -> None:
        self.metadata: dict[str, Any] = dict.fromkeys(("system_fingerprint", "usage", "model", "finish_reason"))
        self.has_begun = self.is_complete = False
        self._first: ChatCompletionChunk | None = None
        self._answers: dict[int, _Answer] = {}
        self._unknown: dict[str, Any] = {}

    def add(self, chunk: ChatCompletionChunk | None) -> None:
        """Take note of a chunk; None is the beginning of the stream.

        Raises InvalidResponseError for what cannot be put together, because models take values of any kind.
        """
        self.has_begun = True
        if chunk is None:
            return
        for piece in chunk.choices:
            if type(piece.index) is not int or not isinstance(piece.delta.content, str | None):
                problem = "an event of the stream is not usable: expected a whole number as index, and text as content"
                raise InvalidResponseError(problem, operation=CREATE_CHAT_COMPLETION.id)
        self._first = self._first or chunk
        self._unknown.update(chunk.additional_properties)
        for name in ("system_fingerprint", "usage", "model"):
            if (value := getattr(chunk, name)) is not None:
                self.metadata[name] = value
        for piece in chunk.choices:
            self._answers.setdefault(piece.index, _Answer()).add(piece)
            if piece.index == 0 and piece.finish_reason:
                self.metadata["finish_reason"] = piece.finish_reason
        if self.on_session and chunk.system_fingerprint:
            self.on_session(chunk.system_fingerprint)

    @property
    def text(self) -> str:
        """The text of the first answer, as far as it has arrived."""
        return "".join(self._answers[0].pieces) if 0 in self._answers else ""

    @property
    def response(self) -> ChatCompletionResponse | None:
        """The completion as far as it has arrived, None before the first chunk."""
        if self._first is None:
            return None
        response = ChatCompletionResponse(
            id=self._first.id or "",
            object="chat.completion",
            created=self._first.created or 0,
            model=self.metadata["model"],
            choices=[self._answers[index].choice(index) for index in sorted(self._answers)],
            usage=self.metadata["usage"],
            system_fingerprint=self.metadata["system_fingerprint"],
        )
        response.additional_properties = dict(self._unknown)
        return response

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Let an error carry what has arrived."""
        try:
            yield
        except ChatServerError as error:
            if not self.has_begun:
                raise
            raise of_stream(error, self.response) from error.__cause__


def recorded(
    chunks: Generator[ChatCompletionChunk | None, None, None], record: Record
) -> Generator[ChatCompletionChunk | None, None, None]:
    """Pass chunks on and record them."""
    with closing(chunks), record.failing():
        for chunk in chunks:
            record.add(chunk)
            yield chunk
        record.is_complete = True


async def recorded_async(
    chunks: AsyncGenerator[ChatCompletionChunk | None, None], record: Record
) -> AsyncGenerator[ChatCompletionChunk | None, None]:
    """Pass chunks on and record them."""
    with record.failing():
        async with aclosing(chunks):
            async for chunk in chunks:
                record.add(chunk)
                yield chunk
            record.is_complete = True


class _Recorded:
    """What has arrived, for users."""

    _record: Record

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


class _Reader(_Recorded):
    def __init__(self, chunks: Generator[ChatCompletionChunk | None, None, None], record: Record) -> None:
        """Take `chunks` that have been advanced to their first None."""
        self._chunks = chunks
        self._record = record

    def close(self) -> None:
        """Close the connection, whether or not everything has arrived."""
        self._chunks.close()

    def __iter__(self) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _next_chunk(self) -> ChatCompletionChunk:
        chunk = next(self._chunks)
        assert chunk is not None  # only the first is, and it has been taken  # noqa: S101
        return chunk


class ChatEvents(_Reader):
    """The chunks of a stream, as the server sends them."""

    def __next__(self) -> ChatCompletionChunk:
        return self._next_chunk()


class ChatStream(_Reader):
    """The pieces of text of a stream; of several answers those of the first.

    Leaving it early, by `close()` or a `with` statement, closes the connection. Iterating raises a ChatServerError
    whose `partial` has what arrived: StreamInterruptedError when the stream is cut, TimeoutError when there is no
    further event in time, InternalServerError (or what fits a status) when the server reports an error,
    InvalidResponseError for an event that is no chunk.
    """

    def __next__(self) -> str:
        while not (text := text_of(self._next_chunk())):
            pass
        return text

    def events(self) -> ChatEvents:
        """Return the chunks that have not been read yet, in place of the text in them."""
        return ChatEvents(self._chunks, self._record)


class _AsyncReader(_Recorded):
    def __init__(self, chunks: AsyncGenerator[ChatCompletionChunk | None, None], record: Record) -> None:
        """Take `chunks` that have been advanced to their first None."""
        self._chunks = chunks
        self._record = record

    async def close(self) -> None:
        """Close the connection, whether or not everything has arrived."""
        await self._chunks.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def _next_chunk(self) -> ChatCompletionChunk:
        chunk = await anext(self._chunks)
        assert chunk is not None  # only the first is, and it has been taken  # noqa: S101
        return chunk


class AsyncChatEvents(_AsyncReader):
    """The chunks of a stream, as the server sends them."""

    async def __anext__(self) -> ChatCompletionChunk:
        return await self._next_chunk()


class AsyncChatStream(_AsyncReader):
    """`ChatStream` for asyncio."""

    async def __anext__(self) -> str:
        while not (text := text_of(await self._next_chunk())):
            pass
        return text

    def events(self) -> AsyncChatEvents:
        """Return the chunks that have not been read yet, in place of the text in them."""
        return AsyncChatEvents(self._chunks, self._record)


class OpeningStream:
    """A stream whose request is sent when this is awaited, entered by `async with`, or iterated; once."""

    def __init__(self, opening: Coroutine[Any, Any, AsyncChatStream]) -> None:
        self._opening = opening

    def __await__(self) -> Generator[Any, Any, AsyncChatStream]:
        return self._opening.__await__()

    async def __aenter__(self) -> AsyncChatStream:
        self._stream = await self
        return self._stream

    async def __aexit__(self, *exception: object) -> None:
        await self._stream.close()

    async def __aiter__(self) -> AsyncIterator[str]:
        async with self as stream:
            async for piece in stream:
                yield piece


def text_of(chunk: ChatCompletionChunk) -> str:
    """Return what a chunk adds to the first answer."""
    return "".join(choice.delta.content or "" for choice in chunk.choices if choice.index == 0)
