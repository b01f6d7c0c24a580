"""Chat completions in chunks, as services of OpenAI's API send them."""

import json
from typing import Any

from .loopback import reply

EVENTS = "text/event-stream"


def chunk(text: str | None = None, finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    common = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-2024-08-06"}
    return {**common, "choices": [choice], **more}


def events(*items: Any, done: bool = True) -> bytes:
    """Return events with this data, and the one that ends a stream; bytes are events as they stand."""
    texts = [item if isinstance(item, str | bytes) else json.dumps(item) for item in [*items, *["[DONE]"] * done]]
    return b"".join(text if isinstance(text, bytes) else f"data: {text}\n\n".encode() for text in texts)


def streamed(*items: Any, done: bool = True, **options: Any) -> bytes:
    """Return a response whose body is a stream of events."""
    return reply(events(*items, done=done), content_type=EVENTS, **options)
