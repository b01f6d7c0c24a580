"""The windows of one credential in a store that processes share, or this process's share while it is unavailable.

Why the limits hold without the store. A share is the limit divided by the processes last known, so all shares together
stay within it. What all had sent before counts as one whole share at the moment of the loss, so nothing goes for one
window. When the store answers again, what went meanwhile is written down there, and the process keeps to its share for
one more window, because another one may not have come back yet.
"""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Iterable, Sequence

from ..clock import Clock
from ..storage import StoreUnavailable, scheme_of, sqlite_path
from .store import LimitStore, Sent
from .window import NEVER, SECOND, Limit, QueuedRequest, Slot, Usage, Window, Windows

RETRY_PERIOD = SECOND
"""For how long a store that did not answer is left alone."""
PULSE_PERIOD = 5 * SECOND
"""How often the first that waits tries again, to learn of other processes and of a loss."""
GUARD_PERIOD = 3 * SECOND
"""How much longer than a window a process keeps to its share: by then all that were on their own have noticed."""

_logger = logging.getLogger("codegen_ext")


class SharedWindows(Windows):
    """Asks the store for the first of each queue; its methods may block, and never fail because of the store.

    `peers` is the number of processes to reckon with until the store has told.
    """

    is_shared = True

    def __init__(self, store: LimitStore, scope: str, peers: int, clock: Clock) -> None:
        super().__init__(clock)
        self._store = store
        self._scope = scope
        self._peers = peers
        self._life = ""  # identity of the store's data, "" when any will do
        self._members = itertools.count()
        self._sent: dict[str, Slot] = {}  # what went within the longest window
        self._longest = 0
        self._heard: dict[Window, tuple[int, int]] = {}  # when the store was last heard, and how much was used
        self._free_at: dict[Window, int] = {}
        self._lost: int | None = None
        self._returned: int | None = None
        self._retry_at = NEVER

    def after_fork(self) -> None:
        """Be another process, in which no request waits."""
        super().after_fork()
        self._process = f"{os.getpid():x}-{os.urandom(6).hex()}"

    @property
    def is_away(self) -> bool:
        """Whether the store did not answer when it was last asked."""
        return self._lost is not None and self._returned is None

    @property
    def longest_sleep(self) -> int:
        """Microseconds after which the first of a queue tries again, however long its wait."""
        return RETRY_PERIOD if self.is_away else PULSE_PERIOD

    def windows(self, limits: Iterable[Limit]) -> tuple[Window, ...]:
        """Return the windows of limits, and note the longest: for so long what went is remembered."""
        found = super().windows(limits)
        self._longest = max(self._longest, *(window.limit.window for window in found))
        return found

    def take(self, windows: tuple[Window, ...]) -> None:  # noqa: ARG002 - only the store knows
        """Return None: a request has to ask the store."""
        return

    def _wait(self, request: QueuedRequest, position: int, now: int) -> int:
        window = request.windows[0]
        rounds = position // window.limit.requests
        return max(0, self._free_at.get(window, now) - now, window.closed - now) + rounds * window.limit.window

    def attempt(self, request: QueuedRequest) -> int:
        """Give the first of a queue its slot, or return how long it has to wait, at least.

        A slot that comes after the request has left is given back.
        """
        windows, member = request.windows, f"{self._process}-{next(self._members)}"
        time = self.now()  # before the store writes the request down, so that one whose reply is late counts as late
        wait = self._ask(windows, member)
        with self._mutex:
            now = self._settled()
            if wait is None:
                wait, time = self._own_waits(windows, now), now
            if wait:
                self._free_at[windows[0]] = now + wait
                self._wake_late(now)
                return wait
            if request in self._queues.get(windows[0], ()):
                while (oldest := next(iter(self._sent.values()), None)) and oldest.time <= now - self._longest:
                    del self._sent[oldest.member]
                request.slot = self._sent[member] = Slot(windows, time, member)
                self._remove(request)
                return 0
        self._write([Sent(_limits(windows), member, self._longest)], {})  # so long ago that it counts no more
        return 0

    def _ask(self, windows: tuple[Window, ...], member: str) -> int | None:
        """Ask the store for a slot and return the wait; None where it is unavailable."""
        try:
            if self.is_away and not self._come_back():
                return None
            with self._mutex:
                if wait := self._own_waits(windows, self._settled()):
                    return wait
            reply = self._store.attempt(self._scope, _limits(windows), self._process, member, self._life)
            with self._mutex:
                if self._life not in ("", reply.life):
                    raise StoreUnavailable("data lost")
                self._life = reply.life
                self._heard[windows[0]] = (self.now(), reply.used)
                if self._lost is None:  # until it is through with a loss the share stays, as that of the others does
                    self._peers = reply.peers
        except StoreUnavailable as error:
            self._lose(error.reason)
            return None
        return reply.wait

    def _own_waits(self, windows: tuple[Window, ...], now: int) -> int:
        return max([self._own_wait(window, now) for window in windows])

    def _change(self, slot: Slot, time: int | None) -> None:
        with self._mutex:
            if self._sent.pop(slot.member, None) and time is not None:
                self._sent[slot.member] = Slot(slot.windows, time, slot.member)

    def _lose(self, reason: str) -> None:
        """Note that the store is unavailable, or has forgotten everything."""
        with self._mutex:
            now = self.now()
            self._retry_at = now + RETRY_PERIOD
            if self.is_away:
                return
            self._lost, self._returned = now, None
        _logger.warning(
            "the shared rate limits are unavailable (%s): until they are back this process uses 1/%d of each",
            reason,
            self._peers,
        )

    def _come_back(self) -> bool:
        """Tell a store that was unavailable what went without it, and that this process knows no life of it.

        Return False where it was asked a short while ago, which only one does.
        """
        with self._mutex:
            now = self.now()
            if now < self._retry_at:
                return False
            self._retry_at = now + RETRY_PERIOD
            sent = [Sent(_limits(slot.windows), slot.member, max(0, now - slot.time)) for slot in self._sent.values()]
            closures = {limit: one.closed - now for limit, one in self._windows.items() if one.closed > now}
        self._store.write(self._scope, sent, closures)
        with self._mutex:
            if self.is_away:
                self._returned, self._life = self.now(), ""
                _logger.info("the shared rate limits are available again")
        return True

    def move(self, slot: Slot, time: int) -> None:
        """Change the time of a request that went later than it was admitted."""
        super().move(slot, time)
        self._write([Sent(_limits(slot.windows), slot.member, max(0, self.now() - time))], {})

    def close(self, window: Window, period: int) -> None:
        """Let nothing go for a while, in no process; the longest closure counts."""
        super().close(window, period)
        self._write([], {window.limit: period})

    def _write(self, sent: Sequence[Sent], closures: dict[Limit, int]) -> None:
        if self.is_away:  # what is missing is written when the store is back
            return
        try:
            self._store.write(self._scope, sent, closures)
        except StoreUnavailable as error:
            self._lose(error.reason)

    def usage(self, windows: Sequence[Window]) -> list[Usage]:
        """Describe each window to users; while the store is unavailable, the share of it."""
        if not self.is_away:
            try:
                now, found = self._store.read(self._scope, _limits(windows))
                return [window.usage(now, window.wait(now)) for window in found]
            except StoreUnavailable as error:
                self._lose(error.reason)
        with self._mutex:
            now = self._settled()
            shares = [(self._share(one), self._own_wait(one, now), one.limit.requests) for one in windows]
            return [share.usage(now, wait)._replace(limit=requests) for share, wait, requests in shares]

    def spare(self, windows: Iterable[Window]) -> float:
        """Return which part of the windows is left, of that which has least, without asking the store."""
        with self._mutex:
            now = self._settled()
            return min(self._spare(window, now) for window in windows)

    def _spare(self, window: Window, now: int) -> float:
        if self._lost is not None:
            share = self._share(window)
            return 0.0 if self._own_wait(window, now) else 1 - len(share.times) / share.limit.requests
        heard, used = self._heard.get(window, (NEVER, 0))
        return 1.0 if heard <= now - window.limit.window else max(0.0, 1 - used / window.limit.requests)

    def is_idle(self) -> bool:
        """Return whether nothing that it holds matters any more."""
        with self._mutex:
            now = self._settled()
            return self._lost is None and not any(slot.time > now - self._longest for slot in self._sent.values())

    def disconnect(self) -> None:
        """Close the connections to the store; the next call opens new ones."""
        self._store.close()

    def _settled(self) -> int:
        """Return the time, and be done with a loss that is a window ago."""
        now = self.now()
        if self._returned is not None and not self._guard(now):
            self._lost = self._returned = None
        return now

    def _guard(self, now: int) -> int:
        return max(0, (self._returned or 0) + self._longest + GUARD_PERIOD - now)

    def _own_wait(self, window: Window, now: int) -> int:
        if self._lost is None:
            return max(0, window.closed - now)
        share = self._share(window)
        if share.limit.requests:
            return share.wait(now)
        return RETRY_PERIOD if self._returned is None else self._guard(now)  # a share of nothing

    def _share(self, window: Window) -> Window:
        part = window.limit._replace(requests=window.limit.requests // self._peers)
        times = sorted(slot.time for slot in self._sent.values() if window in slot.windows)
        if self._lost is not None and self._heard and self._peers > 1:
            times = [self._lost] * part.requests + [time for time in times if time > self._lost]
        return Window(part, times, window.closed)


def _limits(windows: Iterable[Window]) -> tuple[Limit, ...]:
    return tuple(window.limit for window in windows)


def open_limit_store(address: str) -> LimitStore:
    """Return the store at the address of a `shared_state`; nothing is connected yet.

    Raises:
        ConfigurationError: when the address cannot be used, without showing it, or a package is missing.

    """
    if scheme_of(address) == "redis":
        from .redis import RedisWindows

        return RedisWindows(address)
    from .sqlite import SqliteWindows

    return SqliteWindows(sqlite_path(address))
