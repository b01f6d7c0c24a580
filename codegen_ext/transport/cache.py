"""Answering reads from what is kept, asking once for many callers, and forgetting what a write changes."""

from __future__ import annotations

import functools
from collections.abc import Generator
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
from codegen_api.operations import OPERATIONS

from ..caching.entry import Entry, Found, Key, entry_of, key_of, response_of, site_of
from ..clock import SYSTEM_CLOCK, Clock
from ..errors import CodegenAPIError
from ..exchange import decode
from .extensions import DEADLINE, OPERATION, PAST_CACHE, STREAM
from .steps import Ask, Close, Read, Send, SteppedTransport, Steps, Wait

if TYPE_CHECKING:
    from codegen_api.operations import Operation

    from ..caching.manager import Flight, ResponseCache

    Shared = tuple[Entry, float]
    Asked = Generator[Any, Any, tuple[httpx.Response, Shared | None]]

MAX_BODY = 1_048_576
"""Bytes of the largest body that is kept."""
_SAFE = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))


class CacheTransport(SteppedTransport):
    """Keeps answers of the wrapped transport to the operations that have `cache_seconds` in the contract.

    An answer is current for `cache_seconds`, or for the cache's `lifetime` where that is shorter. A request with the
    extension PAST_CACHE, or with `Cache-Control: no-cache`, is always sent. A request that is no operation of the
    contract and may change something makes all answers of its server stale.
    """

    def __init__(self, wrapped: Any, cache: ResponseCache, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(wrapped, clock)
        self._cache = cache
        # Most calls are none of the cache's business, and deciding by steps costs each of them about 4 µs.
        self._others = {one.id for one in OPERATIONS.values() if one.cache_seconds is None and not one.invalidates}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, or send."""
        if request.extensions.get(OPERATION) in self._others:
            response: httpx.Response = self._wrapped.handle_request(request)
            return response
        return super().handle_request(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, or send."""
        if request.extensions.get(OPERATION) in self._others:
            response: httpx.Response = await self._wrapped.handle_async_request(request)
            return response
        return await super().handle_async_request(request)

    def steps(self, request: httpx.Request) -> Steps:
        """Decide by the operation."""
        operation = OPERATIONS.get(request.extensions.get(OPERATION) or "")
        if operation is None:
            return self._change(request, () if request.method in _SAFE else _cached_operations())
        if operation.cache_seconds is None or request.method != "GET" or request.extensions.get(STREAM):
            return self._change(request, operation.invalidates)
        key = key_of(request, operation.id)
        if request.extensions.get(PAST_CACHE) or "no-cache" in request.headers.get("cache-control", ""):
            return self._reload(request, operation, key)
        return self._read(request, operation, key)

    def close(self) -> None:
        """Close the wrapped transport, and the connections to a shared cache."""
        super().close()
        self._cache.store.close()

    async def aclose(self) -> None:
        """Close the wrapped transport, and the connections to a shared cache."""
        await super().aclose()
        self._cache.store.close()

    def _change(self, request: httpx.Request, stale: tuple[str, ...]) -> Steps:
        if not stale:
            plain: httpx.Response = yield Send(request)
            return plain
        forget = partial(self._cache.forget, site_of(request.url), stale)
        forgetting = Ask(forget, self._cache.store.blocks)
        # Before as well, so that a process that dies in between leaves no old answer to others.
        yield forgetting
        try:
            response: httpx.Response = yield Send(request)
        except GeneratorExit:
            forget()  # the task is cancelled, and nothing can be yielded any more
            raise
        except Exception:
            yield forgetting
            raise
        yield forgetting
        return response

    def _reload(self, request: httpx.Request, operation: Operation[Any], key: Key) -> Steps:
        found: Found = yield self._look(key)
        response: httpx.Response = yield Send(request)
        yield from self._keep(response, request, operation, key, found.ticket)
        return response

    def _read(self, request: httpx.Request, operation: Operation[Any], key: Key) -> Steps:
        while True:
            found: Found = yield self._look(key)
            if found.entry is not None and found.age < self._lifetime(operation):
                return self._hit(found.entry, found.age, request)
            flight, leads = self._cache.join(key)
            if leads:
                return (yield from self._lead(request, operation, key, flight))
            yield Wait(flight, request.extensions.get(DEADLINE))
            if not flight.done():
                if (stale := self._stale(found, operation)) is None:
                    raise httpx.ReadTimeout("an identical request was not answered in time", request=request)
                return self._hit(*stale, request)
            if flight.cancelled():
                continue  # whoever asked was interrupted, which says nothing about the service
            if (shared := flight.result()) is not None:
                return self._hit(*shared, request)
            response, _ = yield from self._ask(request, operation, key)
            return response

    def _lead(self, request: httpx.Request, operation: Operation[Any], key: Key, flight: Flight) -> Steps:
        """Ask, and tell those who wait what came of it."""
        shared: Shared | None = None
        interrupted = True
        try:
            response, shared = yield from self._ask(request, operation, key)
            interrupted = False
        except Exception:
            interrupted = False
            raise
        finally:
            self._cache.leave(key, flight)
            if interrupted:
                flight.cancel()
                flight.set_running_or_notify_cancel()
            else:
                flight.set_result(shared)
        return response

    def _ask(self, request: httpx.Request, operation: Operation[Any], key: Key) -> Asked:
        # Once more, because an answer may have been stored after this caller had looked, and before it was to ask.
        found: Found = yield self._look(key)
        if found.entry is not None and found.age < self._lifetime(operation):
            return self._hit(found.entry, found.age, request), (found.entry, found.age)
        stale = self._stale(found, operation)
        try:
            response: httpx.Response = yield Send(request)
            entry = yield from self._keep(response, request, operation, key, found.ticket)
        except (httpx.TransportError, httpx.DecodingError):
            if stale is None:
                raise
            return self._hit(*stale, request), stale
        if response.status_code >= 500 and stale is not None:
            yield Close(response)
            return self._hit(*stale, request), stale
        self._cache.count(hit=False)
        return response, None if entry is None else (entry, 0.0)

    def _keep(
        self, response: httpx.Response, request: httpx.Request, operation: Operation[Any], key: Key, ticket: str | None
    ) -> Generator[Any, Any, Entry | None]:
        """Read a response, and store it if it is worth it; return what others may share."""
        response.request = request  # which httpx would set only later, and decoding wants to know
        yield Read(response, request, request.extensions.get(DEADLINE))
        if not _is_answer(response, operation):
            return None
        entry = entry_of(response)
        if len(entry.content) <= MAX_BODY:
            seconds = self._lifetime(operation) + self._cache.stale_if_error
            store = self._cache.store
            yield Ask(partial(store.put, key, entry, seconds, ticket), store.blocks)
        return entry

    def _hit(self, entry: Entry, age: float, request: httpx.Request) -> httpx.Response:
        self._cache.count(hit=True)
        return response_of(entry, age, request)

    def _stale(self, found: Found, operation: Operation[Any]) -> Shared | None:
        """Return what may serve while the service is down."""
        if found.entry is None or found.age >= self._lifetime(operation) + self._cache.stale_if_error:
            return None
        return found.entry, found.age

    def _lifetime(self, operation: Operation[Any]) -> float:
        return min(operation.cache_seconds or 0.0, self._cache.lifetime)

    def _look(self, key: Key) -> Ask:
        return Ask(partial(self._cache.store.get, key), self._cache.store.blocks)


def _is_answer(response: httpx.Response, operation: Operation[Any]) -> bool:
    """Whether a response is a whole answer as the contract has it."""
    headers = response.headers
    # Without these only the end of the connection ends a body, and a cut one looks whole.
    framed = "content-length" in headers or "transfer-encoding" in headers
    if response.status_code != 200 or "no-store" in headers.get("cache-control", ""):
        return False
    if not framed and response.http_version != "HTTP/2":
        return False
    try:
        decode(operation, response)
    except CodegenAPIError:
        return False
    return True


@functools.cache
def _cached_operations() -> tuple[str, ...]:
    return tuple(operation.id for operation in OPERATIONS.values() if operation.cache_seconds is not None)
