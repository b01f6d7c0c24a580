# Generated from codegen_ext/_async/connection.py by make generate; edit there.
"""One HTTP/1.1 connection as an httpx transport, all of whose steps end with the deadline of the request.

h11 speaks HTTP here, since httpcore's own connection takes three locks of anyio for a request, each of which is a turn
of the event loop, and its pools look through all connections at every step. Through a proxy httpcore does it.
"""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import h11
import httpcore
import httpx

from .._io.synchronous_tcp import MOST_WRITTEN, connect_tcp, end
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


class ConnectionTransport(httpx.BaseTransport):
    """Sends requests over one connection, which is opened again where it has ended."""

    def __init__(self, timing: Timing, proxy: str | None, tls: ssl.SSLContext | None) -> None:
        self._backend = TimedBackend(timing)
        self._proxy = proxy
        self._tls = tls
        self._connection: _DirectConnection | _ProxiedConnection | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the body of the response is still to be read."""
        try:
            if self._connection is not None and not self._connection.can_handle(request.url):
                self.close()
            connection = self._connection = self._connection or self._connect(request)
            return connection.handle(request)
        except _ERRORS as error:
            raise _of_httpx(error, request) from error

    def _connect(self, request: httpx.Request) -> _DirectConnection | _ProxiedConnection:
        if self._proxy is not None:
            return _ProxiedConnection(request.url, _pool(self._proxy, self._tls, self._backend))
        url, seconds = request.url, request.extensions["timeout"].get("connect")
        if url.scheme not in ("http", "https"):
            raise httpx.UnsupportedProtocol(f"only http:// and https:// can be sent to, not {url.scheme}://")
        host, has_tls = url.raw_host.decode("ascii"), url.scheme == "https"
        stream = self._backend.connect_tcp(host, url.port or (443 if has_tls else 80), seconds)
        if has_tls:
            try:
                tls = self._tls or default_tls()
                tls.set_alpn_protocols(["http/1.1"])
                stream = stream.start_tls(tls, request.extensions.get("sni_hostname") or host, seconds)
            except BaseException:
                stream.close()  # the loop would keep it open
                raise
        return _DirectConnection(url, stream)

    def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class _DirectConnection:
    """A connection to the service itself, over which one request goes at a time."""

    def __init__(self, url: httpx.URL, stream: httpcore.NetworkStream) -> None:
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

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the body of the response is still to be read. A connection that failed has to be closed."""
        with contextlib.suppress(httpcore.WriteError):  # a service that refuses a body may have said why
            self._send(request, request.extensions["timeout"].get("write"))
        head = self._receive(request)
        while isinstance(head, h11.InformationalResponse) and head.status_code != httpx.codes.SWITCHING_PROTOCOLS:
            head = self._receive(request)
        return httpx.Response(
            head.status_code,
            headers=head.headers.raw_items(),
            stream=_Body(self._body(request), self._release, request),
            extensions={
                "http_version": b"HTTP/" + head.http_version,
                "reason_phrase": head.reason,
                "network_stream": self._stream,
            },
        )

    def _send(self, request: httpx.Request, seconds: float | None) -> None:
        http = self._http
        target = request.extensions.get("target", request.url.raw_path)
        data = http.send(h11.Request(method=request.method, target=target, headers=request.headers.raw)) or b""
        for part in request.stream:  # type: ignore[union-attr]
            data += http.send(h11.Data(data=part)) or b""
            if len(data) > _MOST_READ:
                self._stream.write(data, seconds)
                data = b""
        data += http.send(h11.EndOfMessage()) or b""
        self._stream.write(data, seconds)

    def _receive(self, request: httpx.Request) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            seconds = request.extensions["timeout"].get("read")  # another one once a stream has begun
            data = self._stream.read(_MOST_READ, seconds)
            if not data and self._http.their_state is h11.SEND_RESPONSE:
                raise httpcore.RemoteProtocolError("Server disconnected without sending a response.")
            self._http.receive_data(data)
        return event

    def _body(self, request: httpx.Request) -> Iterator[bytes]:
        while isinstance(event := self._receive(request), h11.Data):
            yield bytes(event.data)

    def _release(self) -> None:
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            self.close()

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()


class _ProxiedConnection:
    """A connection of httpcore to the service through a proxy, as `_DirectConnection`."""

    def __init__(self, url: httpx.URL, pool: httpcore.ConnectionPool) -> None:
        self._connection = pool.create_connection(_httpcore_url(url).origin)

    def can_handle(self, url: httpx.URL) -> bool:
        """Return whether the proxy has kept the connection."""
        kept = self._connection
        return kept.can_handle_request(_httpcore_url(url).origin) and kept.is_available() and not kept.has_expired()

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the body of the response is still to be read."""
        url, headers = _httpcore_url(request.url), request.headers.raw
        outgoing = httpcore.Request(
            request.method, url, headers=headers, content=request.stream, extensions=request.extensions
        )
        response = self._connection.handle_request(outgoing)
        stream: Any = response.stream
        body = _Body(stream, stream.close, request)
        return httpx.Response(response.status, headers=response.headers, stream=body, extensions=response.extensions)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _pool(proxy: str, tls: ssl.SSLContext | None, backend: TimedBackend) -> httpcore.ConnectionPool:
    parts = httpx.Proxy(proxy)
    kind = httpcore.SOCKSProxy if parts.url.scheme.startswith("socks") else httpcore.HTTPProxy
    return kind(str(parts.url), proxy_auth=parts.raw_auth, ssl_context=tls, network_backend=backend)


def _httpcore_url(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def _origin_of(url: httpx.URL) -> tuple[bytes, bytes, int | None]:
    return url.raw_scheme, url.raw_host, url.port


class _Body(httpx.SyncByteStream):
    """Body of a response, whose errors become httpx's."""

    def __init__(self, parts: Iterator[bytes], release: Callable[[], None], request: httpx.Request) -> None:
        self._parts = parts
        self._release = release
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        try:
            for part in self._parts:
                yield part
        except _ERRORS as error:
            raise _of_httpx(error, self._request) from error

    def close(self) -> None:
        """Close the body; the connection can be used again if it was read to its end."""
        self._release()


def _of_httpx(error: Exception, request: httpx.Request) -> httpx.RequestError:
    """Return the exception of httpx that has the name of one of httpcore or h11."""
    kind: type[httpx.RequestError] = getattr(httpx, type(error).__name__)
    return kind(str(error), request=request)


class TimedBackend(httpcore.NetworkBackend):
    """Network backend of httpcore whose steps end with the deadline of the request.

    httpcore knows time-outs for each step, and a response that comes in small pieces has many.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *options: Any, **more: Any
    ) -> httpcore.NetworkStream:
        """Connect."""
        timeout = self._timing.cut(timeout, httpcore.ConnectTimeout)
        return TimedStream(connect_tcp(host, port, timeout, *options, **more), self._timing)


class TimedStream(httpcore.NetworkStream):
    """Network stream of httpcore, as `TimedBackend`."""

    def __init__(self, wrapped: httpcore.NetworkStream, timing: Timing) -> None:
        self._wrapped = wrapped
        self._timing = timing
        self._pid = os.getpid()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what has come."""
        return self._wrapped.read(max_bytes, self._timing.cut(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write; a request whose time is over before its first byte is as one that found no connection."""
        timing = self._timing
        for start in range(0, len(buffer), MOST_WRITTEN):
            if timing.sent_at is None:
                left = timing.cut(timeout, httpcore.ConnectTimeout)
                timing.mark_sent()
            else:
                left = timing.cut(timeout, httpcore.WriteTimeout)
            self._wrapped.write(buffer[start : start + MOST_WRITTEN], left)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Shake hands; what a proxy was told before does not count as the request."""
        timeout = self._timing.cut(timeout, httpcore.ConnectTimeout)
        self._timing.sent_at = None
        return TimedStream(self._wrapped.start_tls(ssl_context, server_hostname, timeout), self._timing)

    def close(self) -> None:
        """Close, also while another thread reads or writes."""
        if self._pid == os.getpid():  # else it is open in the parent, and must stay so
            end(self._wrapped)
        self._wrapped.close()

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore wants to know of the connection."""
        return self._wrapped.get_extra_info(info)
