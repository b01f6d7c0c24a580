"""A process that gives written answers, so cheaply that with many calls in flight it waits for the client."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from codegen_api import operations

from benchmarks.decoding import page

ORG_ID, RUN_ID = 323, 99
RUN_PATH = operations.GET_AGENT_RUN.path.format(org_id=ORG_ID, agent_run_id=RUN_ID)
RUNS_PATH = operations.LIST_AGENT_RUNS.path.format(org_id=ORG_ID)
USER_PATH = operations.GET_CURRENT_USER.path
USER = {"id": 1, "email": "octocat@example.com", "github_user_id": "1", "github_username": "octocat"}


class _Connection(asyncio.Protocol):
    """Answers requests without a body, one after the other, each after `seconds`."""

    def __init__(self, answers: Mapping[bytes, bytes], seconds: float) -> None:
        self._answers = answers
        self._seconds = seconds
        self._transport: asyncio.Transport
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].partition(b"?")[0]
            if self._seconds:
                asyncio.get_running_loop().call_later(self._seconds, self._transport.write, self._answers[path])
            else:
                self._transport.write(self._answers[path])


def _answer(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: measured\r\n"
    return b"%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body)


async def _serve(seconds: float) -> None:
    runs = page()
    run = json.dumps(json.loads(runs)["items"][RUN_ID]).encode()
    bodies = {RUN_PATH: run, RUNS_PATH: runs, USER_PATH: json.dumps(USER).encode()}
    answers = {path.encode(): _answer(body) for path, body in bodies.items()}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(answers, seconds), "127.0.0.1", 0, backlog=500)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


@contextmanager
def service(seconds: float = 0) -> Iterator[str]:
    """Run a service with a run, a page of 100 runs and a user, which answers after `seconds`; return its address."""
    command = [sys.executable, "-m", "benchmarks.service", str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
