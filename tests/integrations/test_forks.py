"""A client that was built and used before a fork serves gunicorn's and Celery's children: right answers, no hang."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from codegen_ext.testing import Sandbox

from ..conftest import TOKEN
from ..docs.pages import ROOT
from ..support.redis_server import RedisServer, free_port
from ..support.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture
def real_sandbox() -> Iterator[Sandbox]:
    """A sandbox with runs 1 to 40 on real time."""
    with Sandbox(rate_limits=False, run_seconds=1000, token=TOKEN) as running:
        with httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}) as http:
            for number in range(40):
                url = f"{running.base_url}/v1/organizations/323/agent/run"
                assert http.post(url, json={"prompt": f"job {number}"}).is_success
        yield running


@pytest.fixture
def start(real_sandbox: Sandbox, tmp_path: Path) -> Iterator[Callable[..., Callable[[], str]]]:
    """Start a program in a process group of its own that ends with the test; returns what reads its log."""
    settings = {"CODEGEN_API_TOKEN": TOKEN, "CODEGEN_BASE_URL": real_sandbox.base_url}
    started: list[subprocess.Popen[bytes]] = []

    def run(module: str, *arguments: str, **environment: str) -> Callable[[], str]:
        path = tmp_path / f"{module}.log"
        with path.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                env={**os.environ, **settings, **environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        started.append(process)
        return path.read_text

    yield run
    for process in started:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("state", ["memory", "redis", "sqlite"])
def test_gunicorn_with_preload(
    start: Callable[..., Callable[[], str]], state: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    shared = {"memory": "", "sqlite": f"sqlite:///{tmp_path / 'state.db'}"}.get(state)
    if shared is None:
        shared = request.getfixturevalue("redis_server").address
    port = free_port()
    options = ["--preload", "--workers", "3", "--threads", "4", "--worker-class", "gthread", "--timeout", "30"]
    environment = {"CODEGEN_SHARED_STATE": shared} if shared else {}
    log = start("gunicorn", *options, "-b", f"127.0.0.1:{port}", "tests.support.preloaded:app", **environment)
    until(lambda: log().count("Booting worker") >= 3, 60)

    def ask(number: int) -> dict[str, int]:
        answer: dict[str, int] = httpx.get(f"http://127.0.0.1:{port}/{number}", timeout=30).json()
        return answer

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(1, 41)))
    assert [answer["id"] for answer in answers] == list(range(1, 41))
    assert len({answer["pid"] for answer in answers}) > 1, "several workers answered"
    assert "WORKER TIMEOUT" not in log()


def test_a_forking_celery_worker(start: Callable[..., Callable[[], str]], redis_server: RedisServer) -> None:
    os.environ["CODEGEN_TEST_BROKER"] = redis_server.address
    try:
        from ..support.preloaded_celery import app, read
    finally:
        broker = os.environ.pop("CODEGEN_TEST_BROKER")
    options = ["worker", "--pool", "prefork", "--concurrency", "3", "--loglevel", "INFO", "--without-heartbeat"]
    log = start(
        "celery", "-A", "tests.support.preloaded_celery:app", *options, "--without-gossip", CODEGEN_TEST_BROKER=broker
    )
    until(lambda: " ready." in log(), 90)
    sent = {number: read.delay(number) for number in range(1, 41)}
    until(lambda: all(result.ready() for result in sent.values()), 60)
    answers: dict[int, Any] = {number: result.get() for number, result in sent.items()}
    assert {number: answer["id"] for number, answer in answers.items()} == {number: number for number in sent}
    assert len({answer["pid"] for answer in answers.values()}) > 1, json.dumps(answers)
    app.backend.client.close()
    app.close()
