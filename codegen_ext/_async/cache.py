"""Answer reads from what is kept, ask once for many callers, and drop what a write makes stale."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
from codegen_api.operations import OPERATIONS

from .. import _fork
from .._io import asynchronous as io
from .._response import decode
from ..cache import (
    CacheStats,
    Entry,
    Found,
    Key,
    MemoryStore,
    Store,
    credential_of,
    digest,
    entry_of,
    key_of,
    response_of,
)
from ..clock import SYSTEM_CLOCK, Clock
from ..errors import CodegenAPIError
from .locks import Event, wait_for

if TYPE_CHECKING:
    from codegen_api.operations import Operation

    from .._request import Call
    from ..config import ClientConfig

T = TypeVar("T")
Send = Callable[[httpx.Request], Awaitable[httpx.Response]]
Answer = tuple[Entry, float]
"""An answer and its age in seconds."""

MAX_BODY = 1_048_576
"""Bytes of the largest body that is kept."""
_SAFE = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))


class AsyncResponseCache:
    """Keeps answers to the operations that have `cache_seconds` in the contract.

    An answer is current for `cache_seconds`, or for `cache_ttl_seconds` where that is shorter. A request that is no
    operation of the contract and may change something makes all answers stale.

    Args:
        config: The settings that say how long, how many, and where.
        clock: Where time comes from.

    Raises:
        ConfigurationError: when `shared_state` cannot be used.

    """

    def __init__(self, config: ClientConfig, clock: Clock) -> None:
        self._lifetime = config.cache_ttl_seconds
        self._stale_if_error = config.stale_if_error
        self._max_size = config.cache_max_size
        self._store = _open_store(config, clock)
        self._mutex = io.Mutex()
        self._hits = self._misses = 0
        self._flights: dict[Key, AsyncFlight] = {}
        self._others = {one.id for one in OPERATIONS.values() if one.cache_seconds is None and not one.invalidates}
        _fork.register(self)

    def after_fork(self) -> None:
        """Ask for what another thread of the parent was asking for."""
        self._mutex = io.Mutex()
        self._flights = {}

    async def get_stats(self) -> CacheStats:
        """Return how many answers are kept (in Redis: for this credential), and how often one was found."""
        size = await self._do(self._store.size)
        with self._mutex:
            return CacheStats(size, self._max_size, self._hits, self._misses)

    async def clear(self) -> None:
        """Drop all answers (in Redis: of this credential, for all processes); hits and misses are counted on."""
        await self._do(self._store.clear)
        self._detach(None)

    async def close(self) -> None:
        """Close connections."""
        await self._do(self._store.close)

    def concerns(self, call: Call, request: httpx.Request) -> bool:
        """Return whether a request may be answered from the cache, or makes something in it stale."""
        if call.operation is None:
            return request.method not in _SAFE
        return call.operation.id not in self._others

    async def handle(self, request: httpx.Request, call: Call, send: Send) -> httpx.Response:
        """Answer a request that the cache is concerned with, sending it where that is needed."""
        operation = call.operation
        if operation is None:
            return await self._change(request, _cached_operations(), send)
        if operation.cache_seconds is None or request.method != "GET" or call.stream:
            return await self._change(request, operation.invalidates, send)
        key = key_of(request, operation.id)
        if call.refresh or "no-cache" in request.headers.get("cache-control", ""):
            found = await self._do(self._store.get, key)
            response = await send(request)
            await self._keep(response, request, operation, key, found.generation)
            return response
        return await self._read(request, call, operation, key, send)

    async def _change(self, request: httpx.Request, stale: Collection[str], send: Send) -> httpx.Response:
        if not stale:
            return await send(request)
        # Before as well, so that a process that dies in between leaves no old answer to others.
        await self._invalidate(stale)
        try:
            response = await send(request)
        except GeneratorExit:
            self._store.invalidate(stale)  # where no more waiting is possible
            self._detach(stale)
            raise
        except BaseException:
            await self._invalidate(stale)
            raise
        await self._invalidate(stale)
        return response

    async def _invalidate(self, operations: Collection[str]) -> None:
        await self._do(self._store.invalidate, operations)
        self._detach(operations)

    def _detach(self, operations: Collection[str] | None) -> None:
        """Let no later caller share the answer to a request that was sent before a change."""
        with self._mutex:
            self._flights = {
                key: flight
                for key, flight in self._flights.items()
                if operations is not None and key.operation not in operations
            }

    async def _read(
        self, request: httpx.Request, call: Call, operation: Operation[Any], key: Key, send: Send
    ) -> httpx.Response:
        while True:
            found = await self._do(self._store.get, key)
            if (current := self._answer(found, operation)) is not None:
                return self._hit(current, request)
            flight, leads = self._join(key)
            if leads:
                return await self._lead(request, operation, key, flight, send)
            waiter = io.Waiter()
            flight.done.add(waiter)
            # The machine's clock: on another one time would be over before the answer is there.
            await wait_for(waiter, SYSTEM_CLOCK, call.deadline.left(), call.cancel)
            if not flight.done.is_set():
                if (stale := self._answer(found, operation, self._stale_if_error)) is not None:
                    return self._hit(stale, request)
                raise httpx.ReadTimeout("an identical request was not answered in time", request=request)
            if flight.is_interrupted:
                continue  # which says nothing about the service
            if flight.answer is not None:
                return self._hit(flight.answer, request)
            response, _ = await self._ask(request, operation, key, send)
            return response

    def _join(self, key: Key) -> tuple[AsyncFlight, bool]:
        """Return the request for this key that is on its way, and whether it is the caller's to send."""
        with self._mutex:
            flight = self._flights.get(key)
            if flight is not None:
                return flight, False
            flight = self._flights[key] = AsyncFlight()
            return flight, True

    async def _lead(
        self, request: httpx.Request, operation: Operation[Any], key: Key, flight: AsyncFlight, send: Send
    ) -> httpx.Response:
        """Ask, and tell those that wait what came of it."""
        flight.is_interrupted = True
        try:
            response, flight.answer = await self._ask(request, operation, key, send)
            flight.is_interrupted = False
            return response
        except Exception:
            flight.is_interrupted = False
            raise
        finally:
            with self._mutex:
                if self._flights.get(key) is flight:
                    del self._flights[key]
            flight.done.set()

    async def _ask(
        self, request: httpx.Request, operation: Operation[Any], key: Key, send: Send
    ) -> tuple[httpx.Response, Answer | None]:
        """Return the response, and what others may share of it."""
        # Once more, because an answer may have been stored after this caller had looked, and before it was to ask.
        found = await self._do(self._store.get, key)
        if (current := self._answer(found, operation)) is not None:
            return self._hit(current, request), current
        stale = self._answer(found, operation, self._stale_if_error)
        try:
            response = await send(request)
        except (httpx.TransportError, httpx.DecodingError):
            if stale is None:
                raise
            return self._hit(stale, request), stale
        if response.status_code >= 500 and stale is not None:
            return self._hit(stale, request), stale
        entry = await self._keep(response, request, operation, key, found.generation)
        with self._mutex:
            self._misses += 1
        return response, None if entry is None else (entry, 0.0)

    async def _keep(
        self,
        response: httpx.Response,
        request: httpx.Request,
        operation: Operation[Any],
        key: Key,
        generation: str | None,
    ) -> Entry | None:
        """Store a response if it is worth it; return what others may share."""
        response.request = request  # which httpx would set only later, and decoding wants to know
        if not _is_answer(response, operation):
            return None
        entry = entry_of(response)
        if len(entry.content) <= MAX_BODY:
            await self._do(self._store.put, key, entry, self._lifetime_of(operation) + self._stale_if_error, generation)
        return entry

    def _hit(self, answer: Answer, request: httpx.Request) -> httpx.Response:
        with self._mutex:
            self._hits += 1
        return response_of(*answer, request)

    def _answer(self, found: Found, operation: Operation[Any], grace: float = 0.0) -> Answer | None:
        """Return an answer that is current, or has not been out of date for longer than `grace` seconds."""
        if found.entry is None or found.age >= self._lifetime_of(operation) + grace:
            return None
        return found.entry, found.age

    def _lifetime_of(self, operation: Operation[Any]) -> float:
        return min(operation.cache_seconds or 0.0, self._lifetime)

    async def _do(self, function: Callable[..., T], *args: Any) -> T:
        """Call a method of the store, which may block."""
        return await io.run_blocking(function, *args) if self._store.blocks else function(*args)


class AsyncFlight:
    """A request that others wait for: an answer and its age when it is done, None for nothing to share."""

    def __init__(self) -> None:
        self.done = Event()
        self.answer: Answer | None = None
        self.is_interrupted = False
        """Whether its caller was cancelled or interrupted."""


def _open_store(config: ClientConfig, clock: Clock) -> Store:
    if config.shared_state is None:
        return MemoryStore(config.cache_max_size, clock)
    from ..storage import scheme_of

    if scheme_of(config.shared_state) != "redis":
        return MemoryStore(config.cache_max_size, clock)
    from ..redis_cache import RedisStore

    site = digest(config.service_url.encode())
    credential = credential_of(f"Bearer {config.api_token}" if config.api_token else "")
    return RedisStore(config.shared_state, site, credential, config.cache_max_size, clock)


def _is_answer(response: httpx.Response, operation: Operation[Any]) -> bool:
    """Whether a response is a whole answer as the contract has it."""
    headers = response.headers
    # Without these only the end of the connection ends a body, and a cut one looks whole.
    is_framed = "content-length" in headers or "transfer-encoding" in headers
    if response.status_code != 200 or "no-store" in headers.get("cache-control", ""):
        return False
    if not is_framed and response.http_version != "HTTP/2":
        return False
    try:
        decode(operation, response)
    except CodegenAPIError:
        return False
    return True


@functools.cache
def _cached_operations() -> tuple[str, ...]:
    return tuple(operation.id for operation in OPERATIONS.values() if operation.cache_seconds is not None)
