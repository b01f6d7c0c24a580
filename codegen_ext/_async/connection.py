"""One HTTP/1.1 connection as an httpx transport, all of whose steps end with the deadline of the request.

h11 speaks HTTP here, since httpcore's own connection takes three locks of anyio for a request, each of which is a turn
of the event loop, and its pools look through all connections at every step. Through a proxy httpcore does it.
"""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

import h11
import httpcore
import httpx

from .._io.asynchronous_tcp import MOST_WRITTEN, connect_tcp, end
from .._proxy import default_tls

if TYPE_CHECKING:
    from .._request import Timing

_MOST_READ = 65_536
"""Bytes."""
_LONGEST_HEAD = 102_400
"""Bytes of the head of a response, as httpcore allows."""
_ERRORS = (
    h11.LocalProtocolError,
    h11.RemoteProtocolError,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.TimeoutException,
)


class AsyncConnectionTransport(httpx.AsyncBaseTransport):
    """Sends requests over one connection, which is opened again where it has ended."""

    def __init__(self, timing: Timing, proxy: str | None, tls: ssl.SSLContext | None) -> None:
        self._backend = AsyncTimedBackend(timing)
        self._proxy = proxy
        self._tls = tls
        self._connection: _AsyncDirectConnection | _AsyncProxiedConnection | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the body of the response is still to be read."""
        try:
            if self._connection is not None and not self._connection.can_handle(request.url):
                await self.aclose()
            connection = self._connection = self._connection or await self._connect(request)
            return await connection.handle(request)
        except _ERRORS as error:
            raise _of_httpx(error, request) from error

    async def _connect(self, request: httpx.Request) -> _AsyncDirectConnection | _AsyncProxiedConnection:
        if self._proxy is not None:
            return _AsyncProxiedConnection(request.url, _pool(self._proxy, self._tls, self._backend))
        url, seconds = request.url, request.extensions["timeout"].get("connect")
        if url.scheme not in ("http", "https"):
            raise httpx.UnsupportedProtocol(f"only http:// and https:// can be sent to, not {url.scheme}://")
        host, has_tls = url.raw_host.decode("ascii"), url.scheme == "https"
        stream = await self._backend.connect_tcp(host, url.port or (443 if has_tls else 80), seconds)
        if has_tls:
            try:
                tls = self._tls or default_tls()
                tls.set_alpn_protocols(["http/1.1"])
                stream = await stream.start_tls(tls, request.extensions.get("sni_hostname") or host, seconds)
            except BaseException:
                await stream.aclose()  # the loop would keep it open
                raise
        return _AsyncDirectConnection(url, stream)

    async def aclose(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.aclose()


class _AsyncDirectConnection:
    """A connection to the service itself, over which one request goes at a time."""

    def __init__(self, url: httpx.URL, stream: httpcore.AsyncNetworkStream) -> None:
        self._origin = _origin_of(url)
        self._stream = stream
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)

    def can_handle(self, url: httpx.URL) -> bool:
        """Return whether the service has kept the connection, and has sent nothing since that a request would get."""
        return (
            self._http.our_state is h11.IDLE
            and not self._http.trailing_data[0]
            and self._origin == _origin_of(url)
            and not self._stream.get_extra_info("is_readable")
        )

    async def handle(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the body of the response is still to be read. A connection that failed has to be closed."""
        with contextlib.suppress(httpcore.WriteError):  # a service that refuses a body may have said why
            await self._send(request, request.extensions["timeout"].get("write"))
        head = await self._receive(request)
        while isinstance(head, h11.InformationalResponse) and head.status_code != httpx.codes.SWITCHING_PROTOCOLS:
            head = await self._receive(request)
        return httpx.Response(
            head.status_code,
            headers=head.headers.raw_items(),
            stream=_AsyncBody(self._body(request), self._release, request),
            extensions={
                "http_version": b"HTTP/" + head.http_version,
                "reason_phrase": head.reason,
                "network_stream": self._stream,
            },
        )

    async def _send(self, request: httpx.Request, seconds: float | None) -> None:
        http = self._http
        target = request.extensions.get("target", request.url.raw_path)
        data = http.send(h11.Request(method=request.method, target=target, headers=request.headers.raw)) or b""
        async for part in request.stream:  # type: ignore[union-attr]
            data += http.send(h11.Data(data=part)) or b""
            if len(data) > _MOST_READ:
                await self._stream.write(data, seconds)
                data = b""
        data += http.send(h11.EndOfMessage()) or b""
        await self._stream.write(data, seconds)

    async def _receive(self, request: httpx.Request) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            seconds = request.extensions["timeout"].get("read")  # another one once a stream has begun
            data = await self._stream.read(_MOST_READ, seconds)
            if not data and self._http.their_state is h11.SEND_RESPONSE:
                raise httpcore.RemoteProtocolError("Server disconnected without sending a response.")
            self._http.receive_data(data)
        return event

    async def _body(self, request: httpx.Request) -> AsyncIterator[bytes]:
        while isinstance(event := await self._receive(request), h11.Data):
            yield bytes(event.data)

    async def _release(self) -> None:
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            await self.aclose()

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()


class _AsyncProxiedConnection:
    """A connection of httpcore to the service through a proxy, as `_AsyncDirectConnection`."""

    def __init__(self, url: httpx.URL, pool: httpcore.AsyncConnectionPool) -> None:
        self._connection = pool.create_connection(_httpcore_url(url).origin)

    def can_handle(self, url: httpx.URL) -> bool:
        """Return whether the proxy has kept the connection."""
        kept = self._connection
        return kept.can_handle_request(_httpcore_url(url).origin) and kept.is_available() and not kept.has_expired()

    async def handle(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the body of the response is still to be read."""
        url, headers = _httpcore_url(request.url), request.headers.raw
        outgoing = httpcore.Request(
            request.method, url, headers=headers, content=request.stream, extensions=request.extensions
        )
        response = await self._connection.handle_async_request(outgoing)
        stream: Any = response.stream
        body = _AsyncBody(stream, stream.aclose, request)
        return httpx.Response(response.status, headers=response.headers, stream=body, extensions=response.extensions)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._connection.aclose()


def _pool(proxy: str, tls: ssl.SSLContext | None, backend: AsyncTimedBackend) -> httpcore.AsyncConnectionPool:
    parts = httpx.Proxy(proxy)
    kind = httpcore.AsyncSOCKSProxy if parts.url.scheme.startswith("socks") else httpcore.AsyncHTTPProxy
    return kind(str(parts.url), proxy_auth=parts.raw_auth, ssl_context=tls, network_backend=backend)


def _httpcore_url(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def _origin_of(url: httpx.URL) -> tuple[bytes, bytes, int | None]:
    return url.raw_scheme, url.raw_host, url.port


class _AsyncBody(httpx.AsyncByteStream):
    """Body of a response, whose errors become httpx's."""

    def __init__(
        self, parts: AsyncIterator[bytes], release: Callable[[], Awaitable[None]], request: httpx.Request
    ) -> None:
        self._parts = parts
        self._release = release
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._parts:
                yield part
        except _ERRORS as error:
            raise _of_httpx(error, self._request) from error

    async def aclose(self) -> None:
        """Close the body; the connection can be used again if it was read to its end."""
        await self._release()


def _of_httpx(error: Exception, request: httpx.Request) -> httpx.RequestError:
    """Return the exception of httpx that has the name of one of httpcore or h11."""
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
        self._pid = os.getpid()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what has come."""
        return await self._wrapped.read(max_bytes, self._timing.cut(timeout, httpcore.ReadTimeout))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write; a request whose time is over before its first byte is as one that found no connection."""
        timing = self._timing
        for start in range(0, len(buffer), MOST_WRITTEN):
            if timing.sent_at is None:
                left = timing.cut(timeout, httpcore.ConnectTimeout)
                timing.mark_sent()
            else:
                left = timing.cut(timeout, httpcore.WriteTimeout)
            await self._wrapped.write(buffer[start : start + MOST_WRITTEN], left)

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Shake hands; what a proxy was told before does not count as the request."""
        timeout = self._timing.cut(timeout, httpcore.ConnectTimeout)
        self._timing.sent_at = None
        return AsyncTimedStream(await self._wrapped.start_tls(ssl_context, server_hostname, timeout), self._timing)

    async def aclose(self) -> None:
        """Close, also while another thread reads or writes."""
        if self._pid == os.getpid():  # else it is open in the parent, and must stay so
            end(self._wrapped)
        await self._wrapped.aclose()

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore wants to know of the connection."""
        return self._wrapped.get_extra_info(info)
