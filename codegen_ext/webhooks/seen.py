"""The ids of accepted calls, kept for as long as a replay would be inside the time window."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Protocol

from ..errors import ConfigurationError
from .refusal import refused
from .signing import TOLERANCE

if TYPE_CHECKING:
    from ..clock import Clock

KEEP = 2 * TOLERANCE + 60
"""Seconds for which an id is kept: a call may be dated ahead by the tolerance, and clocks of processes differ."""
MOST_IDS = 100_000
_PATIENCE = 5.0
"""Seconds to wait for a shared store."""


class Seen(Protocol):
    """A set of ids that forgets; what it cannot decide it refuses with WebhookError "unavailable"."""

    blocks: bool
    """Whether asking may take a moment."""

    def claim(self, message_id: str) -> bool:
        """Remember an id; False when it is remembered already."""
        ...

    def release(self, message_id: str) -> None:
        """Forget an id, so that the call may be repeated."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...


def open_seen(address: str | None, clock: Clock) -> Seen:
    """Return the set at a redis:// or sqlite:/// address, or one of this process for None.

    Raises:
        ConfigurationError: for another address, or when the extra `redis` is missing.

    """
    if address is None:
        return SeenHere(clock)
    # SQLite's memory is new for each connection, so it would remember nothing.
    if address.startswith("sqlite:///") and address.removeprefix("sqlite:///") not in ("", ":memory:"):
        return SeenInSQLite(address.removeprefix("sqlite:///"), clock)
    if address.startswith(("redis://", "rediss://")):
        return SeenInRedis(address)
    raise ConfigurationError(
        "shared_state must be a redis:// or sqlite:/// address with a file", config_key="shared_state"
    )


class SeenHere:
    """In memory, bounded: when it is full of ids that still count, calls are refused rather than ids forgotten."""

    blocks = False

    def __init__(self, clock: Clock, most: int = MOST_IDS) -> None:
        self._clock = clock
        self._most = most
        self._expiries: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._expiries)

    def claim(self, message_id: str) -> bool:
        """Remember an id."""
        now = self._clock.time()
        with self._lock:
            while self._expiries and next(iter(self._expiries.values())) <= now:
                self._expiries.popitem(last=False)
            if message_id in self._expiries:
                return False
            if len(self._expiries) >= self._most:
                raise refused("unavailable", f"more than {self._most} calls within {KEEP} s")
            self._expiries[message_id] = now + KEEP
            return True

    def release(self, message_id: str) -> None:
        """Forget an id."""
        with self._lock:
            self._expiries.pop(message_id, None)

    def close(self) -> None:
        """Do nothing."""


class SeenInSQLite:
    """In a file that processes of one machine share."""

    blocks = True

    def __init__(self, path: str, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    def claim(self, message_id: str) -> bool:
        """Remember an id."""
        now = self._clock.time()
        with self._transaction() as database:
            database.execute("DELETE FROM codegen_webhook_ids WHERE expires <= ?", (now,))
            row = (message_id, now + KEEP)
            return database.execute("INSERT OR IGNORE INTO codegen_webhook_ids VALUES (?, ?)", row).rowcount == 1

    def release(self, message_id: str) -> None:
        """Forget an id."""
        with self._transaction() as database:
            database.execute("DELETE FROM codegen_webhook_ids WHERE id = ?", (message_id,))

    def close(self) -> None:
        """Do nothing: a connection lives as long as a transaction."""

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None)) as database, database:
                database.execute("BEGIN IMMEDIATE")
                database.execute(
                    "CREATE TABLE IF NOT EXISTS codegen_webhook_ids (id TEXT PRIMARY KEY, expires REAL) WITHOUT ROWID"
                )
                yield database
        except sqlite3.Error as error:
            raise refused("unavailable", f"the shared state does not answer: {error}") from error


class SeenInRedis:
    """In a Redis that processes of several machines share."""

    blocks = True

    def __init__(self, address: str) -> None:
        try:
            import redis
        except ImportError as error:
            raise ConfigurationError(f"redis:// needs more: pip install 'codegen-sdk[redis]' ({error})") from error
        self._failure = redis.RedisError
        self._redis = redis.Redis.from_url(address, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE)

    def claim(self, message_id: str) -> bool:
        """Remember an id."""
        with self._reported():
            return bool(self._redis.set(_key(message_id), 1, nx=True, ex=KEEP))

    def release(self, message_id: str) -> None:
        """Forget an id."""
        with self._reported():
            self._redis.delete(_key(message_id))

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except self._failure as error:
            # Its text may hold the address, which may hold a password.
            raise refused("unavailable", f"the shared state does not answer: {type(error).__name__}") from None


def _key(message_id: str) -> str:
    return f"codegen:webhook:{message_id}"
