"""Answers in Redis, shared by processes and machines, on the clock of Redis.

All keys of a server carry its digest as hash tag, so that they lie on one node of a cluster:

    codegen:cache:{site}:<credential>:<operation>:<parameters>   an entry
    codegen:cache:{site}:<credential>                            the entries of a credential by last use, sorted set
    codegen:cache:{site}                                         a mark for each operation or credential that was
                                                                 invalidated, hash

An entry names the marks under which it was asked for, and counts only while they are the same.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Collection
from hashlib import sha256
from typing import Any
from uuid import uuid4

from ..clock import Clock
from ..errors import ConfigurationError
from .entry import Entry, Found, Key, Store

PREFIX = "codegen:cache:"
TIMEOUT = 1.0
"""Seconds that one request to Redis may take."""
PAUSE = 5.0
"""Seconds for which a Redis that did not answer is not asked."""

_logger = logging.getLogger("codegen_ext")

# A value of another type, which somebody else put there, answers pcall with an error, or gives way.
# An epoch begins when there are no marks, as after a restart: what was asked for before counts no more.
_COMMON = """
local function own(key, kind)
  if redis.call('TYPE', key).ok ~= kind then redis.call('DEL', key) end
end
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local function last(key, milliseconds)
  redis.call('PEXPIRE', key, math.max(milliseconds, redis.call('PTTL', key)))
end
local function marks(operation, credential)
  local found = redis.pcall('HMGET', KEYS[1], 'epoch', operation, credential)
  if not found[1] then
    own(KEYS[1], 'hash')
    found[1] = string.format('%.0f', now())
    redis.call('HSET', KEYS[1], 'epoch', found[1])
    last(KEYS[1], 3600000)
  end
  return found[1] .. '.' .. (found[2] or '') .. '.' .. (found[3] or '')
end
local function count()
  own(KEYS[2], 'zset')
  for _, key in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
    if redis.call('EXISTS', key) == 0 then redis.call('ZREM', KEYS[2], key) end
  end
  return redis.call('ZCARD', KEYS[2])
end
local function drop(key)
  redis.call('DEL', key)
  redis.call('ZREM', KEYS[2], key)
end
"""
_GET = """
local value = redis.pcall('GET', KEYS[3])
if type(value) ~= 'string' then value = false
else redis.pcall('ZADD', KEYS[2], 'XX', now(), KEYS[3]) end
return {value, redis.call('PTTL', KEYS[3]), marks(ARGV[1], ARGV[2])}
"""
_PUT = """
local milliseconds, most = tonumber(ARGV[5]), tonumber(ARGV[6])
if marks(ARGV[1], ARGV[2]) ~= ARGV[3] then return 0 end
redis.call('SET', KEYS[3], ARGV[4], 'PX', ARGV[5])
own(KEYS[2], 'zset')
redis.call('ZADD', KEYS[2], now(), KEYS[3])
last(KEYS[1], milliseconds)
last(KEYS[2], milliseconds)
if redis.call('ZCARD', KEYS[2]) > most then
  for _ = 1, count() - most do drop(redis.call('ZRANGE', KEYS[2], 0, 0)[1]) end
end
return 1
"""
_MARK = """
marks('', '')
for index = 2, #ARGV do redis.call('HSET', KEYS[1], ARGV[index], ARGV[1]) end
count()
for _, key in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  for index = 2, #ARGV do
    if string.find(key, ':' .. ARGV[index] .. ':', 1, true) then drop(key) end
  end
end
"""


class RedisStore(Store):
    """Keeps at most `max_size` entries for each credential; may be used by several threads, processes and machines.

    While Redis does not answer, `get` finds nothing and `put` keeps nothing. One warning is logged for each such time,
    and what was invalidated in it is made up for before Redis is used again.

    Args:
        address: A `redis://` or `rediss://` address.
        site: The server whose answers `clear` and `size` are about, as in a `Key`.
        credential: The credential that they are about, as in a `Key`.
        max_size: How many entries are kept.
        clock: Tells when to try again after Redis did not answer.

    Raises:
        ConfigurationError: when the extra `redis` is not installed, or the address cannot be read.

    """

    blocks = True

    def __init__(self, address: str, site: str, credential: str, max_size: int, clock: Clock) -> None:
        try:
            from redis import Redis
            from redis.backoff import NoBackoff
            from redis.exceptions import RedisError
            from redis.retry import Retry
        except ImportError as error:
            raise ConfigurationError(
                "shared_state needs Redis; install codegen-sdk[redis]", config_key="shared_state"
            ) from error
        try:
            self._redis = Redis.from_url(
                address, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=Retry(NoBackoff(), 0)
            )
        except ValueError:
            # Its message may quote the address, which may hold a password.
            raise ConfigurationError(
                "shared_state must be an address such as redis://host:6379/0", config_key="shared_state"
            ) from None
        self._failures = (RedisError, OSError)
        self._site, self._credential, self._max_size, self._clock = site, credential, max_size, clock
        self._lock, self._paying = threading.Lock(), threading.Lock()
        self._owed: dict[str, set[str]] = {}
        self._away_until: float | None = None
        self._get, self._put, self._mark, self._size = (
            self._redis.register_script(_COMMON + script) for script in (_GET, _PUT, _MARK, "return count()")
        )

    def __repr__(self) -> str:
        return "RedisStore()"

    def get(self, key: Key) -> Found:
        """Return what there is, and make it the most recently used."""
        names = _names(key)
        answer = self._ask(self._get, names, [key.operation, key.credential])
        if answer is None:
            return Found(None, 0.0, None)
        value, left, ticket = answer[0], answer[1], answer[2].decode("latin-1")
        entry, lifetime = _decoded(value, names[2], ticket) if value is not None and left > 0 else (None, 0)
        return Found(entry, max(lifetime - left, 0) / 1000, ticket)

    def put(self, key: Key, entry: Entry, seconds: float, ticket: str | None) -> None:
        """Keep an entry for `seconds`, unless it was invalidated since the ticket was given."""
        if ticket is None:
            return
        names, lifetime = _names(key), max(int(seconds * 1000), 1)
        value = _encoded(entry, names[2], ticket, lifetime)
        self._ask(self._put, names, [key.operation, key.credential, ticket, value, lifetime, self._max_size])

    def invalidate(self, site: str, operations: Collection[str]) -> None:
        """Drop what is kept of some operations for any credential; while Redis is away, as soon as it is back."""
        self._owe(site, operations)
        self._ask(None, [], [])

    def clear(self) -> None:
        """Drop everything that is kept for this client's credential; while Redis is away, as soon as it is back."""
        self._owe(self._site, [self._credential])
        self._ask(None, [], [])

    def size(self) -> int:
        """Return how many entries there are for this client's credential, 0 while Redis is away."""
        found: int | None = self._ask(self._size, _shelf(self._site, self._credential), [])
        return found or 0

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def _owe(self, site: str, fields: Collection[str]) -> None:
        with self._lock:
            self._owed.setdefault(site, set()).update(fields)

    def _pay(self) -> None:
        """Set the marks that are due, also those that another thread is setting; what cannot be set stays due."""
        with self._paying:
            while True:
                with self._lock:
                    if not self._owed:
                        return
                    site, due = self._owed.popitem()
                try:
                    self._mark(_shelf(site, self._credential), [uuid4().hex, *due])
                except BaseException:
                    self._owe(site, due)
                    raise

    def _ask(self, script: Any, keys: list[str], arguments: list[Any]) -> Any:
        """Run a script after what is owed; None while Redis is away."""
        with self._lock:
            away = self._away_until is not None
            if self._away_until is not None:
                if self._clock.monotonic() < self._away_until:
                    return None
                self._away_until = self._clock.monotonic() + PAUSE  # one caller tries, the others do not wait for it
        try:
            if self._owed or script is None:
                self._pay()
            answer = script(keys, arguments) if script else None
        except self._failures as error:
            self._went(error)
            return None
        if away:
            with self._lock:
                self._away_until = None
            _logger.info("Redis is back; answers are kept again")
        return answer

    def _went(self, error: Exception) -> None:
        with self._lock:
            known = self._away_until is not None
            self._away_until = self._clock.monotonic() + PAUSE
        if not known:
            # Only the kind: what Redis says may quote the address.
            _logger.warning("Redis does not answer (%s); answers are not kept until it does", type(error).__name__)


def _shelf(site: str, credential: str) -> list[str]:
    return [f"{PREFIX}{{{site}}}", f"{PREFIX}{{{site}}}:{credential}"]


def _names(key: Key) -> list[str]:
    shelf = _shelf(key.site, key.credential)
    return [*shelf, f"{shelf[1]}:{key.operation}:{key.parameters}"]


def _checked(rest: bytes, name: str) -> bytes:
    return sha256(b"1\n" + name.encode() + b"\n" + rest).hexdigest().encode()


def _encoded(entry: Entry, name: str, ticket: str, lifetime: int) -> bytes:
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in entry.headers]
    rest = json.dumps({"headers": headers, "lifetime": lifetime, "ticket": ticket}).encode() + b"\n" + entry.content
    return _checked(rest, name) + b"\n" + rest


def _decoded(value: bytes, name: str, ticket: str) -> tuple[Entry | None, int]:
    """Return an entry and the milliseconds that it was to be kept; None for what is damaged, foreign or invalidated."""
    check, _, rest = value.partition(b"\n")
    if check != _checked(rest, name):
        return None, 0
    head, _, content = rest.partition(b"\n")
    fields = json.loads(head)
    if fields["ticket"] != ticket:
        return None, 0
    headers = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in fields["headers"])
    return Entry(headers, content), fields["lifetime"]
