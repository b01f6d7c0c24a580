"""What users see of the cache: its statistics, clearing it, and a small cache for values of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from ..clock import SYSTEM_CLOCK, Clock
from ..errors import ConfigurationError
from ..records import Record
from .entry import Entry, Key, Store, digest, site_of

if TYPE_CHECKING:
    from ..config import ClientConfig

T = TypeVar("T")

Flight = Future[tuple[Entry, float] | None]
"""A request that others wait for: it ends with an answer and its age, with None for nothing to share, or cancelled."""


class CacheStats(Record):
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

    May be shared by threads. Values are handed out as they are, not copied.

    Raises:
        ConfigurationError: when `max_size` or `ttl_seconds` is not greater than 0.

    """

    def __init__(self, max_size: int = 128, ttl_seconds: float = 300.0, *, clock: Clock = SYSTEM_CLOCK) -> None:
        from cachetools import TTLCache

        for name, value in (("max_size", max_size), ("ttl_seconds", ttl_seconds)):
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise ConfigurationError(f"{name} must be a number greater than 0", config_key=name)
        self._lock = threading.Lock()
        self._kept: TTLCache[Any, Any] = TTLCache(max_size, ttl_seconds, clock.monotonic)
        self._max_size, self._hits, self._misses = max_size, 0, 0

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the value of a key, `default` when there is none or its time is over."""
        with self._lock:
            value = self._kept.get(key, _MISSING)
            if value is _MISSING:
                self._misses += 1
                return default
            self._hits += 1
            return value

    def set(self, key: Any, value: Any) -> None:
        """Keep a value under a key that can be hashed."""
        with self._lock:
            self._kept[key] = value

    def clear(self) -> None:
        """Drop everything; hits and misses are counted on."""
        with self._lock:
            self._kept.clear()

    def get_stats(self) -> CacheStats:
        """Return how much is kept, and how often `get` found something."""
        with self._lock:
            return CacheStats(len(self._kept), self._max_size, self._hits, self._misses)


_MISSING = object()


class ResponseCache:
    """The answers that a client keeps, and the requests of which the answer is awaited by more than one caller.

    `lifetime` is the longest time in seconds for which an answer is current, `stale_if_error` for how long after that
    it may serve while the service is down.
    """

    def __init__(self, store: Store, max_size: int, lifetime: float, stale_if_error: float = 0.0) -> None:
        self.store = store
        self.lifetime = lifetime
        self.stale_if_error = stale_if_error
        self._max_size = max_size
        self._lock = threading.Lock()
        self._hits = self._misses = 0
        self._flights: dict[Key, Flight] = {}

    def get_stats(self) -> CacheStats:
        """Return how many answers are kept (with Redis: for this credential), and how often one was found."""
        size = self.store.size()
        with self._lock:
            return CacheStats(size, self._max_size, self._hits, self._misses)

    def clear(self) -> None:
        """Drop all answers (with Redis: of this credential, for all processes); hits and misses are counted on."""
        self.store.clear()
        self._detach(lambda _key: True)

    def forget(self, site: str, operations: tuple[str, ...]) -> None:
        """Drop the answers of some operations, also those that are on their way."""
        self.store.invalidate(site, operations)
        self._detach(lambda key: key.site == site and key.operation in operations)

    def _detach(self, concerned: Callable[[Key], bool]) -> None:
        """Let nobody else wait for a request that was sent before a change."""
        with self._lock:
            self._flights = {key: flight for key, flight in self._flights.items() if not concerned(key)}

    def count(self, hit: bool) -> None:
        """Count a request that was answered from the cache, or was not."""
        with self._lock:
            if hit:
                self._hits += 1
            else:
                self._misses += 1

    def join(self, key: Key) -> tuple[Flight, bool]:
        """Return the request for this key that is on its way, and whether it is the caller's to send."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                return flight, False
            flight = self._flights[key] = Future()
            return flight, True

    def leave(self, key: Key, flight: Flight) -> None:
        """Let later callers send anew."""
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]


class AsyncResponseCache:
    """`ResponseCache` for asyncio: the same names, awaitable."""

    def __init__(self, cache: ResponseCache) -> None:
        self._cache = cache

    async def get_stats(self) -> CacheStats:
        """Return statistics as `ResponseCache.get_stats` does."""
        return await self._call(self._cache.get_stats)

    async def clear(self) -> None:
        """Drop answers as `ResponseCache.clear` does."""
        await self._call(self._cache.clear)

    async def _call(self, function: Callable[[], T]) -> T:
        if not self._cache.store.blocks:
            return function()
        from asyncio import to_thread

        return await to_thread(function)


def response_cache(config: ClientConfig, clock: Clock) -> ResponseCache:
    """Return the cache that a configuration asks for; raises ConfigurationError for a `shared_state` that is none."""
    store = _store(config, clock)
    return ResponseCache(store, config.cache_max_size, config.cache_ttl_seconds, config.stale_if_error)


def _store(config: ClientConfig, clock: Clock) -> Store:
    import httpx

    scheme = (config.shared_state or "").partition(":")[0]
    if config.shared_state and scheme in ("redis", "rediss"):
        from .redis_store import RedisStore

        authorization = f"Bearer {config.api_token}" if config.api_token else ""
        scope = site_of(httpx.URL(config.service_url)), digest(authorization.encode())
        return RedisStore(config.shared_state, *scope, config.cache_max_size, clock)
    if scheme not in ("", "sqlite"):
        raise ConfigurationError("shared_state must be a redis:// or sqlite:/// address", config_key="shared_state")
    from .memory import MemoryStore

    return MemoryStore(config.cache_max_size, clock)
