"""A client that was built and used before a fork serves gunicorn's and Celery's children: right answers, no hang."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from codegen_ext.testing import Sandbox

from ..conftest import TOKEN
from ..support.calls import fill
from ..support.programs import free_port
from ..support.serving import ask
from ..support.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture
def settings():
    """The settings of clients of a sandbox that has runs 1 to 40."""
    with Sandbox(rate_limits=False, run_seconds=1000, token=TOKEN) as running:
        fill(running, 40)
        yield {"CODEGEN_API_TOKEN": TOKEN, "CODEGEN_BASE_URL": running.base_url}


@pytest.mark.parametrize("state", ["memory", "redis", "sqlite"])
def test_gunicorn_with_preload(start, settings, state, tmp_path, request):
    shared = {"memory": "", "sqlite": f"sqlite:///{tmp_path / 'state.db'}"}.get(state)
    if shared is None:
        shared = request.getfixturevalue("redis_server").address
    port = free_port()
    options = ["--preload", "--workers", "3", "--threads", "4", "--worker-class", "gthread", "--timeout", "30"]
    environment = {**settings, "CODEGEN_SHARED_STATE": shared} if shared else settings
    server = start("gunicorn", *options, "-b", f"127.0.0.1:{port}", "tests.integrations.preloaded:app", **environment)
    until(lambda: server.log().count("Booting worker") >= 3, 60)
    addresses = [f"http://127.0.0.1:{port}/{number}" for number in range(1, 41)]
    with ThreadPoolExecutor(8) as threads:
        answers = [answer.json() for answer in threads.map(partial(ask, "GET"), addresses)]
    assert [answer["id"] for answer in answers] == list(range(1, 41))
    assert len({answer["pid"] for answer in answers}) > 1, "several workers answered"
    assert "WORKER TIMEOUT" not in server.log()


def test_a_forking_celery_worker(start, settings, redis_server, monkeypatch):
    monkeypatch.setenv("CODEGEN_TEST_BROKER", redis_server.address)
    from .preloaded_celery import app, read

    options = ["worker", "--pool", "prefork", "--concurrency", "3", "--loglevel", "INFO", "--without-heartbeat"]
    worker = start("celery", "-A", "tests.integrations.preloaded_celery:app", *options, "--without-gossip", **settings)
    until(lambda: " ready." in worker.log(), 90)
    sent = [read.delay(number) for number in range(1, 41)]
    until(lambda: all(result.ready() for result in sent), 60)
    answers = [result.get() for result in sent]
    assert [answer["id"] for answer in answers] == list(range(1, 41))
    assert len({answer["pid"] for answer in answers}) > 1, answers
    app.backend.client.close()
    app.close()
