"""What the transport asks of whoever keeps the buckets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import httpx

from .plan import Bucket


class LimitExceeded(httpx.HTTPError):
    """There is no place for a request before its deadline; `wait` is the number of seconds until there is one."""

    def __init__(self, wait: float) -> None:
        super().__init__(
            f"the rate limit has no place for this request for another {wait:.3f} s, more than total_timeout leaves"
        )
        self.wait = wait

    def __reduce__(self) -> tuple[type[LimitExceeded], tuple[float]]:
        return type(self), (self.wait,)


class Verdict(NamedTuple):
    """How many seconds there are to wait, and whether a place is booked for then."""

    wait: float
    booked: bool


class Usage(NamedTuple):
    """How a bucket is used.

    `remaining` requests may go now, in `reset_time` seconds there will be more, and for `closed_for` seconds there are
    none because the service said so. `limit` is the most that the window holds.
    """

    remaining: int
    limit: int
    reset_time: float
    closed_for: float


class Store(Protocol):
    """Keeps buckets; may be used by several threads. Nothing here raises because a shared place is away."""

    @property
    def blocks(self) -> bool:
        """Whether `take`, `status` and `close` may keep a thread waiting; nothing else does."""
        ...

    def take(self, ticket: str, buckets: Sequence[Bucket], budget: float | None) -> Verdict:
        """Book one place in all buckets, or confirm at its time the place that the ticket has.

        The caller waits as long as it is told, asks again with the same ticket, and goes once the wait is 0. Nothing is
        booked, and what was is given up, when the wait is longer than `budget` seconds.
        """
        ...

    def release(self, ticket: str, buckets: Sequence[Bucket]) -> None:
        """Give up a place."""
        ...

    def note_late(self, ticket: str, buckets: Sequence[Bucket], ago: float) -> None:
        """Move a place to when its request really went, so many seconds ago: connecting took longer than usual."""
        ...

    def close_for(self, buckets: Sequence[Bucket], seconds: float) -> None:
        """Close the first bucket for everybody; places booked before then move behind, in all buckets."""
        ...

    def status(self, buckets: Sequence[Bucket]) -> list[Usage]:
        """Return how each bucket is used."""
        ...

    def close(self) -> None:
        """Give connections back; the store can still be used."""
        ...
