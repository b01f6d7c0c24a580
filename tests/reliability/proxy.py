"""A TCP proxy between client and service that disturbs requests by a seeded plan."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import h11

DISTURBANCES = (
    "reset before",
    "reset after",
    "stall before",
    "stall after",
    "truncate",
    "corrupt",
    "429",
    "503 before",
    "500 after",
    "502 after",
)
_RESET = struct.pack("ii", 1, 0)


class FaultProxy:
    """Passes requests on; a share of them meets one of `kinds`.

    `stall` is how long a stalled answer is held, in seconds.

    "before" means that the service never sees the request, "after" that it has processed it.
    """

    def __init__(
        self,
        target: str,
        *,
        rate: float,
        seed: int = 0,
        kinds: tuple[str, ...] = DISTURBANCES,
        stall: float = 1.0,
        retry_after: str | None = "0",
    ) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._random = random.Random(seed)
        self._rate, self._kinds, self._stall, self._retry_after = rate, kinds, stall, retry_after
        self.seen = Counter[str]()
        self.open_connections = 0
        self._tasks = set[asyncio.Task[None] | None]()
        self.base_url = ""

    @contextmanager
    def running(self) -> Iterator[FaultProxy]:
        """Serve from a thread of its own."""
        loop = asyncio.new_event_loop()
        server = loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024))
        self.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        thread = threading.Thread(target=loop.run_forever, name="fault-proxy", daemon=True)
        thread.start()
        try:
            yield self
        finally:

            async def stop() -> None:
                server.close()
                # A connection that was just accepted starts its task only some turns of the loop later.
                quiet = 0
                while quiet < 5:
                    tasks = asyncio.all_tasks() - {asyncio.current_task()}
                    quiet = 0 if tasks else quiet + 1
                    for task in tasks:
                        task.cancel()
                    await asyncio.gather(*tasks, return_exceptions=True)
                    await asyncio.sleep(0.01)

            asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def _draw(self) -> str:
        kind = self._random.choice(self._kinds) if self._random.random() < self._rate else "pass"
        self.seen[kind] += 1
        return kind

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open_connections += 1
        # asyncio holds a task weakly, and the connection that holds it is let go when the client hangs up early.
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            await self._requests(reader, writer)
        except (OSError, h11.RemoteProtocolError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            self.open_connections -= 1
            # Without waiting: at the end of a test the loop stops, and this task with it.
            writer.close()

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        while True:
            received = await _request(connection, reader)
            if received is None:
                return None
            kind = self._draw()
            if kind == "reset before":
                return _reset(writer)
            if kind == "stall before":
                await asyncio.sleep(self._stall)
                return None
            if kind in ("429", "503 before"):
                response = self._own(int(kind[:3]))
            else:
                response = await self._forward(*received)
                if kind == "reset after":
                    return _reset(writer)
                if kind == "stall after":
                    await asyncio.sleep(self._stall)
                    return None
                if kind.endswith("after"):
                    response = self._own(int(kind[:3]))
            head, body = response
            if kind == "corrupt":
                middle = len(body) // 2
                body = body[:middle] + b"\x00\xff}" + body[middle + 3 :]
            headers = [(name, value) for name, value in head.headers if name not in _HOP]
            headers.append((b"content-length", str(len(body)).encode()))
            data = connection.send(h11.Response(status_code=head.status_code, headers=headers)) or b""
            if kind == "truncate":
                writer.write(data + body[: len(body) // 2])
                await writer.drain()
                return None
            data += connection.send(h11.Data(data=body)) or b""
            data += connection.send(h11.EndOfMessage()) or b""
            writer.write(data)
            await writer.drain()
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return None
            connection.start_next_cycle()

    def _own(self, status: int) -> tuple[h11.Response, bytes]:
        headers = [(b"content-type", b"application/json")]
        if status == 429 and self._retry_after is not None:
            headers.append((b"retry-after", self._retry_after.encode()))
        body = b'{"message": "disturbed", "status_code": %d}' % status
        return h11.Response(status_code=status, headers=headers), body

    async def _forward(self, request: h11.Request, body: bytes) -> tuple[h11.Response, bytes]:
        reader, writer = await asyncio.open_connection(*self._target)
        try:
            connection = h11.Connection(h11.CLIENT)
            headers = [(name, value) for name, value in request.headers if name not in _HOP]
            headers += [(b"connection", b"close"), (b"content-length", str(len(body)).encode())]
            message = h11.Request(method=request.method, target=request.target, headers=headers)
            data = (connection.send(message) or b"") + (connection.send(h11.Data(data=body)) or b"")
            writer.write(data + (connection.send(h11.EndOfMessage()) or b""))
            head: h11.Response | None = None
            content = b""
            while True:
                event = connection.next_event()
                if event is h11.NEED_DATA:
                    connection.receive_data(await reader.read(65536))
                elif isinstance(event, h11.Response):
                    head = event
                elif isinstance(event, h11.Data):
                    content += bytes(event.data)
                else:
                    assert head is not None
                    return head, content
        finally:
            writer.close()


_HOP = (b"content-length", b"transfer-encoding", b"connection", b"keep-alive")


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


async def _request(connection: h11.Connection, reader: asyncio.StreamReader) -> tuple[h11.Request, bytes] | None:
    request: h11.Request | None = None
    body = b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            assert request is not None
            return request, body
        else:
            return None
