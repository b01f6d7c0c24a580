"""Buckets in a place that processes share; while it is away, this process's part of them."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence

from ..clock import Clock
from .errands import Errands
from .fallback import Fallback
from .memory import Book, usage
from .plan import SECOND, Bucket, Use, micro
from .primary import Away, Primary
from .store import Usage, Verdict

RETRY_PERIOD = SECOND
"""How long a place that was away is left alone, and how often who waits meanwhile asks again."""
PULSE_PERIOD = 5 * SECOND
"""How often who waits asks again, so that a process hears of others and of a loss while it has nothing else to do."""
_ATTEMPTS = 3

_logger = logging.getLogger("codegen_ext")


class SharedStore:
    """Asks the shared place and keeps a book of its own, in which stands what went from this process.

    When the place is away, the book decides; when it has just come back, both must agree. `peers` is the number of
    processes to reckon with until the place has told.
    """

    blocks = True

    def __init__(self, primary: Primary, clock: Clock, peers: int = 1) -> None:
        self._primary = primary
        self._clock = clock
        self._peers = peers
        self._book = Book(self._now)
        self._errands = Errands()
        self._lock = threading.Lock()
        self._fallbacks: dict[str, Fallback] = {}
        self._sweep_at = 64
        self._retry_at: int | None = None
        self._users = 0
        self._word = os.urandom(6).hex()

    def take(self, ticket: str, buckets: Sequence[Bucket], budget: float | None) -> Verdict:
        """Book or confirm a place."""
        fallback = self._fallback(buckets[0].scope)
        limit = None if budget is None else micro(budget)
        if self._may_ask(fallback):
            try:
                return self._ask(fallback, ticket, buckets, limit)
            except Away as away:
                self._note_away(away, fallback)
        with self._lock:
            parts = fallback.guarded(buckets, self._now())
        if not all(part.requests for part in parts):
            return _verdict(RETRY_PERIOD, limit is None or limit >= RETRY_PERIOD)
        return _verdict(*self._book.take(ticket, parts, limit), RETRY_PERIOD)

    def release(self, ticket: str, buckets: Sequence[Bucket]) -> None:
        """Give up a place, in the shared place soon."""
        self._book.release(ticket, buckets)
        self._send(lambda: self._primary.release(ticket, buckets))

    def note_late(self, ticket: str, buckets: Sequence[Bucket], ago: float) -> None:
        """Move a place to when its request really went, in the shared place soon."""
        self._book.note(ticket, buckets, micro(ago))
        went = self._now() - micro(ago)

        def tell() -> None:
            age = self._now() - went
            self._primary.replay(buckets[0].scope, {bucket: {ticket: age} for bucket in buckets})

        self._send(tell)

    def close_for(self, buckets: Sequence[Bucket], seconds: float) -> None:
        """Close the first bucket, for this process at once and for the others soon."""
        self._book.close(buckets, micro(seconds))
        until = self._now() + micro(seconds)
        self._send(lambda: self._primary.close_for(buckets, max(0, until - self._now())))

    def status(self, buckets: Sequence[Bucket]) -> list[Usage]:
        """Return how each bucket is used; while the place is away, what remains of this process's part."""
        fallback = self._fallback(buckets[0].scope)
        if self._retry_at is None:
            try:
                return list(map(usage, buckets, self._primary.status(buckets)))
            except Away as away:
                self._note_away(away, fallback)
        with self._lock:
            parts = fallback.parts(buckets)
        uses = [self._book.use([part])[0] if part.requests else Use(0, RETRY_PERIOD, 0) for part in parts]
        return list(map(usage, buckets, uses))

    def enter(self) -> None:
        """Count one more client that uses this store."""
        with self._lock:
            self._users += 1

    def close(self) -> None:
        """Give the connections back when the last client has closed."""
        with self._lock:
            self._users -= 1
            if self._users > 0:
                return
        self._errands.finish()
        self._primary.close()

    def _ask(self, fallback: Fallback, ticket: str, buckets: Sequence[Bucket], budget: int | None) -> Verdict:
        for _ in range(_ATTEMPTS):
            self._come_back(fallback, buckets[0].scope)
            with self._lock:
                asked, life = self._now(), fallback.life
                parts = fallback.guarded(buckets, asked)
            after = self._book.closed_for(buckets)
            if not all(part.requests for part in parts):
                after = max(after, fallback.guard(asked))
            elif parts:
                wait, booked = self._book.take(ticket, parts, budget)
                if not booked:
                    return _verdict(wait, False)
                after = max(after, wait)
            reply = self._primary.take(ticket, buckets, budget, after, f"{self._word}-{os.getpid()}", life)
            with self._lock:
                if life in ("", reply.life):
                    fallback.heard(buckets, reply, asked)
                    break
                # It has forgotten what it knew, so what holds is what holds after a loss.
                fallback.lose(asked)
        else:
            raise Away(ConnectionError())  # not one place, it seems, but several that answer in turn
        self._note_back()
        if not reply.booked:
            self._book.release(ticket, parts)
        elif reply.wait == 0:
            self._book.note(ticket, buckets)
        return _verdict(reply.wait, reply.booked)

    def _come_back(self, fallback: Fallback, scope: str) -> None:
        """Tell the shared place what went without it."""
        with self._lock:
            if not fallback.is_alone:
                return
            now = self._now()
            went = {bucket: fallback.went(bucket) for bucket in fallback.buckets}
            ages = {bucket: {ticket: now - at for ticket, at in tickets.items()} for bucket, tickets in went.items()}
            closures = {bucket: self._book.closed_for([bucket]) for bucket in fallback.buckets}
        life = self._primary.replay(scope, ages)
        for bucket, period in closures.items():
            if period:
                self._primary.close_for([bucket], period)
        with self._lock:
            fallback.come_back(life, self._now())
        self._note_back()

    def _send(self, errand: Callable[[], object]) -> None:
        def run() -> None:
            if self._retry_at is None:
                try:
                    errand()
                except Away as away:
                    self._note_away(away)

        self._errands.add(run)

    def _may_ask(self, fallback: Fallback) -> bool:
        with self._lock:
            now = self._now()
            if self._retry_at is None:
                return True
            if now < self._retry_at:
                fallback.be_alone(now)
                return False
            # The others need not wait to learn whether this caller gets an answer.
            self._retry_at = now + RETRY_PERIOD
            return True

    def _note_away(self, away: Away, fallback: Fallback | None = None) -> None:
        with self._lock:
            now = self._now()
            first = self._retry_at is None
            self._retry_at = now + RETRY_PERIOD
            if fallback is not None:
                fallback.be_alone(now)
        if first:
            peers = self._peers if fallback is None else fallback.peers
            _logger.warning(
                "the shared rate limits are away (%s): until they are back this process keeps to 1/%d of each",
                away.reason,
                peers,
            )

    def _note_back(self) -> None:
        with self._lock:
            back, self._retry_at = self._retry_at is not None, None
        if back:
            _logger.info("the shared rate limits are back")

    def _fallback(self, scope: str) -> Fallback:
        with self._lock:
            fallback = self._fallbacks.get(scope)
            if fallback is None:
                if len(self._fallbacks) >= self._sweep_at:
                    self._sweep()
                fallback = self._fallbacks[scope] = Fallback(self._book, self._peers, self._now())
            return fallback

    def _sweep(self) -> None:
        """Drop the credentials that nobody uses any more."""
        now = self._now()
        for scope, fallback in list(self._fallbacks.items()):
            if fallback.is_idle(now):
                del self._fallbacks[scope]
        self._sweep_at = max(64, 2 * len(self._fallbacks))

    def _now(self) -> int:
        return micro(self._clock.monotonic())


def _verdict(wait: int, booked: bool, pulse: int = PULSE_PERIOD) -> Verdict:
    return Verdict((min(wait, pulse) if booked else wait) / SECOND, booked)
