"""Booking instead of polling: who asks is told once when there will be room, and that moment is kept for them.

A log holds the moments booked in one bucket; past ones are requests that went, future ones belong to callers who sleep.
All of it is arithmetic on whole microseconds of whichever clock the keeper of the logs reads.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from typing import NamedTuple

SECOND = 1_000_000
"""Microseconds."""
LATENESS = 200
"""Who wakes later than one part in so many of the window has a new moment: the one at which they really go."""


class Bucket(NamedTuple):
    """At most `requests` in any `window` (microseconds); `name` says who and what is counted together.

    Buckets of one credential at one service have the same `scope`.
    """

    scope: str
    name: str
    requests: int
    window: int

    @classmethod
    def of(cls, scope: str, group: str, requests: int, seconds: float) -> Bucket:
        """Return the bucket of a group; logs of other windows are others, because they forget at another time."""
        window = micro(seconds)
        return cls(scope, f"{scope}:{group}:{window}", requests, window)


class Outcome(NamedTuple):
    """How many microseconds there are to wait, and whether a place is booked for then."""

    wait: int
    booked: bool


class Use(NamedTuple):
    """How a bucket is used: places left now, microseconds until there are more, and until a closure ends."""

    remaining: int
    reset: int
    closed: int


def micro(seconds: float) -> int:
    """Return seconds as whole microseconds."""
    return round(seconds * SECOND)


class Log:
    """The moments booked in one bucket, in order, each with the ticket that it belongs to."""

    __slots__ = ("moments", "places")

    def __init__(self, places: Iterable[tuple[str, int]] = ()) -> None:
        self.places = dict(places)
        self.moments = sorted((moment, ticket) for ticket, moment in self.places.items())

    def put(self, ticket: str, moment: int) -> None:
        """Book a moment, instead of the one that the ticket had."""
        self.remove(ticket)
        self.places[ticket] = moment
        if not self.moments or self.moments[-1][0] < moment:
            self.moments.append((moment, ticket))  # as nearly always, without a search
        else:
            insort(self.moments, (moment, ticket))

    def remove(self, ticket: str) -> None:
        """Forget a ticket."""
        moment = self.places.pop(ticket, None)
        if moment is not None:
            del self.moments[bisect_left(self.moments, (moment, ticket))]

    def forget(self, until: int) -> None:
        """Forget what is not later than `until`."""
        if self.moments and self.moments[0][0] <= until:
            gone = bisect_left(self.moments, (until + 1,))
            for _, ticket in self.moments[:gone]:
                del self.places[ticket]
            del self.moments[:gone]

    def earliest(self, bucket: Bucket, start: int) -> int:
        """Return the first moment from `start` at which one more leaves no window with too many."""
        moments, requests, window = self.moments, bucket.requests, bucket.window
        index = 0 if len(moments) < requests else bisect_left(moments, (start - window + 1,))
        while index + requests <= len(moments):
            first, last = moments[index][0], moments[index + requests - 1][0]
            if last - window >= start:
                break
            # So many that lie within a window suffer no other within a window of them all.
            if last - first < window:
                start = first + window
                index = bisect_left(moments, (first + 1,), index)
            else:
                index += 1
        return start

    def due(self, bucket: Bucket, now: int) -> int:
        """Return the first moment from `now` at which one more may go, as far as those that went are concerned."""
        went = bisect_left(self.moments, (now + 1,))
        return max(now, self.moments[went - bucket.requests][0] + bucket.window) if went >= bucket.requests else now


class Line(NamedTuple):
    """A bucket with its log and the moment until which it is closed."""

    bucket: Bucket
    log: Log
    closed: int


def take(lines: Sequence[Line], ticket: str, now: int, budget: int | None, after: int = 0) -> Outcome:
    """Book one place in all lines at the same moment, or confirm the one that the ticket has.

    The place is the first that does not push anybody out, `after` microseconds from now at the soonest. At the moment
    booked the same call says that the request may go (a wait of 0): unless others went later than they had booked, or
    the bucket was closed meanwhile; then the ticket has a new moment. When the wait exceeds `budget` nothing is booked.
    """
    start, is_new = now + after, True
    for _, log, closed in lines:
        start = max(start, closed)
        is_new = is_new and ticket not in log.places
    moment = _earliest(lines, start) if is_new else _moved(lines, ticket, now, start)
    wait = max(0, moment - now)
    if budget is not None and wait > budget:
        return Outcome(wait, False)
    for _, log, _ in lines:
        log.put(ticket, moment)
    return Outcome(wait, True)


def _moved(lines: Sequence[Line], ticket: str, now: int, start: int) -> int:
    """Take a ticket out of the lines and return the moment that it has from now on."""
    booked = {line.log.places.get(ticket) for line in lines}
    for line in lines:
        line.log.remove(ticket)
    moment = booked.pop()
    if moment is None or booked:
        return _earliest(lines, start)
    if moment > now:
        return moment if moment >= start else _earliest(lines, start)
    due = max(start, *(line.log.due(line.bucket, now) for line in lines))
    is_late = now - moment > min(line.bucket.window for line in lines) // LATENESS
    return due if due > now or is_late else moment


def close(lines: Sequence[Line], now: int, until: int) -> None:
    """Move the places that are booked in the first line behind a closure, in their order."""
    first = lines[0].log
    waiting = [ticket for _, ticket in first.moments[bisect_left(first.moments, (now + 1,)) :]]
    if not waiting or first.places[waiting[0]] >= until:
        return
    theirs = {ticket: [line for line in lines if ticket in line.log.places] for ticket in waiting}
    for ticket in waiting:
        for line in theirs[ticket]:
            line.log.remove(ticket)
    for ticket in waiting:
        moment = _earliest(theirs[ticket], max(until, *(line.closed for line in theirs[ticket])))
        for line in theirs[ticket]:
            line.log.put(ticket, moment)


def use(line: Line, now: int) -> Use:
    """Say how a bucket is used; `reset` is 0 for one that is not used at all."""
    bucket, log, closed = line
    used = len(log.moments) - bisect_left(log.moments, (now - bucket.window + 1,))
    oldest = log.moments[-used][0] if used else None
    return use_of(bucket, used, oldest, log.earliest(bucket, max(now, closed)), closed, now)


def use_of(bucket: Bucket, used: int, oldest: int | None, next_free: int, closed: int, now: int) -> Use:
    """Say how a bucket is used of which these moments are known."""
    if next_free > now:
        return Use(0, next_free - now, max(0, closed - now))
    return Use(max(1, bucket.requests - used), 0 if oldest is None else oldest + bucket.window - now, 0)


def _earliest(lines: Sequence[Line], start: int) -> int:
    while True:
        moment = start
        for bucket, log, _ in lines:
            moment = log.earliest(bucket, moment)
        if moment == start:
            return moment
        start = moment
