"""What a process may do on its own while the place that it shares with others is away.

Why that is safe. On its own, a process keeps to its part: the limit divided by the processes last known. It counts as
used what it used itself, and at least its part of what all had used when it last heard; where that is too long ago,
it counts its whole part. The parts add up to the limit, so all processes together stay within it. After the place is
back they keep to their parts for one more window, because a process that has not come back yet still does; by then
everything that went in the window has been written down there.
"""

from __future__ import annotations

from collections.abc import Sequence

from .memory import Book
from .plan import SECOND, Bucket
from .primary import PEER_PERIOD, Reply

FRESH = 20
"""What the others used is known when it was heard at most one part in so many of the window ago, …"""
FRESH_PERIOD = SECOND
"""… and at most so long."""
GUARD_PERIOD = 3 * SECOND
"""How much longer than a window it keeps to its part: by then all who were on their own have noticed."""
GUESS = "?"
"""How tickets begin that stand for requests which others may have sent."""


class Fallback:
    """One process's part of the limits of a scope; its caller sees to it that one thread at a time uses it."""

    def __init__(self, book: Book, peers: int, now: int) -> None:
        self.peers = peers
        self.life = ""
        self._book = book
        self._buckets: dict[str, Bucket] = {}
        self._totals: dict[str, tuple[int, int]] = {}
        self._heard = now
        self._lost: int | None = None
        self._returned: int | None = None
        self._counted: set[str] = set()

    @property
    def is_alone(self) -> bool:
        """Whether it has to come back to the shared place."""
        return self._lost is not None and self._returned is None

    def is_idle(self, now: int) -> bool:
        """Whether it has been forgotten by the others, and nothing that it knows matters."""
        return self._lost is None and now - self._heard > 2 * PEER_PERIOD

    @property
    def buckets(self) -> list[Bucket]:
        """The buckets that were used."""
        return list(self._buckets.values())

    def heard(self, buckets: Sequence[Bucket], reply: Reply, asked: int) -> None:
        """Keep what the shared place answered to a question that was asked at a moment."""
        self._know(buckets)
        self.life = reply.life
        self._heard = max(asked, self._heard)
        for bucket, total in zip(buckets, reply.totals, strict=True):
            self._totals[bucket.name] = (total, asked)
        # Until this process is through with a loss it keeps to the part that it had, and so do the others.
        if self._lost is None:
            self.peers = reply.peers

    def be_alone(self, now: int) -> None:
        """Note that the shared place does not answer, if that is new."""
        if not self.is_alone:
            self.lose(now)

    def lose(self, now: int) -> None:
        """Note that the shared place is not there, or has forgotten everything."""
        self._lost = now
        self._returned = None
        self._counted.clear()

    def come_back(self, life: str, now: int) -> None:
        """Note that the shared place knows all that went from here."""
        self.life = life
        self._returned = now

    def guard(self, now: int) -> int:
        """Return for how many microseconds more it keeps to its parts after it came back."""
        longest = max((bucket.window for bucket in self.buckets), default=0)
        return 0 if self._returned is None else max(0, self._returned + longest + GUARD_PERIOD - now)

    def guarded(self, buckets: Sequence[Bucket], now: int) -> list[Bucket]:
        """Return this process's parts of those buckets in which it must keep to them, ready for use."""
        self._know(buckets)
        if self._lost is None:
            return []
        if self._returned is not None:
            if not self.guard(now):
                self._lost = None
                return []
            over = now - self._returned
            buckets = [bucket for bucket in buckets if over < bucket.window + GUARD_PERIOD]
        for bucket in buckets:
            if bucket.name not in self._counted:
                self._counted.add(bucket.name)
                if self.life and self.peers > 1:
                    self._count(bucket, self._lost)
        return self.parts(buckets)

    def parts(self, buckets: Sequence[Bucket]) -> list[Bucket]:
        """Return this process's parts of buckets; one that cannot be divided among so many lets nothing through."""
        return [bucket._replace(requests=bucket.requests // self.peers) for bucket in buckets]

    def went(self, bucket: Bucket) -> dict[str, int]:
        """Return what this process sent in the window before now, and when."""
        return {ticket: at for ticket, at in self._book.gone(bucket).items() if not ticket.startswith(GUESS)}

    def _know(self, buckets: Sequence[Bucket]) -> None:
        for bucket in buckets:
            self._buckets.setdefault(bucket.name, bucket)

    def _count(self, bucket: Bucket, lost: int) -> None:
        """Count as used, at the moment of the loss, what the others may have used of this part."""
        missing = bucket.requests // self.peers
        known = self._totals.get(bucket.name)
        if known is not None and lost - known[1] <= min(FRESH_PERIOD, bucket.window // FRESH):
            missing = -(-known[0] // self.peers) - len(self.went(bucket))
        self._book.fill(bucket, [f"{GUESS}{index}" for index in range(missing)], lost)
