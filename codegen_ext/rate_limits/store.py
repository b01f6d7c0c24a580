"""What a store that processes share does for the limits of one credential."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from .window import SECOND, Limit, Window

PEER_PERIOD = 60 * SECOND
"""For how long a process that tries nothing more counts as one that shares."""


class Reply(NamedTuple):
    """Answer to a try: `wait` is 0 when the request is written down, otherwise microseconds.

    `life` is another one when the store has forgotten anything; then nothing is written down. `peers` is the number of
    processes that share it, `used` the number of requests in the first window.
    """

    life: str
    wait: int
    peers: int
    used: int


class Sent(NamedTuple):
    """A request that went `age` microseconds ago, under a name that no other has."""

    limits: tuple[Limit, ...]
    member: str
    age: int


class LimitStore(Protocol):
    """Shared windows, on the store's own clock. Every method may block, and raises StoreUnavailable."""

    def attempt(self, scope: str, limits: Sequence[Limit], process: str, member: str, life: str) -> Reply:
        """Write a request down, under a new name, in all windows if they have room; `life` is the known one or ""."""
        ...

    def write(self, scope: str, sent: Sequence[Sent], closures: Mapping[Limit, int]) -> None:
        """Write down, also again, what went at other times, and for how long limits are closed."""
        ...

    def read(self, scope: str, limits: Sequence[Limit]) -> tuple[int, list[Window]]:
        """Return the store's time and its windows."""
        ...

    def close(self) -> None:
        """Close connections; the next call opens new ones."""
        ...
