"""Connections: a stack of httpx transports with one connection each, behind an admission count.

httpcore looks through its whole pool at every step, and loses a connection that it gives to a waiter that has left.
So each transport here has one connection, and which of them sends what is decided here.
"""

from __future__ import annotations

import contextlib
import sys
from collections import deque
from collections.abc import AsyncIterator, Hashable
from typing import TYPE_CHECKING, Any

import httpx

from .. import _fork
from .._io import asynchronous as io
from .._proxy import proxy_of, tls_of
from .._request import Call, Deadline, Timing, is_idempotent
from ..clock import SYSTEM_CLOCK
from ..errors import ConfigurationError
from .locks import Semaphore

if TYPE_CHECKING:
    from ..config import ClientConfig

KEEPALIVE_SECONDS = 5.0
"""Seconds for which an idle connection is kept, as httpx does."""


class AsyncNetwork:
    """Sends requests over connections of the running event loop; once closed it stays closed."""

    def __init__(self, config: ClientConfig) -> None:
        self._transport: Any = config.transport
        self._most = config.max_connections
        self._most_idle = config.max_keepalive_connections
        if self._transport is not None and not hasattr(self._transport, "handle_async_request"):
            problem = f"transport must be an httpx.AsyncBaseTransport, got {type(self._transport).__name__}"
            raise ConfigurationError(problem, config_key="transport")
        if self._transport is None:
            "".encode("idna")  # loads what looking a host up needs: a child forked during an import would hang in it
            self._proxy = proxy_of(config)
            self._tls = tls_of(config, self._proxy)
        self._pools: dict[Hashable, _AsyncPool] = {}
        self._is_closed = False
        _fork.register(self)

    def after_fork(self) -> None:
        """Leave the connections to the parent."""
        self._pools = {}

    async def admit(self, request: httpx.Request, call: Call) -> AsyncConnection:
        """Return a connection that is free for a request, waiting for the pool's time-out at the longest.

        A request that is not idempotent gets a new connection, which no earlier answer can have left half closed, and
        has an admission count of its own, so that streams do not hold up reads.

        Raises:
            RuntimeError: when the network is closed.
            httpx.PoolTimeout: when no connection becomes free in time.

        """
        self.refuse_closed()
        scope = io.scope()
        pool = self._pools.get(scope) or await self._open(scope)
        admission = pool.shared if is_idempotent(call, request) else pool.new
        if not admission.try_acquire():
            seconds = request.extensions["timeout"].get("pool")
            left = call.deadline.left()
            # In real seconds: on another clock time would be over before a connection is given back.
            if not await admission.acquire(left if seconds is None or left < seconds else seconds):
                raise httpx.PoolTimeout("no connection became free in time", request=request)
        try:
            return pool.lend(admission) or pool.add(self._new_transport(), admission)
        except BaseException:
            admission.release()
            raise

    def refuse_closed(self) -> None:
        """Raise RuntimeError when the network is closed, as httpx does."""
        if self._is_closed:
            raise RuntimeError("Cannot send a request, as the client has been closed.")

    def _new_transport(self) -> tuple[Any, Timing]:
        timing = Timing()
        if self._transport is not None:
            return _AsyncForeignTransport(self._transport, timing), timing
        from .connection import AsyncConnectionTransport  # imports h11 and httpcore, which cost more than this package

        return AsyncConnectionTransport(timing, self._proxy, self._tls), timing

    async def _open(self, scope: Hashable) -> _AsyncPool:
        for ended in [other for other in list(self._pools) if io.is_over(other)]:
            self._pools.pop(ended, None)  # nothing can be closed in order there; Python closes the sockets
        most_idle = 0 if self._transport is not None else self._most_idle
        most = sys.maxsize if self._transport is not None else self._most
        pool = self._pools.setdefault(scope, _AsyncPool(most, most_idle))
        pool.guard = await io.at_end_of_scope(pool.aclose)
        return pool

    async def aclose(self) -> None:
        """Close the connections of the running loop; those of other loops end with their loop."""
        self._is_closed = True
        pool = self._pools.pop(io.scope(), None)
        if pool is not None:
            await pool.aclose()
        if self._transport is not None:
            await self._transport.aclose()


class _AsyncPool:
    """Connections of one event loop; the one that was used last is used first, so that the others can expire."""

    def __init__(self, most: int, most_idle: int) -> None:
        self.shared = Semaphore(most)
        self.new = Semaphore(most)
        self.guard: object = None
        self._most_idle = most_idle
        self._mutex = io.Mutex()
        self._idle: deque[AsyncConnection] = deque()
        self._busy: set[AsyncConnection] = set()
        self.is_closed = False

    def lend(self, admission: Semaphore) -> AsyncConnection | None:
        """Return the idle connection that was used last, None where all have expired or a new one is wanted."""
        with self._mutex:
            if admission is self.new or not self._idle or self._idle[-1].has_expired(SYSTEM_CLOCK.monotonic()):
                return None
            connection = self._idle.pop()
            self._busy.add(connection)
        connection.admission = admission
        return connection

    def add(self, transport: tuple[Any, Timing], admission: Semaphore) -> AsyncConnection:
        """Return a new connection, which is in use."""
        connection = AsyncConnection(*transport, self, admission)
        with self._mutex:
            self._busy.add(connection)
        return connection

    async def give_back(self, connection: AsyncConnection, *, reusable: bool) -> None:
        """Keep a connection for the next request, or close it; close those that have expired."""
        now = SYSTEM_CLOCK.monotonic()
        closing = []
        with self._mutex:
            self._busy.discard(connection)
            if reusable and not self.is_closed and len(self._idle) < self._most_idle:
                connection.idle_since = now
                self._idle.append(connection)
            else:
                closing.append(connection)
            while self._idle and self._idle[0].has_expired(now):
                closing.append(self._idle.popleft())
        for unused in closing:
            await unused.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        with self._mutex:
            self.is_closed = True
            closing = [*self._idle, *self._busy]
            self._idle.clear()
        for connection in closing:
            await connection.aclose()


class AsyncConnection:
    """One connection, leased for one request and given back when its response is closed."""

    def __init__(self, transport: Any, timing: Timing, pool: _AsyncPool, admission: Semaphore) -> None:
        self.timing = timing
        self.admission = admission
        self.idle_since = 0.0
        self._transport = transport
        self._pool = pool

    def has_expired(self, now: float) -> bool:
        """Return whether it was idle for longer than connections are kept."""
        return self.idle_since < now - KEEPALIVE_SECONDS

    async def send(self, request: httpx.Request, deadline: Deadline) -> httpx.Response:
        """Send a request; head and body of the response end with the deadline."""
        self.timing.begin(deadline)
        try:
            if deadline.expired:
                raise httpx.ConnectTimeout("the call's time was over before the request was sent", request=request)
            response: httpx.Response = await self._transport.handle_async_request(request)
        except BaseException as error:
            await self.release(reusable=False)
            is_sent = self.timing.sent_at is not None  # else its own error says that nothing has reached the service
            # Also a ValueError, as SSLSocket raises where it is closed between two of its steps.
            if is_sent and self._pool.is_closed and isinstance(error, Exception):
                raise _closed_under_way(request) from error
            raise
        body = response.stream = _AsyncLeasedStream(response.stream, self)
        if self._pool.is_closed:
            await body.aclose()
            raise _closed_under_way(request)
        return response

    async def release(self, *, reusable: bool) -> None:
        """Give the connection back."""
        try:
            await self._pool.give_back(self, reusable=reusable)
        finally:
            self.admission.release()

    async def aclose(self) -> None:
        """Close the connection."""
        with contextlib.suppress(Exception):
            await self._transport.aclose()


def _closed_under_way(request: httpx.Request) -> httpx.ReadError:
    return httpx.ReadError("the client was closed while the request was under way", request=request)


class _AsyncLeasedStream(httpx.AsyncByteStream):
    """Body whose end gives the connection back."""

    def __init__(self, wrapped: Any, connection: AsyncConnection) -> None:
        self._wrapped = wrapped
        self._connection: AsyncConnection | None = connection

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._wrapped)

    async def aclose(self) -> None:
        """Close the body, once."""
        connection, self._connection = self._connection, None
        if connection is not None:
            reusable = False
            try:
                await self._wrapped.aclose()
                reusable = True
            finally:
                await connection.release(reusable=reusable)


class _AsyncForeignTransport(httpx.AsyncBaseTransport):
    """A transport of the user in place of a connection; it stays open, and does not tell when it begins to write."""

    def __init__(self, wrapped: Any, timing: Timing) -> None:
        self._wrapped = wrapped
        self._timing = timing

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, no phase of which may take longer than the call may."""
        timing = self._timing
        request.extensions["timeout"] = {
            phase: timing.cut(seconds, httpx.ConnectTimeout) for phase, seconds in request.extensions["timeout"].items()
        }
        timing.mark_sent()  # or later
        response: httpx.Response = await self._wrapped.handle_async_request(request)
        return response
