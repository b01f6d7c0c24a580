"""Runs as Celery tasks: real workers on a real Redis, which share limits and pages, and die."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from celery.result import AsyncResult

from codegen_ext.testing import Fault, Sandbox
from codegen_ext.testing.sandbox.wire import Delay

from ..conftest import TOKEN
from ..docs.pages import ROOT
from ..support.celery_app import build
from ..support.redis_server import RedisServer
from ..support.waiting import until

PATIENCE = 90
VISIBILITY = 7


class Fleet:
    """Workers on one queue; what is left of them ends with the test."""

    def __init__(self, redis: RedisServer, sandbox: Sandbox, directory: Path, stack: ExitStack) -> None:
        self.settings = {
            "redis": redis.address,
            "visibility": VISIBILITY,
            "client": {
                "api_token": TOKEN,
                "base_url": sandbox.base_url,
                "rate_limits": False,
                "total_timeout": 3,
                "create_settle_seconds": 0.5,
                "log_level": "WARNING",
            },
        }
        self._directory = directory
        self._stack = stack
        self.workers: list[subprocess.Popen[bytes]] = []
        self.app, self.tasks = build(self.settings)
        stack.callback(self._close)

    def _close(self) -> None:
        self.app.backend.client.close()
        self.app.close()

    def start(self, count: int, pool: str = "threads", concurrency: int = 2) -> None:
        for _ in range(count):
            command = [sys.executable, "-m", "celery", "-A", "tests.support.celery_app:app", "worker"]
            options = ["--pool", pool, "--concurrency", str(concurrency), "--loglevel", "INFO"]
            quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "-n", f"w{len(self.workers)}@test"]
            log = self._stack.enter_context((self._directory / f"worker{len(self.workers)}.log").open("wb"))
            worker = subprocess.Popen(
                [*command, *options, *quiet],
                cwd=ROOT,
                env={**os.environ, "CODEGEN_TEST_CELERY": json.dumps(self.settings)},
                stdout=log,
                stderr=log,
            )
            self.workers.append(worker)
            self._stack.callback(worker.wait)
            self._stack.callback(worker.kill)
        for number in range(len(self.workers)):
            until(lambda number=number: " ready." in self.log(number), PATIENCE)

    def log(self, number: int) -> str:
        return (self._directory / f"worker{number}.log").read_text()

    def results(self, sent: list[AsyncResult]) -> list[Any]:
        until(lambda: all(result.ready() for result in sent), PATIENCE)
        return [result.get() for result in sent]


@pytest.fixture
def real_sandbox() -> Iterator[Sandbox]:
    """A sandbox whose runs take 1 s of real time, since other processes wait for them."""
    with Sandbox(rate_limits=False, run_seconds=1, token=TOKEN) as running:
        yield running


@pytest.fixture
def fleet(redis_server: RedisServer, real_sandbox: Sandbox, tmp_path: Path) -> Iterator[Fleet]:
    with ExitStack() as stack:
        yield Fleet(redis_server, real_sandbox, tmp_path, stack)


def answered_late(seconds: float) -> Fault:
    """Let the service do what it was asked, and answer later."""

    def apply(flow: Any) -> Iterator[Any]:
        effects = list(flow())
        yield Delay(seconds)
        yield from effects

    return Fault(apply)


def test_a_killed_worker_s_tasks_create_each_run_once(fleet: Fleet, real_sandbox: Sandbox) -> None:
    real_sandbox.inject("create_agent_run", answered_late(0.3))
    fleet.start(2)
    sent = [fleet.tasks.create.delay(323, {"prompt": f"job {number}"}) for number in range(20)]
    until(lambda: len(real_sandbox.runs) >= 6, PATIENCE)
    fleet.workers[0].kill()
    runs = fleet.results(sent)
    assert len(real_sandbox.runs) == 20
    assert len({run["id"] for run in runs}) == 20
    prompts = {run.id: run.prompt for run in real_sandbox.runs}
    assert [prompts[run["id"]] for run in runs] == [f"job {number}" for number in range(20)]
