"""The limits of one credential in a store that processes share, or this process's share while it is unavailable."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from ..clock import Clock
from ..storage import StoreUnavailable, scheme_of, sqlite_path
from .local_share import LocalShare, QueueEntry
from .store import LimitStore, Sent
from .window import Limit, Usage, micro

_ATTEMPTS = 3

_logger = logging.getLogger("codegen_ext")


class SharedSlot(NamedTuple):
    """A request's entry in shared windows, and the time of it."""

    limits: tuple[Limit, ...]
    time: int
    member: str


class SharedWindows:
    """Asks the store for each request; its methods may block for as long as the store takes, and never fail for it."""

    def __init__(self, store: LimitStore, scope: str, peers: int) -> None:
        self.store = store
        self.share = LocalShare(peers)
        self._scope = scope
        self._members = itertools.count()

    def attempt(self, entry: QueueEntry, limits: tuple[Limit, ...], clock: Clock) -> int | SharedSlot:
        """Return the slot of a request that may go now, or the microseconds to wait, at least.

        A slot that comes after the request has left is given back.
        """
        member = f"{self.share.process}-{next(self._members)}"
        time = _now(clock)
        wait = self._attempt(limits, member, clock)
        if wait:
            return wait
        slot = SharedSlot(limits, time, member)
        if entry.is_left:
            self.give_back(slot)
        return slot

    def _attempt(self, limits: tuple[Limit, ...], member: str, clock: Clock) -> int:
        share = self.share
        if share.must_ask(_now(clock)):
            try:
                for _ in range(_ATTEMPTS):
                    self._come_back(clock)
                    if wait := share.take(limits, member, _now(clock)):
                        return wait
                    reply = self.store.attempt(self._scope, limits, share.process, member, share.life)
                    is_known = share.heard(limits[0], reply, _now(clock))
                    if reply.wait or not is_known:
                        share.move(member, None)
                    if is_known:
                        return reply.wait
                    self._note(StoreUnavailable("data lost"), clock)
                raise StoreUnavailable("several stores answer in turn")
            except StoreUnavailable as error:
                share.move(member, None)
                self._note(error, clock)
        return share.take(limits, member, _now(clock))

    def _come_back(self, clock: Clock) -> None:
        """Tell a store that was unavailable what went without it."""
        missing = self.share.unwritten(_now(clock))
        if missing is not None:
            self.store.write(self._scope, *missing)
            if self.share.come_back(_now(clock)):
                _logger.info("the shared rate limits are available again")

    def _note(self, error: StoreUnavailable, clock: Clock) -> None:
        if self.share.lose(_now(clock)):
            _logger.warning(
                "the shared rate limits are unavailable (%s): until they are back this process uses 1/%d of each",
                error.reason,
                self.share.peers,
            )

    def give_back(self, slot: SharedSlot) -> None:
        """Forget a request that did not go."""
        self.share.move(slot.member, None)
        with suppress(StoreUnavailable):  # in which it then counts as sent
            self.store.remove(self._scope, slot.limits, slot.member)

    def move(self, slot: SharedSlot, at: int, clock: Clock) -> None:
        """Change the time of a request that went later than it was admitted."""
        self.share.move(slot.member, at)
        self._write([Sent(slot.limits, slot.member, max(0, _now(clock) - at))], {}, clock)

    def close_for(self, limit: Limit, period: int, clock: Clock) -> None:
        """Let nothing of a limit go for a while, in no process; the longest closure counts."""
        self.share.close(limit, _now(clock) + period)
        self._write([], {limit: period}, clock)

    def _write(self, sent: Sequence[Sent], closures: dict[Limit, int], clock: Clock) -> None:
        if self.share.is_away:  # what is missing is written when the store is back
            return
        try:
            self.store.write(self._scope, sent, closures)
        except StoreUnavailable as error:
            self._note(error, clock)

    def usage(self, limits: Sequence[Limit], clock: Clock) -> list[Usage]:
        """Describe each window to users; while the store is unavailable, the share of it."""
        if not self.share.is_away:
            try:
                return self.store.usage(self._scope, limits)
            except StoreUnavailable as error:
                self._note(error, clock)
        return self.share.usage(limits, _now(clock))

    def is_idle(self, now: int) -> bool:
        """Return whether nothing that it holds matters any more."""
        return self.share.is_idle(now)


def open_limit_store(address: str) -> LimitStore:
    """Return the store at the address of a `shared_state`; nothing is connected yet.

    Raises:
        ConfigurationError: when the address cannot be used, without showing it, or a package is missing.

    """
    scheme = scheme_of(address)
    if scheme == "redis":
        from .redis import RedisWindows

        return RedisWindows(address)
    from .sqlite import SqliteWindows

    return SqliteWindows(sqlite_path(address))


def _now(clock: Clock) -> int:
    return micro(clock.monotonic())
