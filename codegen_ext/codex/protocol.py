"""What travels between client and app-server: JSON-RPC messages, one a line. Nothing here does input or output."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .errors import bad_request

Message = dict[str, Any]
Params = dict[str, Any]


def encode(message: Message) -> bytes:
    """Return a message as it travels; raise openai.BadRequestError where it holds what JSON has nothing for."""
    try:
        return json.dumps(message, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode() + b"\n"
    except (TypeError, ValueError, RecursionError) as error:  # among them a lone surrogate, which the CLI cannot read
        raise bad_request(f"an argument cannot be sent as JSON: {error}") from error


class Frames:
    """Puts messages together from pieces of any size; what is no message is collected in `strange`."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.strange: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the messages that end in this piece."""
        *lines, rest = data.split(b"\n")
        for line in lines:
            whole = b"".join([*self._pieces, line])
            self._pieces = []
            if not whole.strip():
                continue
            try:
                message = json.loads(whole)
            except ValueError:
                message = None
            if isinstance(message, dict):
                yield message
            else:
                self.strange.append(whole)
        if rest:
            self._pieces.append(rest)


def is_reply(message: Message) -> bool:
    """Whether a message answers a request of ours."""
    return "method" not in message and "id" in message


def thread_of(message: Message) -> str | None:
    """Return the id of the thread that a notification or a request of the server belongs to."""
    params = message.get("params") or {}
    return params.get("threadId") or (params.get("thread") or {}).get("id")
