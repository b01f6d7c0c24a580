"""The sandbox over real HTTP: Starlette on uvicorn, in a thread of its own. Needs the extra `[sandbox]`."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HTTPRequest
from starlette.routing import Router
from starlette.types import Receive, Scope, Send
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from codegen_ext.clock import Clock

from .handler import Handler
from .wire import Chunk, Delay, Head, Request

_KEEP_ALIVE_SECONDS = 75
_LINGER_NOT = struct.pack("ii", 1, 0)  # on, for 0 seconds: closing sends RST and drops what is unsent


class _Connections:
    """The open connections by the client's address, for the app to break: ASGI has no word for that."""

    def __init__(self) -> None:
        self._transports: dict[Any, asyncio.Transport] = {}

    def protocol(self) -> type[asyncio.Protocol]:
        """Return uvicorn's protocol, which enters its connections here."""
        transports = self._transports

        class Protocol(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                # asyncio does so only for sockets that it made itself; without it each answer takes 40 ms.
                transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                transports[self.client] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                transports.pop(self.client, None)
                super().connection_lost(exc)

        return Protocol

    def abort(self) -> None:
        """Break all connections."""
        for transport in list(self._transports.values()):
            transport.abort()

    async def cut(self, client: Any, receive: Receive, *, reset: bool) -> None:
        """Break the connection of a client: with a TCP reset, or in order after what was sent."""
        transport = self._transports.get(client)
        if transport is not None and reset:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
            transport.abort()
        elif transport is not None:
            transport.close()
        # Until uvicorn knows, it takes the silence of the app for a bug.
        while (await receive())["type"] != "http.disconnect":
            pass


class _App:
    """The ASGI application."""

    def __init__(self, handler: Handler, clock: Clock, connections: _Connections) -> None:
        self._handler = handler
        self._clock = clock
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        incoming = HTTPRequest(scope, receive)
        try:
            body = await incoming.body()
        except ClientDisconnect:
            return
        headers = {name.lower(): value for name, value in incoming.headers.items()}
        path, query = scope["raw_path"].decode("ascii"), scope["query_string"].decode("ascii")
        request = Request(incoming.method, path, query, headers, body)
        with suppress(asyncio.CancelledError):
            await self._perform(request, scope, receive, send)

    async def _perform(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        started = False
        for effect in self._handler.handle(request):
            match effect:
                case Delay(seconds):
                    await self._clock.sleep_async(seconds)
                case Head(status, head):
                    started = True
                    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in head.items()]
                    await send({"type": "http.response.start", "status": status, "headers": raw})
                case Chunk(data):
                    await send({"type": "http.response.body", "body": data, "more_body": True})
                case _:
                    await self._connections.cut(scope["client"], receive, reset=not started)
                    return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Server(Server):
    """Says when it is ready."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


class HttpServer:
    """A sandbox that listens on a port."""

    def __init__(self, handler: Handler, clock: Clock, host: str, port: int) -> None:
        """Start to listen; raise OSError when the port is taken."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=1024)
        name = f"[{host}]" if family == socket.AF_INET6 else host
        self.base_url = f"http://{name}:{self._socket.getsockname()[1]}"
        self._connections = _Connections()
        config = Config(
            Router(default=_App(handler, clock, self._connections), redirect_slashes=False),
            http=self._connections.protocol(),
            ws="none",
            lifespan="off",
            log_config=None,
            server_header=False,
            # The sandbox dates its answers itself, by its own clock.
            date_header=False,
            # It would take the client's address from a header, and connections are found by it.
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        )
        self._server = _Server(config)
        self._cancel: Callable[[], object] = lambda: None
        self._thread = threading.Thread(target=self._run, name="codegen-sandbox", daemon=True)
        self._thread.start()
        self._server.ready.wait()

    def stop(self) -> None:
        """Close the port and all connections, and wait for the thread to end."""
        self._cancel()
        self._thread.join()

    def _run(self) -> None:
        with suppress(asyncio.CancelledError):
            asyncio.run(self._serve())

    async def _serve(self) -> None:
        task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        self._cancel = partial(task.get_loop().call_soon_threadsafe, task.cancel)
        try:
            await task
        finally:
            # Cancelling the server spares its own end, which takes 0.2 s and waits for clients.
            for server in self._server.servers:
                server.close()
            self._connections.abort()
            self._server.ready.set()
