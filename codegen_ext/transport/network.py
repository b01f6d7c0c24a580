"""The innermost transport: httpx's own, with the environment's proxy for the one host that a client talks to."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from .deadline import keep_deadlines
from .extensions import FRESH

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import AsyncGenerator


LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)
NO_POOL = httpx.Limits(max_connections=100, max_keepalive_connections=0)


def environment_proxy(base_url: str) -> str | None:
    """Return the proxy that the environment names for this address, None for none.

    httpx looks at the environment only while it builds its transports itself, which we do not let it do.
    """
    parts = urlsplit(base_url)
    if _is_loopback(parts.hostname or ""):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or (parts.hostname and proxy_bypass(parts.netloc.rpartition("@")[2])):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_loopback(host: str) -> bool:
    """Whether a host is this machine, which a proxy elsewhere could not reach."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def network_transport(base_url: str) -> httpx.BaseTransport:
    """Return a pooling transport; certificates are only loaded where the address needs them."""
    make = partial(httpx.HTTPTransport, **_settings(base_url))
    return _pools(make)


def async_network_transport(base_url: str) -> httpx.AsyncBaseTransport:
    """Return a pooling transport for event loops; otherwise like `network_transport`."""
    make = partial(httpx.AsyncHTTPTransport, **_settings(base_url))
    return LoopTransport(lambda: _pools(make))


def _pools(make: Callable[..., Any]) -> ChoosingTransport:
    return ChoosingTransport(keep_deadlines(make(limits=LIMITS)), keep_deadlines(make(limits=NO_POOL)))


class ChoosingTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Sends a request over the pool, or over a connection of its own where its extensions ask for one.

    Once closed it stays closed, which httpx's own transports do not: a call that slept, or was about to be sent, while
    another thread or task closed the client would open connections that nobody closes.
    """

    def __init__(self, pooled: Any, fresh: Any) -> None:
        self._pooled = pooled
        self._fresh = fresh
        self._is_closed = False

    def _choose(self, request: httpx.Request) -> Any:
        refuse_closed(self._is_closed)
        return self._fresh if request.extensions.get(FRESH) else self._pooled

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send; raises RuntimeError when closed."""
        transport = self._choose(request)
        response: httpx.Response = transport.handle_request(request)
        if self._is_closed:
            response.close()
            transport.close()
            raise _cut(request)
        return response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send; raises RuntimeError when closed."""
        transport = self._choose(request)
        response: httpx.Response = await transport.handle_async_request(request)
        if self._is_closed:
            await response.aclose()
            await transport.aclose()
            raise _cut(request)
        return response

    def close(self) -> None:
        """Close both."""
        self._is_closed = True
        self._pooled.close()
        self._fresh.close()

    async def aclose(self) -> None:
        """Close both."""
        self._is_closed = True
        await self._pooled.aclose()
        await self._fresh.aclose()


def refuse_closed(is_closed: bool) -> None:
    """Raise what httpx raises for a request on a closed client, if it is."""
    if is_closed:
        raise RuntimeError("Cannot send a request, as the client has been closed.")


def _cut(request: httpx.Request) -> httpx.ReadError:
    return httpx.ReadError("the client was closed while the request was under way", request=request)


class LoopTransport(httpx.AsyncBaseTransport):
    """A pool for each event loop: a connection cannot leave the loop that opened it, but a client may."""

    def __init__(self, make: Callable[[], httpx.AsyncBaseTransport]) -> None:
        self._make = make
        self._pools: dict[AbstractEventLoop, httpx.AsyncBaseTransport] = {}
        self._open: dict[AbstractEventLoop, AsyncGenerator[None, None]] = {}
        self._is_closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send over a connection of the running loop; raises RuntimeError when closed."""
        from asyncio import get_running_loop

        refuse_closed(self._is_closed)
        loop = get_running_loop()
        pool = self._pools.get(loop)
        if pool is None:
            self._forget_ended()
            pool = self._pools[loop] = self._make()
            # `asyncio.run` ends the generators that its loop has left before it closes the loop, and so this pool.
            self._open[loop] = _open(pool)
            await anext(self._open[loop])
        return await pool.handle_async_request(request)

    def _forget_ended(self) -> None:
        # What a loop left open that ended in another way can no longer be closed in order; Python closes the sockets.
        for ended in [other for other in list(self._pools) if other.is_closed()]:
            self._pools.pop(ended, None)
            self._open.pop(ended, None)

    async def aclose(self) -> None:
        """Close the connections of the running loop; those of other loops end with their loop."""
        from asyncio import get_running_loop

        self._is_closed = True
        loop = get_running_loop()
        self._pools.pop(loop, None)
        opened = self._open.pop(loop, None)
        self._forget_ended()
        if opened is not None:
            await opened.aclose()


async def _open(pool: httpx.AsyncBaseTransport) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await pool.aclose()


def _settings(base_url: str) -> dict[str, Any]:
    proxy = environment_proxy(base_url)
    needs_tls = base_url.startswith("https:") or bool(proxy and proxy.startswith("https:"))
    return {"verify": ssl_context() if needs_tls else False, "proxy": proxy}


def ssl_context() -> ssl.SSLContext:
    """Return httpx's own settings; made once for both pools, because reading the certificates takes 20 ms."""
    return httpx.create_ssl_context()
