"""Real workers: of Celery, which share limits and pages, and die; and forked ones, with a client from before."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from hashlib import sha256
from types import SimpleNamespace

import pytest
from celery import Celery

from codegen_ext import AmbiguousRequestError, ClientConfig, CodegenClient, ConfigurationError
from codegen_ext.integrations.celery_fleet import FRESH
from codegen_ext.rate_limits.redis import PREFIX
from codegen_ext.request_ids import made_at
from codegen_ext.testing import Fault, Sandbox

from ..conftest import TOKEN
from ..docs.pages import ROOT
from ..support.calls import attempts, fill
from ..support.programs import free_port
from ..support.serving import ask
from ..support.waiting import until
from .celery_app import build

pytestmark = pytest.mark.slow

PATIENCE = 90
VISIBILITY, TOTAL = 7, 3
CELERY = ("--loglevel", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat")


@pytest.fixture
def start(tmp_path):
    """Start modules as programs in process groups of their own; each ends with the test, and so do its children."""
    with ExitStack() as stack:

        def run(module, *arguments, **environment):
            path = tmp_path / f"{len(list(tmp_path.glob('*.log')))}.log"
            log = stack.enter_context(path.open("wb"))
            command = [sys.executable, "-m", module, *arguments]
            env = {**os.environ, **environment}
            process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True)
            stack.callback(process.wait)
            stack.callback(os.killpg, process.pid, signal.SIGKILL)
            return SimpleNamespace(process=process, log=path.read_text)

        yield run


class Fleet:
    """Workers on one queue."""

    def __init__(self, redis, sandbox, start):
        self.settings = {
            "redis": redis.address,
            "visibility": VISIBILITY,
            "client": {
                "api_token": TOKEN,
                "base_url": sandbox.base_url,
                "rate_limits": False,
                "total_timeout": TOTAL,
                "create_settle_seconds": 0.5,
                "log_level": "WARNING",
            },
        }
        self._start = start
        self.workers = []
        self.app, self.tasks = build(self.settings)

    def start(self, *pools, concurrency=2):
        """Start a worker for each pool; the first one is worker 0."""
        for number, pool in enumerate(pools):
            options = ["--pool", pool, "--concurrency", str(concurrency), "-n", f"w{number}@test", *CELERY]
            command = ("celery", "-A", "tests.integrations.celery_app:app", "worker", *options)
            self.workers.append(self._start(*command, CODEGEN_TEST_CELERY=json.dumps(self.settings)))
        for worker in self.workers:
            until(lambda worker=worker: " ready." in worker.log(), PATIENCE)

    def results(self, sent):
        until(lambda: all(result.ready() for result in sent), PATIENCE)
        return [result.get() for result in sent]


@pytest.fixture
def real_sandbox():
    """A sandbox whose runs take 1 s of real time, since other processes wait for them."""
    with Sandbox(rate_limits=False, run_seconds=1, token=TOKEN) as running:
        yield running


@pytest.fixture
def fleet(redis_server, real_sandbox, start):
    fleet = Fleet(redis_server, real_sandbox, start)
    yield fleet
    fleet.app.backend.client.close()
    fleet.app.close()


def request_id_of(sandbox, run_id):
    """Return the request id that a run carries."""
    (run,) = [run for run in sandbox.runs if run.id == run_id]
    return run.metadata["codegen_sdk"]["request_id"]


def is_stopped_in_doubt(fleet, number, sandbox):
    """Stop a worker; let it go on unless it has created a run and does not know it yet."""
    worker = fleet.workers[number]
    worker.process.send_signal(signal.SIGSTOP)
    received = set(re.findall(r"create_agent_run\[(\w+)\] received", worker.log()))
    busy = received - set(re.findall(r"create_agent_run\[(\w+)\] succeeded", worker.log()))
    # With all places taken it is not about to take a message from Redis either, which would be lost.
    if len(busy) == 1 and busy <= {request_id_of(sandbox, run.id) for run in sandbox.runs}:
        return True
    worker.process.send_signal(signal.SIGCONT)
    return False


def test_what_a_killed_worker_had_begun_happens_once(fleet, real_sandbox):
    fleet.start("threads", "threads")
    (first,) = fleet.results([fleet.tasks.create.delay(323, {"prompt": "first"})])
    real_sandbox.inject("resume_agent_run", Fault.latency(60))
    resumed = fleet.tasks.resume.delay(323, first["id"], "go on")
    until(lambda: attempts(real_sandbox, "resume_agent_run"), PATIENCE)
    busy = next(
        number for number in (0, 1) if f"resume_agent_run[{resumed.id}] received" in fleet.workers[number].log()
    )
    real_sandbox.inject("create_agent_run", Fault.latency(0.3, processed=True))
    sent = [fleet.tasks.create.delay(323, {"prompt": f"job {number}"}) for number in range(20)]
    until(lambda: is_stopped_in_doubt(fleet, busy, real_sandbox), PATIENCE)
    fleet.workers[busy].process.kill()
    runs = fleet.results(sent)
    assert len(real_sandbox.runs) == 21
    prompts = {run.id: run.prompt for run in real_sandbox.runs}
    assert [prompts[run["id"]] for run in runs] == [f"job {number}" for number in range(20)]
    until(resumed.ready, PATIENCE)
    with pytest.raises(AmbiguousRequestError, match=r"was not repeated|it is unknown"):
        resumed.get()
    assert attempts(real_sandbox, "resume_agent_run") == 1


def test_a_limit_sends_a_create_back_and_a_chain_creates_waits_and_resumes(fleet, real_sandbox, redis_server, tmp_path):
    fleet.settings["client"]["rate_limits"] = True
    real_sandbox.inject("create_agent_run", Fault.status(429, retry_after=3.1), times=1)
    fleet.start("threads")
    chosen = "f" * 32
    sent = fleet.tasks.create.apply_async((323, {"prompt": "later"}), task_id=chosen)
    own = fleet.tasks.create.delay(323, {"prompt": "mine"})
    runs = fleet.results([sent, own])
    assert "Retry in 3.1s" in fleet.workers[0].log()
    shown = [request_id_of(real_sandbox, run["id"]) for run in runs]
    assert own.id == shown[1]
    assert shown[0].endswith(sha256(chosen.encode()).hexdigest()[:20])
    made = made_at(shown[0])
    assert made is not None
    assert abs(made - time.time()) < 3600
    # Longer than a wait may keep its worker, so the wait goes back into the queue.
    real_sandbox.script(seconds=VISIBILITY * 0.6)
    whole = fleet.tasks.create.s(323, {"prompt": "begin"}) | fleet.tasks.wait.s(timeout=60) | fleet.tasks.wait.s()
    (run,) = fleet.results([whole.apply_async()])
    assert run["status"] == "completed"
    # Not at once: the worker's note of the retry would come after another one's result, and overwrite it.
    assert "Retry in 1.0s" in fleet.workers[0].log()
    assert "create" in "".join(redis_server.client.scan_iter(f"{PREFIX}*"))
    picture = tmp_path / "a.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    again = fleet.tasks.resume.si(323, run["id"], "go on", images=[str(picture)]) | fleet.tasks.wait.s()
    (ended,) = fleet.results([again.apply_async()])
    (resumed,) = (request for request in real_sandbox.requests if request.operation == "resume_agent_run")
    assert resumed.arguments["images"] == ["data:image/png;base64,iVBORw0KGgo="]
    with pytest.raises(ConfigurationError, match="timeout must be a number of seconds"):
        fleet.tasks.wait.delay(run, timeout="x").get(PATIENCE)
    assert (ended["id"], ended["status"]) == (run["id"], "completed")
    assert sorted(run.prompt for run in real_sandbox.runs) == ["begin", "later", "mine"]
    assert attempts(real_sandbox, "resume_agent_run") == 1


def test_workers_read_pages_for_one_another(fleet, real_sandbox, redis_server):
    real_sandbox.script("never", times=8)
    fleet.start("threads", "prefork", concurrency=4)
    runs = fleet.results([fleet.tasks.create.delay(323, {"prompt": f"job {number}"}) for number in range(8)])
    sent = [fleet.tasks.wait.delay(run, poll_interval=2.0) for run in runs]
    until(lambda: attempts(real_sandbox, "list_agent_runs") >= 4, PATIENCE)
    with CodegenClient(ClientConfig(**fleet.settings["client"])) as client:
        for run in runs:
            client.ban_agent_run(323, run["id"])
    ended = fleet.results(sent)
    assert [(run["id"], run["status"]) for run in ended] == [(run["id"], "cancelled") for run in runs]
    pages = [request.at for request in real_sandbox.requests if request.operation == "list_agent_runs"]
    # Five processes alone would read 2.5 a second. Two more, for one that Redis answers too late reads on its own.
    assert len(pages) <= (pages[-1] - pages[0]) / FRESH + 3
    # One for whoever waits before the others have come.
    assert attempts(real_sandbox, "get_agent_run") <= 1
    assert not [key for key in redis_server.client.scan_iter() if TOKEN in key]


def test_what_is_damaged_in_redis_costs_a_request_and_no_more(fleet, redis_server):
    run = fleet.tasks.create.apply((323, {"prompt": "[[seconds=0]]"})).get()
    redis = redis_server.client

    def damage_the_pages():
        for key in redis.scan_iter("codegen:fleet:*"):
            redis.set(key, "[]", px=60_000)

    def damage_all():
        for key in redis.scan_iter("codegen:*"):
            redis.delete(key)
            redis.lpush(key, "x")

    for trouble in (redis.flushall, damage_the_pages, damage_all):
        trouble()
        assert fleet.tasks.wait.apply((run,), {"timeout": 30}).get()["status"] == "completed"


def test_the_broker_must_be_more_patient_than_a_create(fleet, real_sandbox):
    app, tasks = build({**fleet.settings, "visibility": 6})
    with pytest.raises(ConfigurationError, match=r"visibility_timeout \(6 s\) must be more than twice total_timeout"):
        tasks.create.apply((323, {"prompt": "x"}), throw=True)
    app.close()
    assert real_sandbox.runs == []


@pytest.fixture
def forking(redis_server):
    """The settings of clients of a sandbox that has runs 1 to 40, and a broker."""
    with Sandbox(rate_limits=False, run_seconds=1000, token=TOKEN) as running:
        fill(running, 40)
        settings = {"CODEGEN_API_TOKEN": TOKEN, "CODEGEN_BASE_URL": running.base_url}
        yield {**settings, "CODEGEN_TEST_BROKER": redis_server.address}


def check_answers(read):
    """Fail when one of the 40 answers is wrong; they are read until several processes have answered."""
    processes = set()

    def are_several():
        answers = [json.loads(answer) for answer in read()]
        assert [answer["id"] for answer in answers] == list(range(1, 41))
        processes.update(answer["pid"] for answer in answers)
        return len(processes) > 1

    until(are_several, PATIENCE)


@pytest.mark.parametrize("state", ["memory", "redis", "sqlite"])
def test_gunicorn_forks_with_a_client(start, forking, state, tmp_path):
    shared = {"redis": forking["CODEGEN_TEST_BROKER"], "sqlite": f"sqlite:///{tmp_path / 'state.db'}"}
    environment = {**forking, "CODEGEN_SHARED_STATE": shared[state]} if state in shared else forking
    port = free_port()
    options = ["--preload", "--workers", "3", "--threads", "4", "--worker-class", "gthread", "--timeout", "30"]
    server = start("gunicorn", *options, "-b", f"127.0.0.1:{port}", "tests.integrations.preloaded:app", **environment)
    until(lambda: server.log().count("Booting worker") >= 3, 60)
    addresses = [f"http://127.0.0.1:{port}/{number}" for number in range(1, 41)]
    with ThreadPoolExecutor(8) as threads:
        check_answers(lambda: [answer.text for answer in threads.map(partial(ask, "GET"), addresses)])
    assert "WORKER TIMEOUT" not in server.log()


def test_celery_forks_with_a_client(start, forking, redis_server):
    options = ["--pool", "prefork", "--concurrency", "3", *CELERY]
    worker = start("celery", "-A", "tests.integrations.preloaded:celery", "worker", *options, **forking)
    until(lambda: " ready." in worker.log(), PATIENCE)
    with Celery(broker=redis_server.address, backend=redis_server.address, set_as_current=False) as app:

        def read():
            sent = [app.send_task("read", [number]) for number in range(1, 41)]
            until(lambda: all(result.ready() for result in sent), 60)
            return [result.get() for result in sent]

        check_answers(read)
        app.backend.client.close()
