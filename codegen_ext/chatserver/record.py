"""Put the chunks of a stream together to the completion that they are parts of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from codegen_api.models import ChatCompletionChoice, ChatCompletionMessage, ChatCompletionResponse, ChatRole

if TYPE_CHECKING:
    from codegen_api.models import ChatCompletionChunk, ChatCompletionChunkChoice


class _Choice:
    """One answer as far as it has arrived."""

    def __init__(self) -> None:
        self.role: ChatRole | str = ChatRole.ASSISTANT
        self.pieces: list[str] = []
        self.finish_reason: str | None = None
        self.unknown: dict[str, Any] = {}
        self._half = ""

    def add(self, piece: ChatCompletionChunkChoice) -> None:
        delta = piece.delta
        self.role = delta.role or self.role
        if delta.content:
            delta.content = self._whole(delta.content)
            self.pieces.append(delta.content)
        self.finish_reason = piece.finish_reason or self.finish_reason
        for name, value in delta.additional_properties.items():
            old = self.unknown.get(name)
            grows = type(old) is type(value) and isinstance(value, str | list)
            self.unknown[name] = old + value if grows else value

    def _whole(self, text: str) -> str:
        """Return a text whose characters are whole; half of a surrogate pair waits for the next chunk."""
        text = self._half + text
        self._half = text[-1] if "\ud800" <= text[-1:] <= "\udbff" else ""
        if self._half:
            text = text[:-1]
        try:
            text.encode()
        except UnicodeEncodeError:
            return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return text

    def choice(self, index: int) -> ChatCompletionChoice:
        message = ChatCompletionMessage(self.role, "".join(self.pieces))
        message.additional_properties = dict(self.unknown)
        return ChatCompletionChoice(message, index, self.finish_reason)


class CompletionRecord:
    """Completion as far as it has arrived; `on_session` is called with the id of its session as soon as it is known."""

    def __init__(self, on_session: Callable[[str], object] | None = None) -> None:
        self.metadata: dict[str, Any] = dict.fromkeys(("system_fingerprint", "usage", "model", "finish_reason"))
        self.is_complete = False
        self._on_session = on_session
        self._first: ChatCompletionChunk | None = None
        self._choices: dict[int, _Choice] = {}
        self._unknown: dict[str, Any] = {}

    def add(self, chunk: ChatCompletionChunk) -> None:
        """Add a chunk."""
        self._first = self._first or chunk
        self._unknown.update(chunk.additional_properties)
        for name in ("system_fingerprint", "usage", "model"):
            if (value := getattr(chunk, name)) is not None:
                self.metadata[name] = value
        for piece in chunk.choices:
            self._choices.setdefault(piece.index, _Choice()).add(piece)
            if piece.index == 0 and piece.finish_reason:
                self.metadata["finish_reason"] = piece.finish_reason
        if self._on_session and chunk.system_fingerprint:
            self._on_session(chunk.system_fingerprint)

    @property
    def text(self) -> str:
        """The text of the first answer."""
        return "".join(self._choices[0].pieces) if 0 in self._choices else ""

    @property
    def response(self) -> ChatCompletionResponse | None:
        """The completion, None before the first chunk."""
        if self._first is None:
            return None
        response = ChatCompletionResponse(
            id=self._first.id or "",
            object="chat.completion",
            created=self._first.created or 0,
            model=self.metadata["model"],
            choices=[self._choices[index].choice(index) for index in sorted(self._choices)],
            usage=self.metadata["usage"],
            system_fingerprint=self.metadata["system_fingerprint"],
        )
        response.additional_properties = dict(self._unknown)
        return response


def text_of(chunk: ChatCompletionChunk) -> str:
    """Return what a chunk adds to the first answer."""
    return "".join(choice.delta.content or "" for choice in chunk.choices if choice.index == 0)
