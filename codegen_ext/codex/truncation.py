"""Truncation of streamed text at `stop` sequences and `max_tokens`, which the CLI does not offer."""

from __future__ import annotations

from collections.abc import Sequence

BYTES_PER_TOKEN = 4
"""The service's tokenizer is not at hand, so a token counts as four bytes of UTF-8, as the CLI itself estimates."""


class Truncation:
    """Pass text up to the first stop sequence, or the number of tokens, whichever comes first.

    `finish_reason` is None until then. What may be the beginning of a stop sequence is held back until that is decided.
    """

    def __init__(self, stop: Sequence[str] = (), max_tokens: int | None = None) -> None:
        self.finish_reason: str | None = None
        self._stop = tuple(stop)
        self._left = None if max_tokens is None else max_tokens * BYTES_PER_TOKEN
        self._held = ""

    def feed(self, text: str) -> str:
        """Take a piece of text and return what is certain to be shown."""
        if self.finish_reason is not None:
            return ""
        self._held += text
        ends = [at for sequence in self._stop if (at := self._held.find(sequence)) >= 0]
        if ends:
            passed, self._held, self.finish_reason = self._held[: min(ends)], "", "stop"
        else:
            kept = self._undecided()
            passed, self._held = self._held[: len(self._held) - kept], self._held[len(self._held) - kept :]
        return self._measure(passed)

    def flush(self) -> str:
        """Return what was held back, at the end of the text."""
        passed, self._held = self._held, ""
        return self._measure(passed)

    def _undecided(self) -> int:
        longest = min(len(self._held), max(map(len, self._stop), default=1) - 1)
        for length in range(longest, 0, -1):
            if any(sequence.startswith(self._held[-length:]) for sequence in self._stop):
                return length
        return 0

    def _measure(self, text: str) -> str:
        if self._left is None:
            return text
        data = text.encode("utf-8", "surrogatepass")
        if len(data) <= self._left:
            self._left -= len(data)
            return text
        cut = data[: self._left].decode("utf-8", "ignore")
        self._left, self._held, self.finish_reason = 0, "", "length"
        return cut
