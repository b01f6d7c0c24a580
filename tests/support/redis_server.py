"""A Redis of the tests' own on a free loopback port, which can be killed, paused, and started again, empty."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import pytest
from redis import Redis
from redis.exceptions import ConnectionError


def require_redis() -> None:
    """Skip without redis-server, but fail where all tests are wanted."""
    if shutil.which("redis-server"):
        return
    if os.environ.get("CODEGEN_TEST_ALL"):
        pytest.fail("redis-server is missing: make redis-server")
    pytest.skip("redis-server is missing: make redis-server")


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


class RedisServer:
    """Keeps nothing on disk; after a kill it is empty."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.port = free_port()
        self.address = f"redis://127.0.0.1:{self.port}/0"
        self.client = Redis(port=self.port, decode_responses=True)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        require_redis()
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.kill()

    def start(self, *options: str) -> None:
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self._directory)]
        self._process = subprocess.Popen(
            [*command, "--save", "", "--appendonly", "no", *options], stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 10
        while True:
            try:
                self.client.ping()
                return
            except ConnectionError:
                assert time.monotonic() < deadline
                time.sleep(0.01)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self.client.close()

    def pause(self) -> None:
        """Let it take requests and give no answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
