"""What a place that processes share must be able to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from .plan import SECOND, Bucket, Use

PEER_PERIOD = 60 * SECOND
"""For how long a process that says nothing more counts as one that shares."""


class Away(Exception):  # noqa: N818 - no error that anybody sees
    """The shared place does not answer; `reason` is fit for a log."""

    def __init__(self, error: Exception) -> None:
        super().__init__(type(error).__name__)
        self.reason = type(error).__name__


class Reply(NamedTuple):
    """What the place says, in microseconds.

    `life` is its name, which changes when it has forgotten anything. When that is not the name which the process knew,
    nothing was booked and the rest is void. `peers` is the number of processes that it knows, `totals` the number of
    places in each bucket, past and future.
    """

    life: str
    wait: int = 0
    booked: bool = False
    peers: int = 1
    totals: tuple[int, ...] = ()


class Primary(Protocol):
    """A shared place; every method may block for a moment and raises Away when there is no answer."""

    def take(
        self, ticket: str, buckets: Sequence[Bucket], budget: int | None, after: int, process: str, life: str
    ) -> Reply:
        """Book or confirm a place for a process, which thereby makes itself known; see `plan.take`.

        `life` is the name of the place that the process knows, "" for none.
        """
        ...

    def release(self, ticket: str, buckets: Sequence[Bucket]) -> None:
        """Give up a place."""
        ...

    def close_for(self, buckets: Sequence[Bucket], period: int) -> None:
        """Close the first bucket."""
        ...

    def replay(self, scope: str, went: Mapping[Bucket, Mapping[str, int]]) -> str:
        """Write down what went so many microseconds ago, and return the place's name."""
        ...

    def status(self, buckets: Sequence[Bucket]) -> list[Use]:
        """Return how each bucket is used."""
        ...

    def close(self) -> None:
        """Give connections back; the next question opens new ones."""
        ...
