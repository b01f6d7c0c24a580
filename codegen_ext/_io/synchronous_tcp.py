"""TCP and TLS connections of sockets for httpcore; `asynchronous_tcp` has the same name for event loops."""

from __future__ import annotations

import socket
from contextlib import suppress

import httpcore

MOST_WRITTEN = 65_536
"""Bytes that one time-out is for: it begins again whenever the socket has taken some, and so would never end."""
connect_tcp = httpcore.SyncBackend().connect_tcp


def end(stream: httpcore.NetworkStream) -> None:
    """Wake the threads that wait for a connection, which does not happen when it is closed."""
    with suppress(OSError):  # by the plain socket's method, since SSLSocket's drops the TLS under those threads
        socket.socket.shutdown(stream.get_extra_info("socket"), socket.SHUT_RDWR)
