"""Keep answers in memory under keys that hold no credential, and values of users' own."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection
from datetime import timedelta
from hashlib import sha256
from typing import Any, NamedTuple

import httpx

from . import _fork
from ._attrdict import AttrDict
from ._request import CACHED
from .clock import SYSTEM_CLOCK, Clock
from .errors import ConfigurationError

# These do not change an answer, or they are about the connection or the cache itself.
_IGNORED = frozenset((b"authorization", b"host", b"user-agent", b"accept-encoding", b"connection", b"cache-control"))
# These belong to one response: to its encoding, its connection, or its client.
_DROPPED = frozenset(
    (b"age", b"connection", b"content-encoding", b"content-length", b"keep-alive", b"set-cookie", b"transfer-encoding")
)
_MISSING = object()


class Key(NamedTuple):
    """Which answer: to which credential, of which operation, for which address and parameters.

    All but the operation's id are digests, so that a key can be stored and shown anywhere.
    """

    credential: str
    operation: str
    parameters: str


class Answer(NamedTuple):
    """An answer with status 200, decompressed, and its age in seconds."""

    headers: tuple[tuple[bytes, bytes], ...]
    content: bytes
    age: float = 0.0


Found = tuple[Answer | None, str | None]
"""The answer of a key, and the generation to `put` one under that is asked for now.

When that was replaced in the meantime, because a write may have made the answer stale, what is put under it is not
found. It is None while the store is unavailable.
"""


class MemoryStore:
    """Keeps at most `max_size` answers, of which the least recently used gives way; safe for threads."""

    blocks = False
    """Whether its methods wait for another process, so that an event loop calls them in a thread."""

    def __init__(self, max_size: int, clock: Clock) -> None:
        from cachetools import TLRUCache

        self._clock = clock
        self._mutex = threading.Lock()
        self._generations = Counter[str]()
        # An answer, when it was stored, and when it goes.
        self._kept: TLRUCache[Key, tuple[Answer, float, float]] = TLRUCache(
            max_size, ttu=lambda _key, kept, _now: kept[2], timer=clock.monotonic
        )
        _fork.register(self)

    def after_fork(self) -> None:
        """Replace the lock."""
        self._mutex = threading.Lock()

    def get(self, key: Key) -> Found:
        """Return the answer of a key, and make it the most recently used."""
        with self._mutex:
            kept = self._kept.get(key)
            generation = self._generation(key.operation)
        if kept is None:
            return None, generation
        answer, since, _ = kept
        return answer._replace(age=self._clock.monotonic() - since), generation

    def put(self, key: Key, answer: Answer, seconds: float, generation: str | None) -> None:
        """Keep an answer for `seconds`, unless it was invalidated since it was asked for."""
        with self._mutex:
            if generation == self._generation(key.operation):
                now = self._clock.monotonic()
                self._kept[key] = answer, now, now + seconds

    def invalidate(self, operations: Collection[str]) -> None:
        """Drop the answers of some operations, also those that are on their way."""
        with self._mutex:
            self._generations.update(operations)
            for key in [key for key in self._kept if key.operation in operations]:
                self._kept.pop(key, None)

    def clear(self) -> None:
        """Drop all answers, also those that are on their way."""
        with self._mutex:
            self._generations[""] += 1
            self._kept.clear()

    def size(self) -> int:
        """Return how many answers are kept."""
        with self._mutex:
            self._kept.expire()
            return len(self._kept)

    def close(self) -> None:
        """Do nothing: what is kept ends with the client."""

    def _generation(self, operation: str) -> str:
        return f"{self._generations['']}.{self._generations[operation]}"


def digest(*parts: bytes) -> str:
    """Return 32 hexadecimal digits that are others for other parts."""
    return sha256(b"\0".join(parts)).hexdigest()[:32]


def key_of(request: httpx.Request, operation_id: str) -> Key:
    """Return the key of the answer to a request; neither the order of its parameters nor of its headers matters.

    Headers that a caller added are among the parameters, because the answer may depend on them.
    """
    url = request.url
    path, _, query = url.raw_path.partition(b"?")
    parts = [url.raw_scheme, url.raw_host, b"%d" % (url.port or 0), path]
    if query:
        # Sorting by name alone keeps the order of a parameter's own values.
        parts += sorted(query.split(b"&"), key=lambda pair: pair.partition(b"=")[0])
    parts.append(b"")
    authorization = b""
    for name, value in sorted((name.lower(), value) for name, value in request.headers.raw):
        if name == b"authorization":
            authorization = value
        elif name not in _IGNORED:
            parts += (name, value)
    return Key(digest(authorization), operation_id, digest(*parts))


def answer_of(response: httpx.Response) -> Answer:
    """Keep of a response what does not belong to its connection."""
    headers = tuple((name, value) for name, value in response.headers.raw if name.lower() not in _DROPPED)
    return Answer(headers, response.content)


def response_of(answer: Answer, request: httpx.Request) -> httpx.Response:
    """Return a response of its own for each caller, with the header `age` in whole seconds (RFC 9111, 5.1)."""
    headers: Any = [*answer.headers, (b"age", b"%d" % max(answer.age, 0.0))]
    response = httpx.Response(
        200,
        headers=headers,
        content=answer.content,
        request=request,
        extensions={CACHED: True, "http_version": b"HTTP/1.1"},
    )
    response.elapsed = timedelta(0)
    return response


class CacheStats(AttrDict):
    """Statistics by key and by attribute: size, max_size, hits, misses, hit_rate_percentage (0 to 100)."""

    size: int
    max_size: int
    hits: int
    misses: int
    hit_rate_percentage: float

    def __init__(self, size: int, max_size: int, hits: int, misses: int) -> None:
        asked = hits + misses
        rate = 100 * hits / asked if asked else 0.0
        super().__init__(size=size, max_size=max_size, hits=hits, misses=misses, hit_rate_percentage=rate)


class CacheManager:
    """Keeps values for `ttl_seconds`, and at most `max_size` of them; the least recently used one gives way.

    May be shared by threads. Values are returned as they are, not copied.

    Raises:
        ConfigurationError: when `max_size` or `ttl_seconds` is not greater than 0.

    """

    def __init__(self, max_size: int = 128, ttl_seconds: float = 300.0, *, clock: Clock = SYSTEM_CLOCK) -> None:
        from cachetools import TTLCache

        for name, value in (("max_size", max_size), ("ttl_seconds", ttl_seconds)):
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise ConfigurationError(f"{name} must be a number greater than 0", config_key=name)
        self._mutex = threading.Lock()
        self._kept: TTLCache[Any, Any] = TTLCache(max_size, ttl_seconds, clock.monotonic)
        self._max_size, self._hits, self._misses = max_size, 0, 0
        _fork.register(self)

    def after_fork(self) -> None:
        """Replace the lock."""
        self._mutex = threading.Lock()

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the value of a key, `default` when there is none or its time is over."""
        with self._mutex:
            value = self._kept.get(key, _MISSING)
            if value is _MISSING:
                self._misses += 1
                return default
            self._hits += 1
            return value

    def set(self, key: Any, value: Any) -> None:
        """Keep a value under a key that can be hashed."""
        with self._mutex:
            self._kept[key] = value

    def clear(self) -> None:
        """Drop everything; hits and misses are counted on."""
        with self._mutex:
            self._kept.clear()

    def get_stats(self) -> CacheStats:
        """Return how much is kept, and how often `get` found something."""
        with self._mutex:
            return CacheStats(len(self._kept), self._max_size, self._hits, self._misses)
