"""What a request to the sandbox over HTTP costs beside the same handler as a Starlette application on uvicorn (h11).

Each server is a process of its own. `python -m benchmarks.sandbox serve` is the second one.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from codegen_api import operations

from benchmarks.measure import row

ROUNDS, REQUESTS, CONNECTIONS = 9, 400, 8
PROGRAM = ["codegen_ext.testing.sandbox", "--no-rate-limits", "--run-seconds", "0"]
READ = ("GET", operations.GET_CURRENT_USER.path, None)
CREATE = ("POST", operations.CREATE_AGENT_RUN.path.format(org_id=323), json.dumps({"prompt": "Hello [[logs=0]]"}))
Request = tuple[str, str, str | None]


class Server:
    """A server in a process of its own."""

    def __init__(self, *module: str) -> None:
        self.process = subprocess.Popen([sys.executable, "-m", *module], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        ready = json.loads(self.process.stdout.readline())
        self.address = urlsplit(ready["base_url"]).netloc
        self.headers = {"authorization": f"Bearer {ready['token']}", "content-type": "application/json"}

    def cpu(self) -> float:
        """Return the CPU seconds so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ask(self, request: Request, count: int) -> None:
        """Send a request `count` times over one connection."""
        method, path, body = request
        connection = HTTPConnection(self.address)
        for _ in range(count):
            connection.request(method, path, body, self.headers)
            response = connection.getresponse()
            response.read()
            assert response.status == 200
        connection.close()

    def measure(self, request: Request, connections: int) -> tuple[float, float]:
        """Return the seconds that pass and the CPU seconds of the server for one request."""
        cpu, start = self.cpu(), time.perf_counter()
        with ThreadPoolExecutor(connections) as pool:
            list(pool.map(lambda _: self.ask(request, REQUESTS // connections), range(connections)))
        return (time.perf_counter() - start) / REQUESTS, (self.cpu() - cpu) / REQUESTS


def report() -> Iterator[str]:
    """Yield the lines of the report: base is uvicorn."""
    with ExitStack() as stack:
        servers = [Server("benchmarks.sandbox", "serve"), Server(*PROGRAM)]
        for server in servers:
            stack.enter_context(server.process)
            stack.callback(server.process.terminate)
        for name, request, connections in (
            ("read", READ, 1),
            ("read", READ, CONNECTIONS),
            ("create", CREATE, 1),
            ("create", CREATE, CONNECTIONS),
        ):
            rounds = [[server.measure(request, connections) for server in servers] for _ in range(ROUNDS)]
            for unit, label in enumerate(("wall time", "CPU time of the server")):
                base, ours = ([pair[at][unit] for pair in rounds] for at in (0, 1))
                ratio = (
                    sum(ours) / sum(base) if unit else statistics.median(b / a for a, b in zip(base, ours, strict=True))
                )
                times = statistics.median(base), statistics.median(ours)
                yield row(f"sandbox, {name} × {connections}, {label}", *times, ratio, 1.0)


def serve() -> None:
    """Serve a sandbox as the first version of this package did."""
    import socket

    import uvicorn
    from starlette.requests import Request as Incoming
    from starlette.types import Receive, Scope, Send
    from uvicorn.protocols.http.h11_impl import H11Protocol

    from codegen_ext.testing import Sandbox
    from codegen_ext.testing.sandbox.messages import Head
    from codegen_ext.testing.sandbox.messages import Request as Received

    sandbox: Any = Sandbox(rate_limits=False, run_seconds=0)

    class Protocol(H11Protocol):
        """Answers at once, as the first version's did."""

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        incoming = Incoming(scope, receive)
        body = await incoming.body()
        headers = {name.lower(): value for name, value in incoming.headers.items()}
        path, query = scope["raw_path"].decode("ascii"), scope["query_string"].decode("ascii")
        received = Received(incoming.method, path, query, headers, len(body), lambda: body)
        for effect in sandbox._handler.handle(received):
            match effect:
                case Head(status, head):
                    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in head.items()]
                    await send({"type": "http.response.start", "status": status, "headers": raw})
                case bytes():
                    await send({"type": "http.response.body", "body": effect, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    listener = socket.create_server(("127.0.0.1", 0))
    print(json.dumps({"base_url": f"http://127.0.0.1:{listener.getsockname()[1]}", "token": sandbox.token}), flush=True)
    config = uvicorn.Config(
        app, http=Protocol, log_level="critical", access_log=False, lifespan="off", server_header=False
    )
    uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    else:
        print("\n".join(report()))
