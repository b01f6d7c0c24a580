"""What it costs to keep a request within its limits, beside the same request with bare httpx."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from codegen_api.operations import GET_CURRENT_USER, OPERATIONS, RateLimit
from codegen_ext.limits.opening import open_store
from codegen_ext.transport.extensions import OPERATION
from codegen_ext.transport.limits import RateLimitTransport

from benchmarks.measure import compare, row
from codegen_ext.clock import SYSTEM_CLOCK

WIDE = RateLimit(100_000, 0.1, "standard")
"""So wide that nobody waits; what went is forgotten after as many requests as real windows hold."""


@contextmanager
def wide_limits() -> Iterator[None]:
    """Let the limits of the contract count without ever making anybody wait."""
    before = dict(OPERATIONS)
    OPERATIONS.update({name: operation._replace(rate_limit=WIDE) for name, operation in before.items()})
    try:
        yield
    finally:
        OPERATIONS.update(before)


@contextmanager
def redis_process() -> Iterator[str | None]:
    """Run a Redis; None where there is none."""
    if not shutil.which("redis-server"):
        yield None
        return
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 10
            while socket.socket().connect_ex(("127.0.0.1", port)) and time.monotonic() < deadline:
                time.sleep(0.01)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()


def report(url: str, headers: dict[str, str]) -> Iterator[str]:
    """Yield the lines of the report; `url` is one that answers these headers."""
    with wide_limits(), tempfile.TemporaryDirectory() as directory, redis_process() as redis:
        places = {"in memory": None, "SQLite": f"sqlite:///{directory}/limits.db", "Redis": redis}
        for name, address in places.items():
            if address is not None or name == "in memory":
                yield row(f"rate limit {name} / httpx", *_cost(address, url, headers), None)


class _Nothing(httpx.BaseTransport):
    response = httpx.Response(200)

    def handle_request(self, _: httpx.Request) -> httpx.Response:
        return self.response


def _cost(address: str | None, url: str, headers: dict[str, str]) -> tuple[float, float, float]:
    request = httpx.Request("GET", url, extensions={OPERATION: GET_CURRENT_USER.id})
    limiter = RateLimitTransport(_Nothing(), open_store(address, SYSTEM_CLOCK), credential="benchmark")
    with httpx.Client(headers=headers) as bare, limiter:
        return compare(lambda: bare.get(url), lambda: limiter.handle_request(request))
