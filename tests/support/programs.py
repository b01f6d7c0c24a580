"""Programs that some tests need: the Codex CLI, which `make codex` installs outside the tree, and a Redis."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest
from redis import Redis
from redis.exceptions import ConnectionError

from codegen_ext.storage import RedisClient

from .waiting import until


def find_codex() -> str | None:
    """Return the CLI: CODEGEN_TEST_CODEX, then `make codex`'s, then the one on PATH."""
    named = os.environ.get("CODEGEN_TEST_CODEX")
    cached = sorted((Path.home() / ".cache" / "codegen-sdk").glob("codex-*/node_modules/.bin/codex"))
    return next(
        (path for path in (named, *map(str, cached[-1:]), shutil.which("codex")) if path and Path(path).exists()), None
    )


def _require(program: str | None, target: str) -> str:
    """Return a program; skip without it, but fail where all tests are wanted."""
    if program is None:
        (pytest.fail if "CODEGEN_TEST_ALL" in os.environ else pytest.skip)(f"a program is missing: make {target}")
    return program


def require_codex() -> str:
    return _require(find_codex(), "codex")


def free_port() -> int:
    """Return a port on which nobody listens, of those that the system gives to no other socket meanwhile."""
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


class RedisServer:
    """A Redis on a free loopback port, which can be killed, paused and started again; it keeps nothing on disk."""

    def __init__(self, directory: Path) -> None:
        self._program = _require(shutil.which("redis-server"), "redis-server")
        self._directory = directory
        self.port = free_port()
        self.address = f"redis://127.0.0.1:{self.port}/0"
        self.client = Redis(port=self.port, decode_responses=True)
        self._process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.kill()

    def start(self, *options: str) -> None:
        where = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self._directory)]
        command = [self._program, *where, "--save", "", "--appendonly", "no", *options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until(self._answers)

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except ConnectionError:
            return False

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self.client.close()

    def pause(self, client: RedisClient | None = None) -> None:
        """Let it take requests and give no answers, for which the open connections of a client wait 0.1 s."""
        for connection in client._idle if client else ():
            connection._sock.settimeout(0.1)
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)
