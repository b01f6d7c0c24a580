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
from .cache import Answer, Found, Key
from .clock import Clock
from .storage import StoreUnavailable, open_redis

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
# KEYS: the names of the credential's answers, its generation. ARGV: what names of generations begin with.
_SIZE = """
local size = 0
for _, name in ipairs(redis.pcall('ZRANGE', KEYS[1], 0, -1)) do
  local operation, first, second = name:match('([^:]+):[^:]+:([^:]+):([^:]+)$')
  local generations = redis.call('MGET', ARGV[1] .. operation, KEYS[2])
  if generations[1] == first and generations[2] == second then
    size = size + redis.call('EXISTS', name)
  end
end
return size
"""


class RedisStore:
    """Keeps answers for as long as they are of use; may be used by several threads, processes and machines.

    Its methods mean what those of `MemoryStore` do. While Redis does not answer, `get` finds nothing and `put` keeps
    nothing. One warning is logged for each such time, and what was invalidated in it is made up for before Redis is
    used again.

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
        self._get, self._put, self._size = (self._redis.script(script) for script in (_GET, _PUT, _SIZE))
        self._stem, self._credential, self._max_size, self._clock = f"{PREFIX}{{{site}}}", credential, max_size, clock
        # Generations to replace, each with an object of the change that asked for it.
        self._pending: dict[str, object] = {}
        self._next_try: float | None = None
        self.after_fork()
        _fork.register(self)

    def __repr__(self) -> str:
        return "RedisStore()"

    def after_fork(self) -> None:
        """Replace the lock."""
        self._mutex = threading.Lock()

    def get(self, key: Key) -> Found:
        """Return the answer of a key."""
        names = [self._name(key.operation), self._name(key.credential), self._name(*key)]
        found = self._ask(lambda: self._get(names, [uuid4().hex, GENERATION_SECONDS * 1000]))
        if found is None:
            return None, None
        generation, value, left = found[0].decode("latin-1"), found[1], found[2]
        return _decoded(value, f"{names[2]}:{generation}", left) if value and left > 0 else None, generation

    def put(self, key: Key, answer: Answer, seconds: float, generation: str | None) -> None:
        """Keep an answer for `seconds`; it is not found when its generation was replaced since it was asked for."""
        if generation is None:
            return
        name, lifetime = f"{self._name(*key)}:{generation}", max(int(seconds * 1000), 1)
        names = [name, self._name(key.credential, "answers"), self._name(key.operation), self._name(key.credential)]
        value = _encoded(answer, name, lifetime)
        self._ask(lambda: self._put(names, [value, lifetime, GENERATION_SECONDS * 1000, self._max_size]))

    def invalidate(self, operations: Collection[str]) -> None:
        """Replace the generations of some operations; while Redis is unavailable, as soon as it is back."""
        with self._mutex:
            self._pending.update(dict.fromkeys(operations, object()))
        self._ask(lambda: None)

    def clear(self) -> None:
        """Replace the generation of this client's credential; while Redis is unavailable, as soon as it is back."""
        self.invalidate([self._credential])

    def size(self) -> int:
        """Return how many answers to this client's credential can be found, 0 while Redis is unavailable."""
        names = [self._name(self._credential, "answers"), self._name(self._credential)]
        return self._ask(lambda: self._size(names, [self._name("")])) or 0

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._redis.close()

    def _name(self, *parts: str) -> str:
        return ":".join((self._stem, *parts))

    def _ask(self, question: Callable[[], Any]) -> Any:
        """Call a function once the generations that are due were replaced; None while Redis is unavailable."""
        with self._mutex:
            is_away = self._next_try is not None
            if self._next_try is not None:
                if self._clock.monotonic() < self._next_try:
                    return None
                self._next_try = self._clock.monotonic() + PAUSE  # one caller tries, the others do not wait for it
            due = self._pending.copy()
        try:
            if due:
                expiry = ("EX", GENERATION_SECONDS)
                self._redis.commands(*(("SET", self._name(field), uuid4().hex, *expiry) for field in due))
            answer = question()
        except StoreUnavailable as error:
            with self._mutex:
                is_away, self._next_try = self._next_try is not None, self._clock.monotonic() + PAUSE
            if not is_away:
                _logger.warning("Redis does not answer (%s); answers are not kept until it does", error.reason)
            return None
        if due or is_away:
            with self._mutex:
                # What another change has asked for in the meantime stays due.
                self._pending = {field: by for field, by in self._pending.items() if due.get(field) is not by}
                if is_away:
                    self._next_try = None
        if is_away:
            _logger.info("Redis is available again; answers are kept")
        return answer


def _checksum(rest: bytes, name: str) -> bytes:
    return sha256(b"1\n" + name.encode() + b"\n" + rest).hexdigest().encode()


def _encoded(answer: Answer, name: str, lifetime: int) -> bytes:
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in answer.headers]
    rest = json.dumps({"headers": headers, "lifetime": lifetime}).encode() + b"\n" + answer.content
    return _checksum(rest, name) + b"\n" + rest


def _decoded(value: bytes, name: str, left: int) -> Answer | None:
    """Return an answer that is kept for `left` more milliseconds; None for what is damaged."""
    check, _, rest = value.partition(b"\n")
    if check != _checksum(rest, name):
        return None
    head, _, content = rest.partition(b"\n")
    fields = json.loads(head)
    headers = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in fields["headers"])
    return Answer(headers, content, max(fields["lifetime"] - left, 0) / 1000)
