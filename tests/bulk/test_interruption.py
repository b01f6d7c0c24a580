"""A job that is interrupted: it sends nothing more, at once, and tells what it has created."""

import os
import re
import signal
import threading
import time

import pytest

from codegen_ext import AmbiguousRequestError, BulkInterrupted, BulkJob, ClientConfig
from codegen_ext.testing import Fault, Sandbox

from ..conftest import TOKEN
from .test_bulk import prompts

SOON = 40.0
"""Seconds, fewer than the limit of creates lets a job wait."""


@pytest.fixture
def sandbox():
    with Sandbox(rate_limits=False, run_seconds=1000, token=TOKEN) as running:
        yield running


@pytest.fixture
def limited(flavour, sandbox):
    """A client on real time that keeps the limit: ten creates, and then a minute of waiting."""
    config = ClientConfig(api_token=TOKEN, base_url=sandbox.base_url, max_retries=0)
    with flavour.client(config) as client:
        yield client


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


def test_what_waits_for_the_limit_is_created_by_a_later_job(limited, client, flavour, sandbox, tmp_path):
    journal = tmp_path / "runs.db"
    report = interrupted(limited, flavour, 30, 10, journal=journal)
    assert {result.data.id for result in report.results} == {run.id for run in sandbox.runs}
    assert len(sandbox.runs) == 10
    assert "10 runs were created" in str(report)
    with BulkJob.open(journal) as job:
        assert job.progress == {"total": 30, "begun": 10, "created": 10, "failed": 0, "undecided": 0}
    client.bulk_create_agent_runs(323, prompts(30), journal=journal)
    assert sorted(run.prompt for run in sandbox.runs) == sorted(config["prompt"] for config in prompts(30))


def test_creates_in_flight_are_reported(limited, flavour, sandbox):
    sandbox.inject("create_agent_run", Fault.latency(0.2), rate=1.0)
    report = interrupted(limited, flavour, 60, 1, while_it_waits=True, max_concurrent=3)
    assert {result.data.id for result in report.results} == {run.id for run in sandbox.runs}
    assert 1 <= len(report.results) <= 10


def test_a_create_in_doubt_is_reported_as_such(limited, flavour, sandbox, tmp_path):
    sandbox.inject("create_agent_run", Fault.reset_after(), times=1)
    sandbox.inject("list_agent_runs", Fault.status(503, retry_after=1))
    journal = tmp_path / "runs.db"
    report = interrupted(limited, flavour, 3, 2, max_concurrent=3, journal=journal)
    (doubtful,) = (result for result in report.results if not result.success)
    assert isinstance(doubtful.error, AmbiguousRequestError)
    sandbox.clear_faults()
    found = limited.find_agent_run(323, doubtful.error.request_id)
    assert found.id in {run.id for run in sandbox.runs}
    with BulkJob.open(journal) as job:
        assert job.progress == {"total": 3, "begun": 3, "created": 2, "failed": 0, "undecided": 1}


def test_an_iteration_that_is_left_names_what_it_did_not_hand_out(limited, sandbox, caplog):
    sandbox.inject("create_agent_run", Fault.latency(0.1), rate=1.0)
    results = limited.iter_create_agent_runs(323, prompts(9), max_concurrent=3)
    handed_out = {next(results).data.id}
    results.close()
    left = {run.id for run in sandbox.runs} - handed_out
    assert left
    named = re.search(r"left before it handed out the runs \[(.+)\]", caplog.text)
    assert named is not None
    assert {int(number) for number in named[1].split(",")} == left


def test_a_wait_for_the_end_tells_what_has_ended_so_far(limited, flavour, sandbox):
    sandbox.script(seconds=1000)
    sandbox.script(seconds=0)
    report = interrupted(limited, flavour, 2, 1, while_it_waits=True, max_concurrent=1, wait=True)
    assert [result.data.status for result in report.results] == ["pending", "completed"]
