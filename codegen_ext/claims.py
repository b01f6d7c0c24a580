"""Claims on names that threads and processes share: the owner of each name, and the end of its lease.

A claim is a short lease with a token of its owner. An owner that dies, or never hears that it owns the name, loses it
when the lease is over. The methods of every store mean the same; they raise StoreUnavailable.
"""

from __future__ import annotations

import threading
from typing import Protocol

from . import _fork
from .clock import Clock
from .storage import SqliteFile, StoreUnavailable, open_redis, scheme_of, sqlite_path

MAX_NAMES = 100_000
_SWEEP_SECONDS = 300.0
_SCHEMA = "create table if not exists codegen_claims (name text primary key, owner text, expires real) without rowid"
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"


class Claims(Protocol):
    """A store of claims; `blocks` says whether its methods wait for I/O."""

    blocks: bool

    def claim(self, name: str, owner: str, seconds: float) -> str:
        """Claim a name that is free; return its owner, which may have claimed it before, by a lost answer."""
        ...

    def keep(self, name: str, owner: str, seconds: float) -> None:
        """Give a name to an owner, also when it has another one."""
        ...

    def release(self, name: str, owner: str) -> None:
        """Free a name that is the owner's."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


def open_claims(address: str | None, clock: Clock) -> Claims:
    """Return the store at a redis:// or sqlite:/// address, one in this process's memory for None.

    Raises:
        ConfigurationError: for another address, or when the extra `redis` is missing.

    """
    if address is None:
        return _MemoryClaims(clock)
    return _RedisClaims(address) if scheme_of(address) == "redis" else _SqliteClaims(sqlite_path(address), clock)


class _MemoryClaims:
    """Claims in memory; when there are too many, new ones are refused and none is forgotten."""

    blocks = False

    def __init__(self, clock: Clock, max_names: int = MAX_NAMES) -> None:
        self._clock = clock
        self._max_names = max_names
        self._claims: dict[str, tuple[str, float]] = {}
        self._next_sweep = 0.0
        self.after_fork()
        _fork.register(self)

    def after_fork(self) -> None:
        self._lock = threading.Lock()

    def claim(self, name: str, owner: str, seconds: float) -> str:
        now = self._clock.time()
        with self._lock:
            if now >= self._next_sweep or len(self._claims) >= self._max_names:
                self._claims = {name: claim for name, claim in self._claims.items() if claim[1] > now}
                self._next_sweep = now + _SWEEP_SECONDS
            holder, expires = self._claims.get(name, (owner, now))
            if expires > now:
                return holder
            if len(self._claims) >= self._max_names:
                raise StoreUnavailable(f"more than {self._max_names} claims")
            self._claims[name] = owner, now + seconds
            return owner

    def keep(self, name: str, owner: str, seconds: float) -> None:
        with self._lock:
            self._claims[name] = owner, self._clock.time() + seconds

    def release(self, name: str, owner: str) -> None:
        with self._lock:
            if self._claims.get(name, ("", 0.0))[0] == owner:
                del self._claims[name]

    def close(self) -> None:
        pass


class _SqliteClaims:
    """Claims in a file that the processes of one machine share."""

    blocks = True

    def __init__(self, path: str, clock: Clock) -> None:
        self._file = SqliteFile(path, _SCHEMA)
        self._clock = clock

    def claim(self, name: str, owner: str, seconds: float) -> str:
        now = self._clock.time()
        with self._file.transaction() as database:
            database.execute("delete from codegen_claims where expires <= ?", (now,))
            database.execute("insert or ignore into codegen_claims values (?, ?, ?)", (name, owner, now + seconds))
            return str(database.execute("select owner from codegen_claims where name = ?", (name,)).fetchone()[0])

    def keep(self, name: str, owner: str, seconds: float) -> None:
        row = (name, owner, self._clock.time() + seconds)
        with self._file.transaction() as database:
            database.execute("insert or replace into codegen_claims values (?, ?, ?)", row)

    def release(self, name: str, owner: str) -> None:
        with self._file.transaction() as database:
            database.execute("delete from codegen_claims where name = ? and owner = ?", (name, owner))

    def close(self) -> None:
        self._file.close()


class _RedisClaims:
    """Claims in a Redis that the processes of several machines share."""

    blocks = True

    def __init__(self, address: str) -> None:
        self._redis = open_redis(address)
        self._release = self._redis.script(_RELEASE)

    def claim(self, name: str, owner: str, seconds: float) -> str:
        if self._redis.command("SET", _key(name), owner, "NX", "PX", int(seconds * 1000)):
            return owner
        holder = self._redis.command("GET", _key(name))
        return "" if holder is None else str(holder.decode(errors="replace"))

    def keep(self, name: str, owner: str, seconds: float) -> None:
        self._redis.command("SET", _key(name), owner, "PX", int(seconds * 1000))

    def release(self, name: str, owner: str) -> None:
        self._release([_key(name)], [owner])

    def close(self) -> None:
        self._redis.close()


def _key(name: str) -> str:
    return f"codegen:claim:{name}"
