"""Buckets in this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from weakref import WeakKeyDictionary, proxy

from ..clock import Clock
from . import plan
from .plan import SECOND, Bucket, Line, Log, Outcome, Use, micro
from .store import Usage, Verdict


class Book:
    """Logs and closures by the names of their buckets, on a clock of microseconds; safe for threads."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._logs: dict[str, Log] = {}
        self._keep: dict[str, int] = {}
        self._closed: dict[str, int] = {}
        self._sweep_at = 64

    def take(self, ticket: str, buckets: Sequence[Bucket], budget: int | None, after: int = 0) -> Outcome:
        """Book or confirm, see `plan.take`."""
        with self._lock:
            now = self._now()
            return plan.take(self._lines(buckets, now), ticket, now, budget, after)

    def release(self, ticket: str, buckets: Collection[Bucket]) -> None:
        """Give up a place."""
        with self._lock:
            for bucket in buckets:
                if bucket.name in self._logs:
                    self._logs[bucket.name].remove(ticket)

    def close(self, buckets: Sequence[Bucket], period: int) -> None:
        """Close the first bucket for a period from now; the longest closure counts."""
        with self._lock:
            now = self._now()
            until, name = now + period, buckets[0].name
            if until > self._closed.get(name, now):
                self._closed[name] = until
                plan.close(self._lines(buckets, now), now, until)

    def use(self, buckets: Collection[Bucket]) -> list[Use]:
        """Return how each bucket is used."""
        with self._lock:
            now = self._now()
            return [plan.use(line, now) for line in self._lines(buckets, now)]

    def note(self, ticket: str, buckets: Collection[Bucket], ago: int = 0) -> None:
        """Write down that a request went so many microseconds ago."""
        with self._lock:
            now = self._now()
            for line in self._lines(buckets, now):
                line.log.put(ticket, now - ago)

    def fill(self, bucket: Bucket, tickets: Collection[str], moment: int) -> None:
        """Write down requests that went, perhaps, at a moment in the past."""
        with self._lock:
            (line,) = self._lines((bucket,), self._now())
            for ticket in tickets:
                line.log.put(ticket, moment)

    def gone(self, bucket: Bucket) -> dict[str, int]:
        """Return the tickets that went in the window before now, and when."""
        with self._lock:
            now = self._now()
            (line,) = self._lines((bucket,), now)
            return {ticket: moment for moment, ticket in line.log.moments if now - bucket.window < moment <= now}

    def closed_for(self, buckets: Collection[Bucket]) -> int:
        """Return after how many microseconds all buckets are open."""
        with self._lock:
            now = self._now()
            return max(0, *(self._closed.get(bucket.name, now) - now for bucket in buckets))

    def _lines(self, buckets: Collection[Bucket], now: int) -> list[Line]:
        if len(self._logs) > self._sweep_at:
            self._sweep(now)
        lines = []
        for bucket in buckets:
            name = bucket.name
            log = self._logs.get(name)
            if log is None:
                log = self._logs[name] = Log()
                self._keep[name] = 0
            keep = self._keep[name] = max(self._keep[name], bucket.window)
            log.forget(now - keep)
            lines.append(Line(bucket, log, self._closed.get(name, now)))
        return lines

    def _sweep(self, now: int) -> None:
        """Drop what no longer matters, so that a process that sees many credentials does not grow."""
        for name, log in list(self._logs.items()):
            log.forget(now - self._keep[name])
            if not log.moments:
                del self._logs[name], self._keep[name]
        for name, until in list(self._closed.items()):
            if until <= now:
                del self._closed[name]
        self._sweep_at = max(64, 2 * len(self._logs))


class MemoryStore:
    """Buckets that all clients of this process share, as far as they share a clock.

    With an `owner` the buckets are that object's: a transport that takes the place of the network leads to a service of
    its own, such as a sandbox, whatever the address says.
    """

    blocks = False

    def __init__(self, clock: Clock, owner: object = None) -> None:
        self._book = _book_of(clock, clock if owner is None else owner)

    def take(self, ticket: str, buckets: Sequence[Bucket], budget: float | None) -> Verdict:
        """Book or confirm a place."""
        wait, booked = self._book.take(ticket, buckets, None if budget is None else micro(budget))
        return Verdict(wait / SECOND, booked)

    def release(self, ticket: str, buckets: Sequence[Bucket]) -> None:
        """Give up a place."""
        self._book.release(ticket, buckets)

    def note_late(self, ticket: str, buckets: Sequence[Bucket], ago: float) -> None:
        """Move a place to when its request really went."""
        self._book.note(ticket, buckets, micro(ago))

    def close_for(self, buckets: Sequence[Bucket], seconds: float) -> None:
        """Close the first bucket."""
        self._book.close(buckets, micro(seconds))

    def status(self, buckets: Sequence[Bucket]) -> list[Usage]:
        """Return how each bucket is used."""
        return [usage(bucket, use) for bucket, use in zip(buckets, self._book.use(buckets), strict=True)]

    def close(self) -> None:
        """Do nothing: what went must be known to the next client of this process."""


def usage(bucket: Bucket, use: Use) -> Usage:
    """Return in seconds how a bucket is used."""
    return Usage(use.remaining, bucket.requests, use.reset / SECOND, use.closed / SECOND)


def _book_of(clock: Clock, owner: object) -> Book:
    try:
        time = proxy(clock)  # a book must not keep alive what it is found by
        with _lock:
            return _books.setdefault(owner, WeakKeyDictionary()).setdefault(
                clock, Book(lambda: micro(time.monotonic()))
            )
    except TypeError:  # what cannot be referred to weakly
        return Book(lambda: micro(clock.monotonic()))


_lock = threading.Lock()
_books: WeakKeyDictionary[object, WeakKeyDictionary[Clock, Book]] = WeakKeyDictionary()
