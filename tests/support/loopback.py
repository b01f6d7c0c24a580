"""A server on loopback that gives the answers a test wrote down, byte for byte, and keeps what it was asked."""

import json
import select
import socket
import ssl
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

CERTIFICATE = str(Path(__file__).with_name("localhost.pem"))
"""A certificate of localhost for a hundred years, signed by itself, and its key, which protects nothing."""
HANG = b"\0hang"
"""An answer that never comes; behind bytes, the rest of it."""
DRIP = b"\0drip"
"""Behind bytes: then a space every 50 ms, until the server ends."""
CLOSE = b"\0close"
"""The connection is closed instead of an answer."""
HOLD = b"\0hold"
"""Behind an answer: it waits for the server's `gate`."""
RESET = b"\0reset"
"""The connection is reset instead of an answer."""


def reply(
    body: Any = b"",
    status: int | str = 200,
    headers: Mapping[str, str] | None = None,
    *,
    content_type: str | None = "application/json",
    length: int | None = None,
) -> bytes:
    """Return a whole response; a body that is not bytes is sent as JSON, and `length` may lie about its size."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = {} if content_type is None else {"content-type": content_type}
    fields = {**kind, "content-length": str(len(content) if length is None else length), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} \r\n{head}\r\n".encode() + content


@dataclass(frozen=True)
class Received:
    """One request; names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    port: int = 0
    """The client's port, which tells connections apart."""

    def json(self) -> Any:
        """Return the decoded body."""
        return json.loads(self.body)


class _Server(ThreadingHTTPServer):
    request_queue_size = 1_024


class Loopback:
    """Answers in the order given; the last answer repeats."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.requests: list[Received] = []
        self.connections = 0
        self.open = 0
        """How many of the connections have not ended."""
        self.gate = threading.Event()
        self.left = threading.Event()
        """Set when a client closes a connection on which an answer hangs."""
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True)
        self.base_url = f"http://127.0.0.1:{self._server.server_port}"

    def encrypt(self) -> Self:
        """Answer over TLS from now on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.base_url = self.base_url.replace("http:", "https:")
        return self

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self.gate.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, received: Received) -> bytes:
        with self._lock:
            self.requests.append(received)
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle(self) -> None:
                with loopback._lock:
                    loopback.connections += 1
                    loopback.open += 1
                with suppress(OSError):
                    super().handle()
                with loopback._lock:
                    loopback.open -= 1

            def serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = loopback._answer(Received(self.command, self.path, headers, body, self.client_address[1]))
                if answer.endswith(HOLD):
                    loopback.gate.wait()
                    answer = answer.removesuffix(HOLD)
                if answer in (CLOSE, RESET):
                    self.close_connection = True
                    if answer == RESET:
                        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        socket.close(self.connection.detach())
                    return
                self.wfile.write(answer.removesuffix(HANG).removesuffix(DRIP))
                while answer.endswith(DRIP) and not loopback._over.wait(0.05):
                    self.wfile.write(b" ")
                if answer.endswith(HANG):
                    while not loopback._over.is_set():
                        if select.select([self.connection], [], [], 0.02)[0] and not self.connection.recv(1):
                            loopback.left.set()
                            break
                    self.close_connection = True
                    return
                promised = answer.partition(b"content-length: ")[2].partition(b"\r\n")[0]
                self.close_connection = len(answer.partition(b"\r\n\r\n")[2]) != int(promised or -1)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_CONNECT = serve  # noqa: N815 - http.server's names

            def log_message(self, *args: object) -> None:
                pass

        return Handler
