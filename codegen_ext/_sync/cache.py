# Generated from codegen_ext/_async/cache.py by make generate; edit there.
"""Answer reads from what is kept, ask once for many callers, and drop what a write makes stale."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import httpx
from codegen_api.operations import OPERATIONS

from .. import _fork
from .._io import synchronous as io
from .._response import decode
from ..cache import Answer, CacheStats, Key, MemoryStore, answer_of, digest, key_of, response_of
from ..clock import SYSTEM_CLOCK, Clock
from ..errors import CodegenAPIError
from .locks import Event, wait_for

if TYPE_CHECKING:
    from codegen_api.operations import Operation

    from .._request import Call
    from ..config import ClientConfig
    from ..redis_cache import RedisStore

T = TypeVar("T")
Send = Callable[[httpx.Request], httpx.Response]

MAX_BODY = 1_048_576
"""Bytes of the largest body that is kept."""
_SAFE = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))


class ResponseCache:
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
        self._hits = self._misses = 0
        self.after_fork()
        _fork.register(self)

    def after_fork(self) -> None:
        """Ask for what another thread of the parent was asking for."""
        self._mutex = io.Mutex()
        self._flights: dict[tuple[Key, str], Flight] = {}

    def get_stats(self) -> CacheStats:
        """Return how many answers are kept (in Redis: for this credential), and how often one was found."""
        size = self._do(self._store.size)
        with self._mutex:
            return CacheStats(size, self._max_size, self._hits, self._misses)

    def clear(self) -> None:
        """Drop all answers (in Redis: of this credential, for all processes); hits and misses are counted on."""
        self._do(self._store.clear)

    def close(self) -> None:
        """Close connections."""
        self._do(self._store.close)

    def handle(self, request: httpx.Request, call: Call, send: Send) -> httpx.Response:
        """Answer a request from the cache or by sending it, and drop what it makes stale."""
        operation = call.operation
        if operation is None:
            stale: Collection[str] = () if request.method in _SAFE else _cached_operations()
        elif operation.cache_seconds is None or request.method != "GET" or call.stream:
            stale = operation.invalidates
        else:
            return self._read(request, call, operation, send)
        return self._change(request, stale, send) if stale else send(request)

    def _change(self, request: httpx.Request, stale: Collection[str], send: Send) -> httpx.Response:
        # Before as well, so that a process that dies in between leaves no old answer to others.
        self._do(self._store.invalidate, stale)
        try:
            response = send(request)
        except GeneratorExit:
            self._store.invalidate(stale)  # where no more waiting is possible
            raise
        except BaseException:
            self._do(self._store.invalidate, stale)
            raise
        self._do(self._store.invalidate, stale)
        return response

    def _read(self, request: httpx.Request, call: Call, operation: Operation[Any], send: Send) -> httpx.Response:
        lifetime = min(operation.cache_seconds or 0.0, self._lifetime)
        read = Read(request, operation, key_of(request, operation.id), lifetime, send)
        while True:
            answer, generation = self._do(self._store.get, read.key)
            if call.refresh or "no-cache" in request.headers.get("cache-control", ""):
                response = send(request)
                self._keep(read, response, generation)
                return response
            if answer is not None and answer.age < lifetime:
                return self._hit(answer, request)
            if generation is None:
                return (self._ask(read))[0]
            # After a write the generation is another one, so that nothing which was sent before it is waited for.
            flight, leads = self._join((read.key, generation))
            if leads:
                return self._lead(read, flight)
            waiter = io.Waiter()
            flight.done.add(waiter)
            try:
                # The machine's clock: on another one time would be over before the answer is there.
                wait_for(waiter, SYSTEM_CLOCK, call.deadline.left(), call.cancel)
            finally:
                flight.done.discard(waiter)
            if not flight.done.is_set():
                if (stale := self._stale(read, answer)) is not None:
                    return self._hit(stale, request)
                raise httpx.ReadTimeout("an identical request was not answered in time", request=request)
            if flight.answer is not None:
                return self._hit(flight.answer, request)
            if not flight.is_interrupted:
                return (self._ask(read))[0]

    def _join(self, key: tuple[Key, str]) -> tuple[Flight, bool]:
        """Return the request that is on its way, and whether it is the caller's to send."""
        with self._mutex:
            flight = self._flights.get(key)
            if flight is not None:
                return flight, False
            flight = self._flights[key] = Flight(key)
            return flight, True

    def _lead(self, read: Read, flight: Flight) -> httpx.Response:
        """Ask, and tell those that wait what came of it."""
        try:
            response, flight.answer = self._ask(read)
            return response
        except BaseException as error:
            flight.is_interrupted = not isinstance(error, Exception)
            raise
        finally:
            with self._mutex:
                self._flights.pop(flight.key, None)
            flight.done.set()

    def _ask(self, read: Read) -> tuple[httpx.Response, Answer | None]:
        """Return the response, and what others may share of it."""
        # Once more, because an answer may have been stored after this caller had looked, and before it was to ask.
        answer, generation = self._do(self._store.get, read.key)
        if answer is not None and answer.age < read.lifetime:
            return self._hit(answer, read.request), answer
        stale = self._stale(read, answer)
        try:
            response = read.send(read.request)
        except (httpx.TransportError, httpx.DecodingError):
            if stale is None:
                raise
            return self._hit(stale, read.request), stale
        if response.status_code >= 500 and stale is not None:
            return self._hit(stale, read.request), stale
        with self._mutex:
            self._misses += 1
        return response, self._keep(read, response, generation)

    def _keep(self, read: Read, response: httpx.Response, generation: str | None) -> Answer | None:
        """Store a response if it is worth it; return what others may share."""
        response.request = read.request  # which httpx would set only later, and decoding wants to know
        if not _is_whole(response, read.operation):
            return None
        answer = answer_of(response)
        if len(answer.content) <= MAX_BODY:
            self._do(self._store.put, read.key, answer, read.lifetime + self._stale_if_error, generation)
        return answer

    def _stale(self, read: Read, answer: Answer | None) -> Answer | None:
        """Return an answer that may serve while the service is down, None for another."""
        if answer is None or answer.age >= read.lifetime + self._stale_if_error:
            return None
        return answer

    def _hit(self, answer: Answer, request: httpx.Request) -> httpx.Response:
        with self._mutex:
            self._hits += 1
        return response_of(answer, request)

    def _do(self, function: Callable[..., T], *args: Any) -> T:
        """Call a method of the store, which may block."""
        return io.run_blocking(function, *args) if self._store.blocks else function(*args)


class Read(NamedTuple):
    """A read whose answer is kept, and current for `lifetime` seconds."""

    request: httpx.Request
    operation: Operation[Any]
    key: Key
    lifetime: float
    send: Send


class Flight:
    """A request that others wait for; its answer is None where there is nothing to share."""

    def __init__(self, key: tuple[Key, str]) -> None:
        self.key = key
        self.done = Event()
        self.answer: Answer | None = None
        self.is_interrupted = False
        """Whether its caller was cancelled or interrupted, which says nothing about the service."""


def _open_store(config: ClientConfig, clock: Clock) -> MemoryStore | RedisStore:
    if config.shared_state is not None:
        from ..storage import scheme_of

        if scheme_of(config.shared_state) == "redis":
            from ..redis_cache import RedisStore

            site = digest(config.service_url.encode())
            credential = digest(f"Bearer {config.api_token}".encode() if config.api_token else b"")
            return RedisStore(config.shared_state, site, credential, config.cache_max_size, clock)
    return MemoryStore(config.cache_max_size, clock)


def _is_whole(response: httpx.Response, operation: Operation[Any]) -> bool:
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
