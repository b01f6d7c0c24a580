"""One connection of httpcore as an httpx transport, all of whose steps end with the deadline of the request."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

from .._io.asynchronous_tcp import connect_tcp

if TYPE_CHECKING:
    from .._request import Timing

_ERRORS = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
)


class AsyncConnectionTransport(httpx.AsyncBaseTransport):
    """Sends requests over one connection, which is opened again where it has ended.

    httpcore's pools only make connections here: they look through all of them at every step.
    """

    def __init__(self, timing: Timing, proxy: str | None, tls: ssl.SSLContext | None, keepalive_seconds: float) -> None:
        backend = AsyncTimedBackend(timing)
        self._pool = _pool(proxy, ssl_context=tls, keepalive_expiry=keepalive_seconds, network_backend=backend)
        self._connection: httpcore.AsyncConnectionInterface | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the body of the response is still to be read."""
        url = request.url
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        outgoing = httpcore.Request(
            request.method, target, headers=request.headers.raw, content=request.stream, extensions=request.extensions
        )
        try:
            connection = await self._connection_to(target.origin)
            response = await connection.handle_async_request(outgoing)
        except _ERRORS as error:
            raise _of_httpx(error, request) from error
        body = _AsyncBody(response.stream, request)
        return httpx.Response(response.status, headers=response.headers, stream=body, extensions=response.extensions)

    async def _connection_to(self, origin: httpcore.Origin) -> httpcore.AsyncConnectionInterface:
        kept = self._connection
        if kept is not None:
            if kept.can_handle_request(origin) and kept.is_available() and not kept.has_expired():
                return kept
            await kept.aclose()
        self._connection = self._pool.create_connection(origin)
        return self._connection

    async def aclose(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.aclose()


def _pool(proxy: str | None, **settings: Any) -> httpcore.AsyncConnectionPool:
    if proxy is None:
        return httpcore.AsyncConnectionPool(**settings)
    parts = httpx.Proxy(proxy)
    kind = httpcore.AsyncSOCKSProxy if parts.url.scheme.startswith("socks") else httpcore.AsyncHTTPProxy
    return kind(str(parts.url), proxy_auth=parts.raw_auth, **settings)


class _AsyncBody(httpx.AsyncByteStream):
    """Body of a response of httpcore, whose errors become httpx's."""

    def __init__(self, stream: Any, request: httpx.Request) -> None:
        self._stream = stream
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._stream:
                yield part
        except _ERRORS as error:
            raise _of_httpx(error, self._request) from error

    async def aclose(self) -> None:
        """Close the body; the connection can be used again if it was read to its end."""
        await self._stream.aclose()


def _of_httpx(error: Exception, request: httpx.Request) -> httpx.RequestError:
    """Return the exception of httpx that has the name of one of httpcore."""
    kind: type[httpx.RequestError] = getattr(httpx, type(error).__name__)
    return kind(str(error), request=request)


class AsyncTimedBackend(httpcore.AsyncNetworkBackend):
    """Network backend of httpcore whose steps end with the deadline of the request.

    httpcore knows time-outs for each step, and a response that comes in small pieces has many.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *options: Any, **more: Any
    ) -> httpcore.AsyncNetworkStream:
        """Connect."""
        timeout = self._timing.cut(timeout, httpcore.ConnectTimeout)
        return AsyncTimedStream(await connect_tcp(host, port, timeout, *options, **more), self._timing)


class AsyncTimedStream(httpcore.AsyncNetworkStream):
    """Network stream of httpcore, as `AsyncTimedBackend`."""

    def __init__(self, wrapped: httpcore.AsyncNetworkStream, timing: Timing) -> None:
        self._wrapped = wrapped
        self._timing = timing

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what has come."""
        return await self._wrapped.read(max_bytes, self._timing.cut(timeout, httpcore.ReadTimeout))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write; a request whose time is over before its first byte is as one that found no connection."""
        timing = self._timing
        if timing.sent_at is None:
            timeout = timing.cut(timeout, httpcore.ConnectTimeout)
            timing.mark_sent()
        else:
            timeout = timing.cut(timeout, httpcore.WriteTimeout)
        await self._wrapped.write(buffer, timeout)

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Shake hands; what a proxy was told before does not count as the request."""
        timeout = self._timing.cut(timeout, httpcore.ConnectTimeout)
        self._timing.sent_at = None
        return AsyncTimedStream(await self._wrapped.start_tls(ssl_context, server_hostname, timeout), self._timing)

    async def aclose(self) -> None:
        """Close."""
        await self._wrapped.aclose()

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore wants to know of the connection."""
        return self._wrapped.get_extra_info(info)
