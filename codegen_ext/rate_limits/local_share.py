"""What a process may send while the store that it shares with others is unavailable: its share of each limit.

Why the limits hold all the same. The share is the limit divided by the processes last known, so all shares together
stay within it. What all had sent before counts as one whole share at the moment of the loss, so nothing goes for one
window. When the store answers again, what went meanwhile is written down there, and the process keeps to its share for
one more window, because another one may not have come back yet. All times are microseconds of the client's clock.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Sequence

from .. import _fork
from .store import Reply, Sent
from .window import SECOND, Limit, Signal, Usage, Window, record

RETRY_PERIOD = SECOND
"""For how long a store that did not answer is left alone."""
GUARD_PERIOD = 3 * SECOND
"""How much longer than a window a process keeps to its share: by then all that were on their own have noticed."""
_NEVER = -sys.maxsize


class RequestQueue:
    """Requests of this process that wait for one shared limit, in order of arrival; only the first tries."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._mutex = threading.RLock()  # a task that is collected as garbage leaves wherever that happens
        self._entries: deque[QueueEntry] = deque()
        self._free_at = _NEVER

    def join(self, deadline: int | None) -> QueueEntry:
        """Put a request at the end."""
        with self._mutex:
            entry = QueueEntry(deadline)
            self._entries.append(entry)
            return entry

    def poll(self, entry: QueueEntry, signal: Signal, now: int) -> tuple[int, bool]:
        """Return how long a request has to wait, at least, as far as known, and whether it is the first.

        `signal` is given when it should poll again.
        """
        with self._mutex:
            entry.signal = signal
            position = self._entries.index(entry)
            return self._bound(position, now), position == 0

    def tell(self, now: int, wait: int) -> None:
        """Note how long the first has to wait; those that cannot wait so long are woken."""
        with self._mutex:
            self._free_at = now + wait
            for position, entry in enumerate(self._entries):
                if entry.deadline is not None and now + self._bound(position, now) > entry.deadline:
                    entry.wake()

    def leave(self, entry: QueueEntry) -> None:
        """Take a request out, and let the next one try."""
        with self._mutex:
            if entry in self._entries:
                self._entries.remove(entry)
                while self._entries and not self._entries[0].wake():
                    self._entries.popleft()

    def _bound(self, position: int, now: int) -> int:
        return max(0, self._free_at - now) + position // self._limit.requests * self._limit.window


class QueueEntry:
    """A request in a queue, and the signal by which its thread or task polls again."""

    __slots__ = ("deadline", "is_left", "signal")

    def __init__(self, deadline: int | None) -> None:
        self.deadline = deadline
        self.is_left = False
        self.signal: Signal | None = None

    def wake(self) -> bool:
        """Let it poll again; return whether it still can."""
        return self.signal is None or self.signal.wake()


class LocalShare:
    """What this process sent within the limits of one credential, and its share of them; safe for threads.

    `peers` is the number of processes to reckon with until the store has told.
    """

    def __init__(self, peers: int) -> None:
        self.peers = peers
        self.life = ""
        """Identity of the store's data as it is known, "" when any will do."""
        self.after_fork()
        self._sent: deque[tuple[int, str, tuple[Limit, ...]]] = deque()
        self._longest = 0
        self._heard: dict[Limit, tuple[int, int]] = {}
        self._closed: dict[Limit, int] = {}
        self._shares: dict[Limit, Window] = {}
        self._lost: int | None = None
        self._returned: int | None = None
        self._retry_at = _NEVER
        _fork.register(self)

    def after_fork(self) -> None:
        """Be another process, in which no request waits."""
        self._mutex = threading.Lock()
        self._queues: dict[Limit, RequestQueue] = {}
        self.process = f"{os.getpid():x}-{os.urandom(6).hex()}"
        """Name of this process among its peers."""

    def queue(self, limit: Limit) -> RequestQueue:
        """Return the queue of a limit."""
        with self._mutex:
            return self._queues.setdefault(limit, RequestQueue(limit))

    def must_ask(self, now: int) -> bool:
        """Return whether the caller should ask the store, which only one does while it is unavailable."""
        with self._mutex:
            if not self.is_away or now >= self._retry_at:
                self._retry_at = now + RETRY_PERIOD
                return True
            return False

    @property
    def is_away(self) -> bool:
        """Whether the store did not answer when it was last asked."""
        return self._lost is not None and self._returned is None

    def take(self, limits: tuple[Limit, ...], member: str, now: int) -> int:
        """Record a request if it may go as far as this process knows; return the wait otherwise.

        While the store is there that is so unless a group is closed.
        """
        with self._mutex:
            self._longest = max(self._longest, *(limit.window for limit in limits))
            self._settle(now)
            wait = max(0, *(self._closed.get(limit, now) - now for limit in limits))
            if self._lost is not None:
                wait = max(wait, *(self._wait(limit, now) for limit in limits))
            if not wait:
                now = record(tuple(self._shares[limit] for limit in limits if limit in self._shares), now).time
                while self._sent and self._sent[0][0] <= now - self._longest:
                    self._sent.popleft()
                self._sent.append((now, member, limits))
            return wait

    def move(self, member: str, time: int | None) -> None:
        """Change the time of a request that went late, or forget one that did not go, for None."""
        with self._mutex:
            entry = next((entry for entry in reversed(self._sent) if entry[1] == member), None)
            if entry is None:
                return
            self._sent.remove(entry)
            for limit in entry[2]:
                if limit in self._shares:
                    self._shares[limit].move(entry[0], time)
            if time is not None:
                self._sent.append((time, *entry[1:]))

    def heard(self, limit: Limit, reply: Reply, now: int) -> bool:
        """Note what the store answered about a limit; return False when it has forgotten what it knew."""
        with self._mutex:
            if self.life not in ("", reply.life):
                return False
            self.life = reply.life
            self._heard[limit] = (now, reply.used)
            if self._lost is None:  # until it is through with a loss the share stays, as that of the others does
                self.peers = reply.peers
            return True

    def lose(self, now: int) -> bool:
        """Note that the store is unavailable, or has forgotten everything; return whether it was available before."""
        with self._mutex:
            self._retry_at = now + RETRY_PERIOD
            if self.is_away:
                return False
            self._lost, self._returned = now, None
            self._shares.clear()
            return True

    def unwritten(self, now: int) -> tuple[list[Sent], dict[Limit, int]] | None:
        """Return what a store that was unavailable has to learn: requests and closures; None when it was available."""
        with self._mutex:
            if not self.is_away:
                return None
            sent = [Sent(limits, member, max(0, now - time)) for time, member, limits in self._sent]
            return sent, {limit: until - now for limit, until in self._closed.items() if until > now}

    def come_back(self, now: int) -> bool:
        """Note that the store knows all that went from here; return whether it had been unavailable until then."""
        with self._mutex:
            was_away, self._returned, self.life = self.is_away, now, ""
            return was_away

    def close(self, limit: Limit, until: int) -> None:
        """Let nothing of a limit go before a time; the longest closure counts."""
        with self._mutex:
            self._closed[limit] = max(until, self._closed.get(limit, until))

    def is_idle(self, now: int) -> bool:
        """Return whether nothing that it holds matters any more."""
        with self._mutex:
            self._settle(now)
            return self._lost is None and not any(time > now - self._longest for time, *_ in self._sent)

    def usage(self, limits: Sequence[Limit], now: int) -> list[Usage]:
        """Describe the share of each limit to users."""
        with self._mutex:
            usages = []
            for limit in limits:
                closed = self._closed.get(limit, now)
                wait = max(closed - now, self._wait(limit, now))
                usages.append(self._share(limit).usage(now, wait, closed)._replace(limit=limit.requests))
            return usages

    def spare(self, limit: Limit, now: int) -> float:
        """Return which part of a limit is left, as far as known without asking."""
        with self._mutex:
            if self._lost is not None:
                is_full = self._wait(limit, now) > 0
                return 0.0 if is_full else 1 - len(self._share(limit).times) / self._share(limit).limit.requests
            heard, used = self._heard.get(limit, (_NEVER, 0))
            return 1.0 if heard <= now - limit.window else max(0.0, 1 - used / limit.requests)

    def _share(self, limit: Limit) -> Window:
        share = self._shares.get(limit)
        if share is None:
            part = limit._replace(requests=limit.requests // self.peers)
            times = [time for time, _, limits in self._sent if limit in limits]
            if self._lost is not None and self._heard and self.peers > 1:
                times = [self._lost] * part.requests
            share = self._shares[limit] = Window(part, times)
        return share

    def _settle(self, now: int) -> None:
        """Be done with a loss when it is a window ago, and forget closures that are over."""
        if self._returned is not None and not self._guard(now):
            self._lost = self._returned = None
            self._shares.clear()
        for limit in [limit for limit, until in self._closed.items() if until <= now]:
            del self._closed[limit]

    def _guard(self, now: int) -> int:
        return max(0, (self._returned or 0) + self._longest + GUARD_PERIOD - now)

    def _wait(self, limit: Limit, now: int) -> int:
        share = self._share(limit)
        if share.limit.requests:
            return share.wait(now)
        return RETRY_PERIOD if self._returned is None else self._guard(now)  # a share of nothing
