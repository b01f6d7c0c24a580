"""A job that ends early tells what it has created, and one with a journal goes on later: nothing is created twice."""

import os
import re
import signal
import sqlite3
import threading
import time
from pathlib import Path

import httpx
import pytest

from benchmarks import killed
from codegen_ext import BulkInterrupted, BulkJob, ClientConfig, errors
from codegen_ext.testing import Fault, Sandbox

from ..conftest import TOKEN, async_repeats, once
from ..support.calls import attempts
from ..support.waiting import until
from .test_bulk import prompts

SOON = 40.0
"""Seconds, fewer than the limit of creates lets a job wait."""


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "runs.db"


@pytest.fixture
def real_sandbox():
    """A sandbox on real time, whose runs do not end."""
    with Sandbox(rate_limits=False, run_seconds=1000, token=TOKEN) as running:
        yield running


@pytest.fixture
def limited(flavour, real_sandbox):
    """A client on real time that keeps the limit: ten creates, and then a minute of waiting."""
    config = ClientConfig(api_token=TOKEN, base_url=real_sandbox.base_url, max_retries=0)
    with flavour.client(config) as client:
        yield client


def beside(journal):
    return sorted(path.name for path in journal.parent.iterdir())


def execute(journal, statement, *values):
    with sqlite3.connect(journal) as database:
        database.execute(statement, values)
    database.close()


@async_repeats
def test_a_journal_goes_on_with_its_own_job_and_refuses_another(client, connect, sandbox, journal):
    begun = client.iter_create_agent_runs(323, iter(prompts(10)), journal=journal)
    next(begun)
    with pytest.raises(errors.BulkOperationError, match="in use by another job"):
        client.bulk_create_agent_runs(323, prompts(10), journal=journal)
    begun.close()
    first = client.bulk_create_agent_runs(323, prompts(10), journal=journal)
    again = client.bulk_create_agent_runs(323, prompts(10), journal=str(journal))
    assert [result.data for result in again] == [result.data for result in first]
    assert {result.data.id for result in first} == {run.id for run in sandbox.runs}
    longer = list(client.iter_create_agent_runs(323, iter(prompts(12)), journal=journal))
    assert [result.data for result in longer[:10]] == [result.data for result in first]
    for other, org_id, configs, message in (
        (client, 323, [*prompts(11), {"prompt": "new"}, {"prompt": "newer"}], "another configuration at index 11"),
        (client, 7, prompts(3), "belongs to organization 323, not 7"),
        (connect("http://127.0.0.1:9"), 323, prompts(3), "belongs to service"),
    ):
        with pytest.raises(errors.BulkOperationError, match=message):
            other.bulk_create_agent_runs(org_id, configs, journal=journal)
    with pytest.raises(errors.BulkOperationError, match="another configuration at index 0"):
        list(client.iter_create_agent_runs(323, iter([{"prompt": "new"}]), journal=journal))
    assert sorted(run.prompt for run in sandbox.runs) == sorted(config["prompt"] for config in prompts(12))
    assert beside(journal) == ["runs.db"]
    assert journal.stat().st_mode & 0o077 == 0
    assert TOKEN.encode() not in journal.read_bytes()


@once
def test_a_name_that_means_something_to_sqlite_is_a_file(client, sandbox, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        client.bulk_create_agent_runs(323, prompts(3), journal=":memory:")
    assert (len(sandbox.runs), Path(":memory:").is_file()) == (3, True)


@async_repeats
def test_what_was_refused_is_tried_again_and_undecided_meanwhile(connect, journal):
    statuses, undecided = [402, 402, 200, 200, 200, 200], []

    def answer(request):
        with BulkJob.open(journal) as job:
            undecided.append(job.progress["undecided"])
        return httpx.Response(statuses[len(undecided) - 1], json={"id": len(undecided), "organization_id": 323})

    client = connect(transport=httpx.MockTransport(answer))
    first = client.bulk_create_agent_runs(323, prompts(4), journal=journal, max_concurrent=1)
    assert [type(result.error) for result in first[:2]] == [errors.PaymentRequiredError] * 2
    with BulkJob.open(journal) as job:
        assert job.progress == {"total": 4, "begun": 4, "created": 2, "failed": 2, "undecided": 0}
        assert [result.success for result in job.results()] == [False, False, True, True]
        assert "status 402" in str(next(job.results()).error)
    again = client.bulk_create_agent_runs(323, prompts(4), journal=journal, max_concurrent=1)
    assert [result.data.id for result in again] == [5, 6, 3, 4]
    assert undecided == [1] * 6, "a process that ends in a create leaves what the next one looks for"


@once
def test_a_file_that_is_no_journal_is_left_alone(client, sandbox, journal, monkeypatch):
    monkeypatch.chdir(journal.parent)
    for place in (".", "no/such/folder/runs.db", "", "a\0b"):
        with pytest.raises(errors.BulkOperationError, match="cannot be used as a journal"):
            client.bulk_create_agent_runs(323, prompts(1), journal=place)
    assert beside(journal) == []
    journal.write_text(notes := "my notes, which are longer than the head of a database file would be" * 10)
    for use in (lambda: client.bulk_create_agent_runs(323, prompts(1), journal=journal), lambda: BulkJob.open(journal)):
        with pytest.raises(errors.BulkOperationError, match="cannot be used as a journal"):
            use()
    assert journal.read_text() == notes
    assert sandbox.requests == []
    execute(other := journal.with_name("other.db"), "create table items (something)")
    with pytest.raises(errors.BulkOperationError, match="cannot be used as a journal"):
        BulkJob.open(other)
    with pytest.raises(errors.BulkOperationError, match="there is no journal"):
        BulkJob.open(journal.with_name("missing.db"))


@once
@pytest.mark.parametrize("text", ['{"id": 1', "[]", "7", '{"id": "x"}', None, b"\xff"])
def test_a_damaged_row_is_a_typed_error(client, sandbox, journal, text):
    client.bulk_create_agent_runs(323, prompts(2), journal=journal)
    execute(journal, "update items set run = ? where number = 0", text)
    with BulkJob.open(journal) as job:
        read = list(job.results())
    for results in (read, client.bulk_create_agent_runs(323, prompts(2), journal=journal)):
        assert isinstance(results[0].error, errors.BulkOperationError)
        assert "is damaged: the run of item 0" in results[0].error.message
        assert results[1].success
    assert len(sandbox.runs) == 2


@async_repeats
def test_a_journal_that_fails_stops_the_job_and_costs_nothing(client, sandbox, journal):
    def on_result(result):
        if result.index == 10:
            execute(journal, "drop table items")

    with pytest.raises(errors.BulkOperationError, match="cannot be used as a journal") as caught:
        client.bulk_create_agent_runs(323, prompts(30), journal=journal, max_concurrent=2, on_result=on_result)
    assert {result.data.id for result in caught.value.results} == {run.id for run in sandbox.runs}
    assert 10 < len(sandbox.runs) < 30


@pytest.mark.slow
def test_a_job_that_is_killed_again_and_again_is_done_once():
    outcome = killed.measure()
    assert (outcome.runs, outcome.twice) == (200, 0)
    assert outcome.kills >= 15


def interrupted(client, flavour, count, after, *, while_it_waits=False, **options):
    """Press Ctrl-C at a result of a job, or when it waits for the next one, and return what it reports."""
    seen = []

    def on_result(result):
        seen.append(result)
        if len(seen) == after and while_it_waits:
            threading.Timer(0.02, os.kill, [os.getpid(), signal.SIGINT]).start()
        elif len(seen) == after:
            os.kill(os.getpid(), signal.SIGINT)

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt) as caught:
        client.bulk_create_agent_runs(323, prompts(count), on_result=on_result, **options)
    assert time.monotonic() - start < SOON
    # asyncio cancels the task, and raises KeyboardInterrupt in its place.
    report = caught.value.__context__.__cause__ if flavour.is_async else caught.value
    assert isinstance(report, BulkInterrupted)
    return report


def test_what_waits_for_the_limit_is_created_by_a_later_job(limited, connect, flavour, real_sandbox, journal):
    report = interrupted(limited, flavour, 30, 10, journal=journal)
    assert {result.data.id for result in report.results} == {run.id for run in real_sandbox.runs}
    assert len(real_sandbox.runs) == 10
    assert "10 runs were created" in str(report)
    with BulkJob.open(journal) as job:
        assert job.progress == {"total": 30, "begun": 10, "created": 10, "failed": 0, "undecided": 0}
    connect(real_sandbox.base_url).bulk_create_agent_runs(323, prompts(30), journal=journal)
    assert sorted(run.prompt for run in real_sandbox.runs) == sorted(config["prompt"] for config in prompts(30))


def test_creates_in_flight_are_reported(limited, flavour, real_sandbox):
    real_sandbox.inject("create_agent_run", Fault.latency(0.2), rate=1.0)
    report = interrupted(limited, flavour, 60, 1, while_it_waits=True, max_concurrent=3)
    assert {result.data.id for result in report.results} == {run.id for run in real_sandbox.runs}
    assert 1 <= len(report.results) <= 10


def test_a_create_in_doubt_is_reported_as_such_and_decided_by_a_later_job(limited, flavour, real_sandbox, journal):
    real_sandbox.inject("create_agent_run", Fault.reset_after(), times=1)
    real_sandbox.inject("list_agent_runs", Fault.status(503, retry_after=1))
    report = interrupted(limited, flavour, 3, 2, max_concurrent=3, journal=journal)
    (doubt,) = (result.error for result in report.results if not result.success)
    assert isinstance(doubt, errors.AmbiguousRequestError)
    with BulkJob.open(journal) as job:
        assert job.progress == {"total": 3, "begun": 3, "created": 2, "failed": 0, "undecided": 1}
        (shown,) = (result.error for result in job.results() if not result.success)
    assert shown.request_id == doubt.request_id
    real_sandbox.clear_faults()
    results = limited.bulk_create_agent_runs(323, prompts(3), journal=journal)
    assert {result.data.id for result in results} == {run.id for run in real_sandbox.runs}
    assert len(real_sandbox.runs) == 3


def test_an_iteration_that_is_left_names_what_it_did_not_hand_out(limited, real_sandbox, caplog):
    def wait_for_another(effects):
        until(lambda: attempts(real_sandbox, "create_agent_run") > 1)
        return effects

    real_sandbox.inject("create_agent_run", Fault(wait_for_another))
    results = limited.iter_create_agent_runs(323, prompts(9), max_concurrent=3)
    handed_out = {next(results).data.id}
    results.close()
    left = {run.id for run in real_sandbox.runs} - handed_out
    assert left
    named = re.search(r"left before it handed out the runs \[(.+)\]", caplog.text)
    assert named is not None
    assert {int(number) for number in named[1].split(",")} == left


def test_a_wait_for_the_end_tells_what_has_ended_so_far(limited, flavour, real_sandbox):
    real_sandbox.script(seconds=1000)
    real_sandbox.script(seconds=0)
    report = interrupted(limited, flavour, 2, 1, while_it_waits=True, max_concurrent=1, wait=True)
    assert [result.data.status for result in report.results] == ["pending", "completed"]
