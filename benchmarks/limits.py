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
from codegen_api.operations import OPERATIONS

from benchmarks.measure import compare, row, wide_limits
from benchmarks.service import USER_PATH, service
from codegen_ext._request import Call, Deadline
from codegen_ext._sync.rate_limiter import RateLimiter
from codegen_ext.clock import SYSTEM_CLOCK
from codegen_ext.config import ClientConfig
from codegen_ext.rate_limits.window import SECOND
from codegen_ext.redact import Redactor


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


def report() -> Iterator[str]:
    """Yield the lines of the report."""
    with (
        service() as base_url,
        wide_limits(),
        tempfile.TemporaryDirectory() as directory,
        redis_process() as redis,
    ):
        stores = {"in memory": (None, 0.01), "SQLite": (f"sqlite:///{directory}/limits.db", 0.2), "Redis": (redis, 0.2)}
        for name, (address, most) in stores.items():
            if address is not None or name == "in memory":
                yield row(f"rate limit {name} / httpx", *_cost(address, base_url + USER_PATH), most)


def _cost(address: str | None, url: str) -> tuple[float, float, float]:
    limiter = RateLimiter(ClientConfig(api_token="benchmark", base_url=url, shared_state=address), SYSTEM_CLOCK)
    call = Call(OPERATIONS["get_current_user"], "get_current_user", Deadline(SYSTEM_CLOCK, None), 0, Redactor("x" * 8))

    def go() -> None:
        slot = limiter.acquire(call) if limiter.is_shared else limiter.try_acquire(call) or limiter.acquire(call)
        limiter.sent(slot, slot.time / SECOND)  # at once, which a window so short would not believe

    with httpx.Client(headers={"Authorization": "Bearer benchmark"}) as bare:
        try:
            return compare(lambda: bare.get(url), go)
        finally:
            limiter.close()
