"""Answers in this process's memory: the least recently used one gives way, and each has its own lifetime."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection

from ..clock import Clock
from .entry import Entry, Found, Key, Store


class MemoryStore(Store):
    """Keeps at most `max_size` entries; may be used by several threads and event loops."""

    blocks = False

    def __init__(self, max_size: int, clock: Clock) -> None:
        from cachetools import TLRUCache

        self._clock = clock
        self._lock = threading.Lock()
        self._invalidated = Counter[str]()
        self._cleared = 0
        # A kept entry, when it was stored, and when it goes.
        self._kept: TLRUCache[Key, tuple[Entry, float, float]] = TLRUCache(
            max_size, ttu=lambda _key, kept, _now: kept[2], timer=clock.monotonic
        )

    def _ticket(self, operation: str) -> str:
        return f"{self._cleared}.{self._invalidated[operation]}"

    def get(self, key: Key) -> Found:
        """Return what there is, and make it the most recently used."""
        with self._lock:
            kept = self._kept.get(key)
            ticket = self._ticket(key.operation)
        if kept is None:
            return Found(None, 0.0, ticket)
        return Found(kept[0], self._clock.monotonic() - kept[1], ticket)

    def put(self, key: Key, entry: Entry, seconds: float, ticket: str | None) -> None:
        """Keep an entry for `seconds`, unless it was invalidated since the ticket was given."""
        with self._lock:
            if ticket == self._ticket(key.operation):
                now = self._clock.monotonic()
                self._kept[key] = entry, now, now + seconds

    def invalidate(self, site: str, operations: Collection[str]) -> None:
        """Drop what is kept of some operations."""
        with self._lock:
            self._invalidated.update(operations)
            for key in [key for key in self._kept if key.site == site and key.operation in operations]:
                self._kept.pop(key, None)

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._cleared += 1
            self._kept.clear()

    def size(self) -> int:
        """Return how many entries there are."""
        with self._lock:
            self._kept.expire()
            return len(self._kept)

    def close(self) -> None:
        """Do nothing: what was kept ends with the client."""
