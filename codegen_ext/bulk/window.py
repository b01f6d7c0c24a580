"""Which results of a job may be handed out, and how far its input may be read."""

from __future__ import annotations

from .results import BulkResult


class Window:
    """Keeps results until it is their turn.

    At most `size` items are read that were not handed out yet, so that an unending input takes constant memory.
    """

    def __init__(self, size: int, ordered: bool) -> None:
        self._size = size
        self._ordered = ordered
        self._read = 0
        self._given = 0
        self._waiting: dict[int, BulkResult] = {}

    @property
    def has_room(self) -> bool:
        """Whether one more item may be read."""
        return self._read - self._given < self._size

    @property
    def is_empty(self) -> bool:
        """Whether everything that was read has been handed out."""
        return self._read == self._given

    def read(self) -> int:
        """Count one item that was read and return its index."""
        self._read += 1
        return self._read - 1

    def put(self, result: BulkResult) -> None:
        """Keep a result."""
        self._waiting[result.index] = result

    def take(self) -> BulkResult | None:
        """Return the next result, None when it is not there yet."""
        if not self._waiting:
            return None
        index = self._given if self._ordered else next(iter(self._waiting))
        result = self._waiting.pop(index, None)
        self._given += result is not None
        return result
