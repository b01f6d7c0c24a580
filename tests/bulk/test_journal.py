"""A job with a journal: a later one goes on, and nothing is created twice, whatever happened in between."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from codegen_ext import (
    AmbiguousRequestError,
    BulkJob,
    BulkOperationError,
    BulkResult,
    ClientConfig,
    CodegenClient,
    PaymentRequiredError,
)
from codegen_ext.testing import Fault, Sandbox

from ..conftest import TOKEN
from .test_bulk import prompts

WHOLE = "CODEGEN_TEST_ALL" in os.environ
COUNT, KILLS = (200, 20) if WHOLE else (100, 4)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


def beside(journal: Path) -> list[str]:
    return sorted(path.name for path in journal.parent.iterdir())


def test_a_second_call_creates_nothing_and_a_longer_list_goes_on(client: Any, sandbox: Sandbox, journal: Path) -> None:
    first = client.bulk_create_agent_runs(323, prompts(10), journal=journal)
    again = client.bulk_create_agent_runs(323, prompts(10), journal=str(journal))
    assert [result.data.id for result in again] == [result.data.id for result in first]
    assert again[0].data == first[0].data
    assert len(sandbox.runs) == 10
    longer = list(client.iter_create_agent_runs(323, iter(prompts(12)), journal=journal))
    assert [result.data.id for result in longer[:10]] == [result.data.id for result in first]
    assert len(sandbox.runs) == 12
    assert beside(journal) == ["runs.db"]
    assert journal.stat().st_mode & 0o077 == 0
    assert TOKEN.encode() not in journal.read_bytes()


def test_what_was_refused_is_tried_again_and_undecided_meanwhile(connect: Callable[..., Any], journal: Path) -> None:
    statuses, undecided = [402, 402, 200, 200, 200, 200], []

    def answer(request: httpx.Request) -> httpx.Response:
        with BulkJob.open(journal) as job:
            undecided.append(job.progress["undecided"])
        return httpx.Response(statuses[len(undecided) - 1], json={"id": len(undecided), "organization_id": 323})

    client = connect(transport=httpx.MockTransport(answer))
    first = client.bulk_create_agent_runs(323, prompts(4), journal=journal, max_concurrent=1)
    assert [type(result.error) for result in first[:2]] == [PaymentRequiredError] * 2
    with BulkJob.open(journal) as job:
        assert job.progress == {"total": 4, "begun": 4, "created": 2, "failed": 2, "undecided": 0}
        assert [result.success for result in job.results()] == [False, False, True, True]
        assert "status 402" in str(next(job.results()).error)
    again = client.bulk_create_agent_runs(323, prompts(4), journal=journal, max_concurrent=1)
    assert [result.data.id for result in again] == [5, 6, 3, 4]
    assert undecided == [1] * 6, "a process that ends in a create leaves what the next one looks for"


def test_what_is_undecided_is_decided_later(connect: Callable[..., Any], sandbox: Sandbox, journal: Path) -> None:
    client = connect(total_timeout=20, create_settle_seconds=30)
    sandbox.inject("create_agent_run", Fault.reset_after(), times=1)
    sandbox.inject("list_agent_runs", Fault.status(503), times=60)
    (first,) = client.bulk_create_agent_runs(323, prompts(1), journal=journal)
    assert isinstance(first.error, AmbiguousRequestError)
    with BulkJob.open(journal) as job:
        assert job.progress["undecided"] == 1
        (shown,) = job.results()
    assert shown.error.request_id == first.error.request_id
    sandbox.clear_faults()
    (second,) = client.bulk_create_agent_runs(323, prompts(1), journal=journal)
    assert second.data.id == sandbox.runs[0].id
    assert len(sandbox.runs) == 1


def test_another_job_is_refused_before_anything_is_created(
    client: Any, connect: Any, sandbox: Sandbox, journal: Path
) -> None:
    client.bulk_create_agent_runs(323, prompts(3), journal=journal)
    for other, org_id, configs, message in (
        (client, 323, [*prompts(2), {"prompt": "new"}, {"prompt": "newer"}], "another configuration at index 2"),
        (client, 7, prompts(3), "belongs to organization 323, not 7"),
        (connect("http://127.0.0.1:9"), 323, prompts(3), "belongs to service"),
    ):
        with pytest.raises(BulkOperationError, match=message):
            other.bulk_create_agent_runs(org_id, configs, journal=journal)
    with pytest.raises(BulkOperationError, match="another configuration at index 0"):
        list(client.iter_create_agent_runs(323, iter([{"prompt": "new"}]), journal=journal))
    assert len(sandbox.runs) == 3


def test_a_file_that_is_no_journal_is_left_alone(client: Any, sandbox: Sandbox, journal: Path) -> None:
    journal.write_text("my notes, which are longer than the head of a database file would be" * 10)
    before = journal.read_bytes()
    for use in (lambda: client.bulk_create_agent_runs(323, prompts(1), journal=journal), lambda: BulkJob.open(journal)):
        with pytest.raises(BulkOperationError, match="cannot be used as a journal"):
            use()
    assert journal.read_bytes() == before
    assert sandbox.runs == []
    other = journal.with_name("other.db")
    with sqlite3.connect(other) as database:
        database.execute("create table items (something)")
    database.close()
    with pytest.raises(BulkOperationError, match="cannot be used as a journal"):
        BulkJob.open(other)
    with pytest.raises(BulkOperationError, match="there is no journal"):
        BulkJob.open(journal.with_name("missing.db"))


@pytest.mark.parametrize("place", [".", "no/such/folder/runs.db", "", "a\0b"])
def test_a_place_where_no_journal_can_be_is_refused(
    client: Any, sandbox: Sandbox, journal: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(journal.parent)
    with pytest.raises(BulkOperationError, match="cannot be used as a journal"):
        client.bulk_create_agent_runs(323, prompts(1), journal=place)
    assert sandbox.requests == []
    assert beside(journal) == []


@pytest.mark.parametrize("text", ['{"id": 1', "[]", "7", '{"id": "x"}', None, b"\xff"])
def test_a_damaged_row_is_a_typed_error(client: Any, sandbox: Sandbox, journal: Path, text: Any) -> None:
    client.bulk_create_agent_runs(323, prompts(2), journal=journal)
    with sqlite3.connect(journal) as database:
        database.execute("update items set run = ? where number = 0", (text,))
    database.close()
    with BulkJob.open(journal) as job:
        read = list(job.results())
    for results in (read, client.bulk_create_agent_runs(323, prompts(2), journal=journal)):
        assert isinstance(results[0].error, BulkOperationError)
        assert "is damaged: the run of item 0" in results[0].error.message
        assert results[1].success
    assert len(sandbox.runs) == 2


def test_a_journal_that_fails_stops_the_job_and_costs_nothing(client: Any, sandbox: Sandbox, journal: Path) -> None:
    def on_result(result: BulkResult) -> None:
        if result.index == 10:
            with sqlite3.connect(journal) as database:
                database.execute("drop table items")
            database.close()

    with pytest.raises(BulkOperationError, match="cannot be used as a journal") as caught:
        client.bulk_create_agent_runs(323, prompts(30), journal=journal, max_concurrent=2, on_result=on_result)
    assert {result.data.id for result in caught.value.results} == {run.id for run in sandbox.runs}
    assert 10 < len(sandbox.runs) < 30


def test_one_job_at_a_time_works_on_a_journal(client: Any, sandbox: Sandbox, journal: Path) -> None:
    first = client.iter_create_agent_runs(323, iter(prompts(3)), journal=journal)
    next(first)
    with pytest.raises(BulkOperationError, match="in use by another job"):
        client.bulk_create_agent_runs(323, prompts(3), journal=journal)
    with BulkJob.open(journal) as job:
        assert job.progress["created"] >= 1
    first.close()
    assert len(client.bulk_create_agent_runs(323, prompts(3), journal=journal)) == 3
    assert len(sandbox.runs) == 3
    assert beside(journal) == ["runs.db"]


@contextmanager
def worker(journal: Path, count: int, sandbox: Sandbox) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.bulk.worker", str(journal), str(count), sandbox.base_url, sandbox.token]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def real_sandbox() -> Iterator[Sandbox]:
    """A sandbox on real time whose creates take a moment."""
    with Sandbox(rate_limits=False, run_seconds=1000, token=TOKEN) as running:
        running.inject("create_agent_run", Fault.latency(0.03), rate=1.0)
        yield running


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not condition() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)


def created(sandbox: Sandbox) -> Counter[str]:
    return Counter(run.prompt for run in sandbox.runs)


@pytest.mark.slow
def test_a_job_that_is_killed_again_and_again_is_done_once(real_sandbox: Sandbox, journal: Path) -> None:
    draw = random.Random(4)
    for target in sorted(draw.randrange(COUNT) for _ in range(KILLS)):
        with worker(journal, COUNT, real_sandbox) as process:
            wait_for(lambda target=target: len(real_sandbox.runs) > target, process)
            time.sleep(draw.random() * 0.02)
            process.kill()
    with worker(journal, COUNT, real_sandbox) as process:
        ids = json.loads(process.communicate(timeout=120)[0])
    assert created(real_sandbox) == {f"job {number}": 1 for number in range(COUNT)}
    by_id = {run.id: run.prompt for run in real_sandbox.runs}
    assert [by_id[run_id] for run_id in ids] == [f"job {number}" for number in range(COUNT)]
    assert beside(journal) == ["runs.db"]


def test_ctrl_c_reports_what_was_created_and_leaves_the_rest(real_sandbox: Sandbox, journal: Path) -> None:
    with worker(journal, COUNT, real_sandbox) as process:
        wait_for(lambda: len(real_sandbox.runs) > 10, process)
        process.send_signal(signal.SIGINT)
        stopped = json.loads(process.communicate(timeout=60)[0])
    runs = {run.id for run in real_sandbox.runs}
    assert set(stopped["interrupted"]) == runs
    assert 10 < len(runs) < COUNT
    with BulkJob.open(journal) as job:
        assert {result.data.id for result in job.results() if result.data} == runs
        assert job.progress["undecided"] == 0
    config = ClientConfig(api_token=TOKEN, base_url=real_sandbox.base_url, rate_limits=False)
    with CodegenClient(config) as client:
        client.bulk_create_agent_runs(323, prompts(COUNT), journal=journal)
    assert created(real_sandbox) == {f"job {number}": 1 for number in range(COUNT)}
