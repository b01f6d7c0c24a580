"""Keep answers in Redis, for processes and machines that share them, on the clock of Redis.

A generation is a random value, one for each operation and one for each credential, which a write replaces. Answers have
both in their key, so one that was asked for under an old generation lands where no request looks, and ends there. Keys,
with the digest of the service as hash tag, so that they lie on one node of a cluster:

    codegen:cache:{site}:<operation or credential>                              a generation
    codegen:cache:{site}:<credential>:<operation>:<parameters>:<generations>    an answer
    codegen:cache:{site}:<credential>:answers                                   names of answers by when they end
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Collection
from hashlib import sha256
from typing import Any
from uuid import uuid4

from . import _fork
from .cache import Entry, Found, Key, Store
from .clock import Clock
from .storage import StoreUnavailable, open_redis, redis_errors

PREFIX = "codegen:cache:"
PAUSE = 5.0
"""Seconds for which a Redis that did not answer is not asked."""
GENERATION_SECONDS = 7 * 86_400
"""Seconds that a generation lasts after it was last used, which is longer than any answer is of use."""

_logger = logging.getLogger("codegen_ext")

# KEYS: the generations, then the stem of the answer's key. ARGV: a new generation, its milliseconds.
# A value of another type, which another program put there, counts as none, and gives way.
_GET = """
local generations = redis.call('MGET', KEYS[1], KEYS[2])
for i = 1, 2 do
  if not generations[i] then
    generations[i] = ARGV[1]
    redis.call('SET', KEYS[i], ARGV[1], 'PX', ARGV[2])
  end
end
local generation = generations[1] .. ':' .. generations[2]
local name = KEYS[3] .. ':' .. generation
local value = redis.pcall('GET', name)
return {generation, type(value) == 'string' and value, redis.call('PTTL', name)}
"""
# KEYS: the answer, the names of the credential's answers, the generations. ARGV: the answer, its milliseconds, those of
# a generation, the number of answers to keep.
_PUT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.pcall('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
redis.pcall('ZADD', KEYS[2], now + ARGV[2], KEYS[1])
redis.call('PEXPIRE', KEYS[2], math.max(ARGV[2], redis.call('PTTL', KEYS[2])))
redis.call('PEXPIRE', KEYS[3], ARGV[3])
redis.call('PEXPIRE', KEYS[4], ARGV[3])
for _, name in ipairs(redis.pcall('ZRANGE', KEYS[2], 0, -1 - ARGV[4])) do
  redis.call('DEL', name)
  redis.call('ZREM', KEYS[2], name)
end
"""


class RedisStore(Store):
    """Keeps answers for as long as they are of use; may be used by several threads, processes and machines.

    While Redis does not answer, `get` finds nothing and `put` keeps nothing. One warning is logged for each such time,
    and what was invalidated in it is made up for before Redis is used again.

    Args:
        address: A `redis://` or `rediss://` address.
        site: The digest of the service whose answers these are.
        credential: The credential that `clear` and `size` are about, as in a `Key`.
        max_size: How many answers are kept for each credential; the one that ends first gives way.
        clock: Tells when to try again after Redis did not answer.

    Raises:
        ConfigurationError: when the extra `redis` is not installed, or the address cannot be read.

    """

    blocks = True

    def __init__(self, address: str, site: str, credential: str, max_size: int, clock: Clock) -> None:
        self._redis = open_redis(address)
        self._get, self._put = self._redis.register_script(_GET), self._redis.register_script(_PUT)
        self._stem, self._credential, self._max_size, self._clock = f"{PREFIX}{{{site}}}", credential, max_size, clock
        self._pending: set[str] = set()
        self._away_until: float | None = None
        self.after_fork()
        _fork.register(self)

    def __repr__(self) -> str:
        return "RedisStore()"

    def after_fork(self) -> None:
        """Replace the locks."""
        self._mutex, self._replacing = threading.Lock(), threading.Lock()

    def get(self, key: Key) -> Found:
        """Return the answer of a key."""
        names = [self._name(key.operation), self._name(key.credential), self._name(*key)]
        answer = self._ask(lambda: self._get(names, [uuid4().hex, GENERATION_SECONDS * 1000]))
        if answer is None:
            return Found(None, 0.0, None)
        generation, value, left = answer[0].decode("latin-1"), answer[1], answer[2]
        entry, lifetime = _decoded(value, f"{names[2]}:{generation}") if value and left > 0 else (None, 0)
        return Found(entry, max(lifetime - left, 0) / 1000, generation)

    def put(self, key: Key, entry: Entry, seconds: float, generation: str | None) -> None:
        """Keep an answer for `seconds`; it is not found when its generation was replaced since it was asked for."""
        if generation is None:
            return
        name, lifetime = f"{self._name(*key)}:{generation}", max(int(seconds * 1000), 1)
        names = [name, self._name(key.credential, "answers"), self._name(key.operation), self._name(key.credential)]
        arguments: list[bytes | int] = [
            _encoded(entry, name, lifetime),
            lifetime,
            GENERATION_SECONDS * 1000,
            self._max_size,
        ]
        self._ask(lambda: self._put(names, arguments))

    def invalidate(self, operations: Collection[str]) -> None:
        """Replace the generations of some operations; while Redis is unavailable, as soon as it is back."""
        self._replace(operations)

    def clear(self) -> None:
        """Replace the generation of this client's credential; while Redis is unavailable, as soon as it is back."""
        self._replace([self._credential])

    def size(self) -> int:
        """Return how many answers to this client's credential can be found, 0 while Redis is unavailable."""
        return self._ask(self._count) or 0

    def _count(self) -> int:
        index = self._name(self._credential, "answers")
        if self._redis.type(index) != b"zset":
            return 0
        found: list[Any] = self._redis.zrange(index, 0, -1)
        names = [name.decode("latin-1") for name in found]
        operations = {name: name.removeprefix(self._stem).split(":")[2] for name in names}
        fields = list(dict.fromkeys((self._credential, *operations.values())))
        values: list[Any] = self._redis.mget([self._name(field) for field in fields])
        generations = {field: (value or b"").decode("latin-1") for field, value in zip(fields, values, strict=True)}
        current = [
            name
            for name, operation in operations.items()
            if name.endswith(f":{generations[operation]}:{generations[self._credential]}")
        ]
        return int(self._redis.exists(*current)) if current else 0

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._redis.close()

    def _name(self, *parts: str) -> str:
        return ":".join((self._stem, *parts))

    def _replace(self, fields: Collection[str]) -> None:
        with self._mutex:
            self._pending.update(fields)
        self._ask(lambda: None)

    def _replace_pending(self) -> None:
        """Replace the generations that are due; those that cannot be replaced stay due."""
        with self._replacing:
            with self._mutex:
                fields, self._pending = self._pending, set()
            if not fields:
                return
            try:
                with self._redis.pipeline(transaction=False) as pipeline:
                    for field in fields:
                        pipeline.set(self._name(field), uuid4().hex, ex=GENERATION_SECONDS)
                    pipeline.execute()
            except BaseException:
                with self._mutex:
                    self._pending.update(fields)
                raise

    def _ask(self, question: Callable[[], Any]) -> Any:
        """Call a function after what is due; None while Redis is unavailable."""
        with self._mutex:
            was_away = self._away_until is not None
            if self._away_until is not None:
                if self._clock.monotonic() < self._away_until:
                    return None
                self._away_until = self._clock.monotonic() + PAUSE  # one caller tries, the others do not wait for it
        try:
            with redis_errors():
                if self._pending or self._replacing.locked():
                    self._replace_pending()
                answer = question()
        except StoreUnavailable as error:
            self._note(error)
            return None
        if was_away:
            with self._mutex:
                self._away_until = None
            _logger.info("Redis is available again; answers are kept")
        return answer

    def _note(self, error: StoreUnavailable) -> None:
        with self._mutex:
            is_known = self._away_until is not None
            self._away_until = self._clock.monotonic() + PAUSE
        if not is_known:
            _logger.warning("Redis does not answer (%s); answers are not kept until it does", error.reason)


def _checksum(rest: bytes, name: str) -> bytes:
    return sha256(b"1\n" + name.encode() + b"\n" + rest).hexdigest().encode()


def _encoded(entry: Entry, name: str, lifetime: int) -> bytes:
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in entry.headers]
    rest = json.dumps({"headers": headers, "lifetime": lifetime}).encode() + b"\n" + entry.content
    return _checksum(rest, name) + b"\n" + rest


def _decoded(value: bytes, name: str) -> tuple[Entry | None, int]:
    """Return an answer and the milliseconds that it was to be kept; None for what is damaged."""
    check, _, rest = value.partition(b"\n")
    if check != _checksum(rest, name):
        return None, 0
    head, _, content = rest.partition(b"\n")
    fields = json.loads(head)
    headers = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in fields["headers"])
    return Entry(headers, content), fields["lifetime"]
