"""The sandbox over HTTP: the standard library's threading server, with a thread for each connection."""

import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any

from codegen_ext.clock import Clock

from .handler import Handler
from .messages import MAX_BODY_BYTES, Effect, Head, Request

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # linger for 0 s
_WITHOUT_BODY = (204, 304)


class _Connection(BaseHTTPRequestHandler):
    """One connection and its requests."""

    server: "HttpServer"
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one packet

    def handle_one_request(self) -> None:
        """Read one request and answer it."""
        self.close_connection = True
        try:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                return
            length = self.headers.get("content-length", "0")
            if "transfer-encoding" in self.headers or not (length.isascii() and length.isdigit()):
                self.close_connection = True
                self.send_error(411)
                return
            self._unread = int(length)
            # Unlike `self.path`, the request line has the target as it was sent.
            path, _, query = self.requestline.split()[1].partition("?")
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, path, query, headers, self._unread, self._read_body)
            self._send(self.server.handler.handle(request))
            self.wfile.flush()
            self._skip_body()
        except OSError:  # the client has left, or the server stops
            self.close_connection = True

    def finish(self) -> None:
        """Close the files of the connection, whose client may have left."""
        with suppress(OSError):
            super().finish()
        self.rfile.close()

    def log_message(self, *_arguments: Any) -> None:
        """Log nothing; the sandbox has its own list of requests."""

    def _read_body(self) -> bytes:
        self.wfile.flush()  # the client may wait for "100 Continue", which `parse_request` has written
        body = self.rfile.read(self._unread)
        if len(body) < self._unread:
            raise ConnectionError("the client has left")
        self._unread = 0
        return body

    def _skip_body(self) -> None:
        """Read what the answer did not need: an unread body would reset the connection, and the answer with it."""
        left = min(self._unread, MAX_BODY_BYTES)
        self.close_connection |= self._unread > left
        self._unread = 0
        while left and (part := self.rfile.read(min(left, 2**16))):
            left -= len(part)

    def _send(self, effects: Iterator[Effect]) -> None:
        is_begun = is_chunked = has_body = False
        for effect in effects:
            match effect:
                case float():
                    self.wfile.flush()
                    self.server.sleep(effect)
                case Head(status, headers):
                    is_begun = True
                    has_body = self.command != "HEAD" and status not in _WITHOUT_BODY
                    is_chunked = has_body and "content-length" not in headers
                    self.send_response_only(status)
                    for header in headers.items():
                        self.send_header(*header)
                    if is_chunked:
                        self.send_header("transfer-encoding", "chunked")
                    self.end_headers()
                case bytes():
                    if has_body and effect:
                        self.wfile.write(b"%x\r\n%b\r\n" % (len(effect), effect) if is_chunked else effect)
                case _:
                    # The connection ends with a TCP reset where nothing has been sent, or in order after that.
                    self.close_connection = True
                    if not is_begun:
                        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                    return
        if is_chunked:
            self.wfile.write(b"0\r\n\r\n")


class HttpServer(ThreadingMixIn, TCPServer):
    """A sandbox that listens on a port."""

    allow_reuse_address = os.name == "posix"
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, handler: Handler, clock: Clock, host: str, port: int) -> None:
        """Start to listen; raise OSError when the port is taken."""
        is_ipv6 = ":" in host
        self.address_family = socket.AF_INET6 if is_ipv6 else socket.AF_INET
        self.handler = handler
        self._clock = clock
        self._connections: set[Any] = set()
        self._changed = threading.Condition()
        self._is_stopped = False
        super().__init__((host, port), _Connection)
        self.base_url = f"http://{f'[{host}]' if is_ipv6 else host}:{self.server_address[1]}"
        self._thread = threading.Thread(target=self._accept, name="codegen-sandbox", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the port and all connections."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        # The thread waits for a connection.
        with suppress(OSError):
            socket.create_connection(self.server_address[:2], timeout=1).close()  # type: ignore[arg-type]
        self._thread.join()

    def sleep(self, seconds: float) -> None:
        """Let time pass; raise ConnectionError when the server stops."""
        with self._changed:
            if not self._is_stopped:
                self._clock.wait(self._changed, min(seconds, threading.TIMEOUT_MAX))
            if self._is_stopped:
                raise ConnectionError("the server has stopped")

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, and serve it in a thread."""
        with self._changed:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection; without the shutdown of the base class, so that it can be reset."""
        with self._changed:
            self._connections.discard(request)
        self.close_request(request)

    def _accept(self) -> None:
        while not self._is_stopped:
            with suppress(OSError):
                self.process_request(*self.get_request())
        self.server_close()
