"""Stores of message ids, by which a webhook call that was handled is recognised.

A delivery claims its id for a short lease, with a token that names the owner, and confirms it for the whole replay
window after the handlers have run. When a process dies in a handler, or the answer to its claim is lost, the lease ends
and a later delivery is handled.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from .. import _fork
from ..storage import SqliteFile, StoreUnavailable, open_redis, redis_errors, scheme_of, sqlite_path
from .errors import refused
from .signing import TOLERANCE

if TYPE_CHECKING:
    from ..clock import Clock

KEEP = 2 * TOLERANCE + 60
"""Seconds for which a handled id is kept: calls may be dated ahead by the tolerance, and clocks differ."""
MAX_IDS = 100_000
_HANDLED = "handled"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS codegen_webhook_claims (id TEXT PRIMARY KEY, owner TEXT, expires REAL) WITHOUT ROWID
"""


class Claim(Enum):
    """The outcome of claiming an id."""

    OWNED = "owned"
    """The claimant handles the call."""
    IN_PROGRESS = "in progress"
    """Another delivery is being handled, or its process died within its lease."""
    HANDLED = "handled"


class ReplayStore(Protocol):
    """A store of message ids; raises WebhookError "unavailable" for what it cannot decide."""

    blocks: bool
    """Whether its methods wait for I/O."""

    def claim(self, message_id: str, owner: str, lease: float) -> Claim:
        """Claim an id for `lease` seconds; an owner that asks again, because an answer was lost, is told OWNED."""
        ...

    def confirm(self, message_id: str) -> None:
        """Keep an id as handled for the replay window."""
        ...

    def release(self, message_id: str, owner: str) -> None:
        """Remove the claim of an owner, so that the call may be repeated at once."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


def open_replay_store(address: str | None, clock: Clock) -> ReplayStore:
    """Return the store at a redis:// or sqlite:/// address, one in this process's memory for None.

    Raises:
        ConfigurationError: for another address, or when the extra `redis` is missing.

    """
    if address is None:
        return MemoryReplayStore(clock)
    if scheme_of(address) == "redis":
        return RedisReplayStore(address)
    return SQLiteReplayStore(sqlite_path(address), clock)


class _Entry(NamedTuple):
    owner: str
    expires: float


class MemoryReplayStore:
    """A bounded store in memory; when it is full of ids that still count, calls are refused and none is forgotten."""

    blocks = False

    def __init__(self, clock: Clock, max_ids: int = MAX_IDS) -> None:
        self._clock = clock
        self._max_ids = max_ids
        self._entries: dict[str, _Entry] = {}
        self._next_sweep = 0.0
        self._lock = threading.Lock()
        _fork.register(self)

    def after_fork(self) -> None:
        """Replace the lock, which a thread of the parent may have held."""
        self._lock = threading.Lock()

    def claim(self, message_id: str, owner: str, lease: float) -> Claim:
        """Claim an id."""
        now = self._clock.time()
        with self._lock:
            self._sweep(now)
            entry = self._entries.get(message_id)
            if entry is not None and entry.expires > now:
                return Claim.HANDLED if entry.owner == _HANDLED else Claim.IN_PROGRESS
            if len(self._entries) >= self._max_ids:
                raise refused("unavailable", f"more than {self._max_ids} calls within {KEEP} s")
            self._entries[message_id] = _Entry(owner, now + lease)
            return Claim.OWNED

    def confirm(self, message_id: str) -> None:
        """Keep an id as handled."""
        with self._lock:
            self._entries[message_id] = _Entry(_HANDLED, self._clock.time() + KEEP)

    def release(self, message_id: str, owner: str) -> None:
        """Remove a claim."""
        with self._lock:
            entry = self._entries.get(message_id)
            if entry is not None and entry.owner == owner:
                del self._entries[message_id]

    def close(self) -> None:
        """Do nothing."""

    def _sweep(self, now: float) -> None:
        """Remove what is over, once in a while and when the store is full."""
        if now >= self._next_sweep or len(self._entries) >= self._max_ids:
            self._entries = {key: entry for key, entry in self._entries.items() if entry.expires > now}
            self._next_sweep = now + TOLERANCE


class SQLiteReplayStore:
    """A store in a file that the processes of one machine share."""

    blocks = True

    def __init__(self, path: str, clock: Clock) -> None:
        self._file = SqliteFile(path, _SCHEMA)
        self._clock = clock

    def claim(self, message_id: str, owner: str, lease: float) -> Claim:
        """Claim an id."""
        now = self._clock.time()
        with _unavailable_when_away(), self._file.transaction() as database:
            database.execute("DELETE FROM codegen_webhook_claims WHERE expires <= ?", (now,))
            row = (message_id, owner, now + lease)
            database.execute("INSERT OR IGNORE INTO codegen_webhook_claims VALUES (?, ?, ?)", row)
            query = "SELECT owner FROM codegen_webhook_claims WHERE id = ?"
            return _claim_of(database.execute(query, (message_id,)).fetchone()[0], owner)

    def confirm(self, message_id: str) -> None:
        """Keep an id as handled."""
        with _unavailable_when_away(), self._file.transaction() as database:
            row = (message_id, _HANDLED, self._clock.time() + KEEP)
            database.execute("INSERT OR REPLACE INTO codegen_webhook_claims VALUES (?, ?, ?)", row)

    def release(self, message_id: str, owner: str) -> None:
        """Remove a claim."""
        with _unavailable_when_away(), self._file.transaction() as database:
            database.execute("DELETE FROM codegen_webhook_claims WHERE id = ? AND owner = ?", (message_id, owner))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class RedisReplayStore:
    """A store in a Redis that the processes of several machines share."""

    blocks = True

    def __init__(self, address: str) -> None:
        self._address = address
        self._redis = open_redis(address)
        _fork.register(self)

    def after_fork(self) -> None:
        """Open connections of the child's own."""
        self._redis = open_redis(self._address)

    def claim(self, message_id: str, owner: str, lease: float) -> Claim:
        """Claim an id."""
        with _unavailable_when_away(), redis_errors():
            key = _key(message_id)
            if self._redis.set(key, owner, nx=True, px=int(lease * 1000)):
                return Claim.OWNED
            held_by: Any = self._redis.get(key)
            return _claim_of(None if held_by is None else held_by.decode(errors="replace"), owner)

    def confirm(self, message_id: str) -> None:
        """Keep an id as handled."""
        with _unavailable_when_away(), redis_errors():
            self._redis.set(_key(message_id), _HANDLED, ex=KEEP)

    def release(self, message_id: str, owner: str) -> None:
        """Remove a claim."""
        with _unavailable_when_away(), redis_errors():
            self._redis.eval(_RELEASE, 1, _key(message_id), owner)

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()


_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"


def _claim_of(held_by: str | None, owner: str) -> Claim:
    if held_by == owner:
        return Claim.OWNED
    return Claim.HANDLED if held_by == _HANDLED else Claim.IN_PROGRESS


@contextmanager
def _unavailable_when_away() -> Iterator[None]:
    try:
        yield
    except StoreUnavailable as error:
        raise refused("unavailable", f"the shared state does not answer: {error.reason}") from error


def _key(message_id: str) -> str:
    return f"codegen:webhook:{message_id}"
