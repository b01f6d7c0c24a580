"""A proxy between client and service that disturbs requests by a seeded plan."""

import random
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

DISTURBANCES = (
    *("reset before", "reset after", "stall before", "stall after", "truncate", "corrupt"),
    *("429", "503 before", "500 after", "502 after"),
)
_OF_ONE_CONNECTION = ("content-length", "transfer-encoding", "connection", "keep-alive")


class FaultProxy:
    """Passes requests on; a share `rate` of them meets a disturbance.

    "before" means that the service never sees the request, "after" that it has processed it. A stalled answer is held
    for `stall` seconds.
    """

    def __init__(self, target: str, *, rate: float, seed: int, stall: float) -> None:
        self.open_connections = 0
        self.base_url = ""
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._rate, self._stall = rate, stall
        self._service = httpx.Client(base_url=target, timeout=30, trust_env=False)

    def _draw(self) -> str:
        with self._lock:
            return self._random.choice(DISTURBANCES) if self._random.random() < self._rate else ""

    @contextmanager
    def running(self) -> Iterator["FaultProxy"]:
        """Serve from threads of its own."""
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle(self) -> None:
                with proxy._lock:
                    proxy.open_connections += 1
                with suppress(OSError):
                    super().handle()
                with proxy._lock:
                    proxy.open_connections -= 1

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                kind = proxy._draw()
                if kind == "reset before":
                    return self._reset()
                if kind == "stall before":
                    return self._stop_after_stall()
                if kind in ("429", "503 before"):
                    return self._refuse(int(kind[:3]))
                passed = [pair for pair in self.headers.items() if pair[0].lower() not in _OF_ONE_CONNECTION]
                response = proxy._service.request(self.command, self.path, headers=passed, content=body)
                if kind == "reset after":
                    return self._reset()
                if kind == "stall after":
                    return self._stop_after_stall()
                if kind in ("500 after", "502 after"):
                    return self._refuse(int(kind[:3]))
                headers = [pair for pair in response.headers.multi_items() if pair[0] not in _OF_ONE_CONNECTION]
                return self._answer(response.status_code, headers, response.content, kind)

            do_POST = do_GET  # noqa: N815 - http.server's name

            def _refuse(self, status: int) -> None:
                headers = [("content-type", "application/json"), ("retry-after", "0")]
                self._answer(status, headers[: 2 if status == 429 else 1], b'{"message": "disturbed"}')

            def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes, kind: str = "") -> None:
                half = len(body) // 2
                sent = {"corrupt": body[:half] + b"\x00\xff}" + body[half + 3 :], "truncate": body[:half]}
                self.send_response_only(status)
                for name, value in (*headers, ("content-length", str(len(body)))):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(sent.get(kind, body))
                self.close_connection = kind == "truncate"

            def _stop_after_stall(self) -> None:
                proxy._over.wait(proxy._stall)
                self.close_connection = True

            def _reset(self) -> None:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                socket.close(self.connection.detach())
                self.close_connection = True

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 1024
            daemon_threads = True

        server = Server(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True)
        thread.start()
        with server, self._service:
            try:
                yield self
            finally:
                self._over.set()
                server.shutdown()
                thread.join()
