"""TCP and TLS connections of asyncio for httpcore; `synchronous_tcp` has the same name for threads.

httpcore's own go through anyio, whose cancel scopes cost a call more than everything in this package does.
"""

from __future__ import annotations

import asyncio
import ipaddress
import select
import socket
import ssl
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, cast

import httpcore

from .asynchronous import Waiter

MOST_WRITTEN = sys.maxsize
"""Bytes that one time-out is for: a transport takes all at once."""
_MOST_BUFFERED = 262_144
"""Bytes after which nothing more is received until some have been read."""
_LONGEST_ATTEMPT = 2.0
"""Seconds after which the next address is tried: TCP asks a second time after one."""


async def connect_tcp(
    host: str,
    port: int,
    timeout: float | None = None,
    local_address: str | None = None,
    socket_options: Iterable[Any] | None = None,
) -> httpcore.AsyncNetworkStream:
    """Connect to a host, to the first of its addresses that answers."""
    options = {} if local_address is None else {"local_addr": (local_address, 0)}
    try:
        async with asyncio.timeout(timeout):
            stream = await _connect(host, port, options)
    except TimeoutError as error:
        raise httpcore.ConnectTimeout(str(error)) from error
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error
    for option in socket_options or ():
        stream.get_extra_info("socket").setsockopt(*option)
    return stream


async def _connect(host: str, port: int, options: dict[str, Any]) -> _Stream:
    """Try one address after the other; asyncio's attempts at a time lose the socket of a call that is cancelled."""
    loop = asyncio.get_running_loop()
    addresses = [host]
    if not _is_address(host):
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
    for address in addresses[:-1]:
        with suppress(OSError):
            async with asyncio.timeout(_LONGEST_ATTEMPT):
                return (await loop.create_connection(_Stream, address, port, **options))[1]
    return (await loop.create_connection(_Stream, addresses[-1], port, **options))[1]


def _is_address(host: str) -> bool:
    with suppress(ValueError):
        return bool(ipaddress.ip_address(host))
    return False


def end(stream: httpcore.AsyncNetworkStream) -> None:
    """Do nothing: closing a connection wakes the tasks that wait for it."""


class _Stream(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """A connection: what is received is kept until it is read."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._received = bytearray()
        self._has_ended = False
        self._error: Exception | None = None
        self._is_full = False
        self._most_buffered = _MOST_BUFFERED
        self._waiter: Waiter | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if len(self._received) > self._most_buffered:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self._has_ended = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._has_ended = True
        self._error = exc
        self._wake()

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None:
            self._waiter.wake()

    async def _changed(self, timeout: float | None) -> bool:
        """Wait for one of asyncio's calls; return whether it came in time."""
        self._waiter = Waiter()
        return await self._waiter.wait(None, timeout)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while not self._received and not self._has_ended:
            if not await self._changed(timeout):
                raise httpcore.ReadTimeout
        if not self._received and self._error is not None:
            raise httpcore.ReadError(str(self._error)) from self._error
        data = bytes(self._received[:max_bytes])
        del self._received[:max_bytes]
        if not self._has_ended:
            self._transport.resume_reading()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._transport.is_closing():
            raise httpcore.WriteError(str(self._error or "the connection is closed"))
        if buffer:
            self._transport.write(buffer)
        while self._is_full and not self._transport.is_closing():
            if not await self._changed(timeout):
                raise httpcore.WriteTimeout

    async def aclose(self) -> None:
        self._transport.abort()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        if not isinstance(loop, asyncio.BaseEventLoop):
            self._most_buffered = sys.maxsize  # uvloop forgets what it holds back when the service then disconnects
        try:
            async with asyncio.timeout(timeout):
                transport = await loop.start_tls(self._transport, self, ssl_context, server_hostname=server_hostname)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        if transport is None:
            raise httpcore.ConnectError("the connection was closed during the TLS handshake")
        self._transport = transport
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            has_ended = self._has_ended or self._transport.is_closing()
            return bool(self._received) or has_ended or _is_readable(self._transport.get_extra_info("socket"))
        names = {"client_addr": "sockname", "server_addr": "peername"}
        return self._transport.get_extra_info(names.get(info, info))


def _is_readable(sock: Any) -> bool:
    """Whether the system has received something that the loop has not yet seen, such as the end."""
    if not hasattr(select, "poll"):
        return bool(select.select([sock], [], [], 0)[0])
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
