"""A job with a journal: a later one goes on, and nothing is created twice, whatever happened in between."""

import sqlite3

import httpx
import pytest

from benchmarks import killed
from codegen_ext import AmbiguousRequestError, BulkJob, BulkOperationError, PaymentRequiredError
from codegen_ext.testing import Fault

from ..conftest import TOKEN, async_repeats, once
from .test_bulk import prompts


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "runs.db"


def beside(journal):
    return sorted(path.name for path in journal.parent.iterdir())


def execute(journal, statement, *values):
    with sqlite3.connect(journal) as database:
        database.execute(statement, values)
    database.close()


@async_repeats
def test_a_second_call_creates_nothing_and_a_longer_list_goes_on(client, sandbox, journal):
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


@async_repeats
def test_what_was_refused_is_tried_again_and_undecided_meanwhile(connect, journal):
    statuses, undecided = [402, 402, 200, 200, 200, 200], []

    def answer(request):
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


@async_repeats
def test_what_is_undecided_is_decided_later(connect, sandbox, journal):
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


@async_repeats
def test_another_job_is_refused_before_anything_is_created(client, connect, sandbox, journal):
    first = client.iter_create_agent_runs(323, iter(prompts(3)), journal=journal)
    next(first)
    with pytest.raises(BulkOperationError, match="in use by another job"):
        client.bulk_create_agent_runs(323, prompts(3), journal=journal)
    first.close()
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
    assert beside(journal) == ["runs.db"]


@once
def test_a_file_that_is_no_journal_is_left_alone(client, sandbox, journal, monkeypatch):
    monkeypatch.chdir(journal.parent)
    for place in (".", "no/such/folder/runs.db", "", "a\0b"):
        with pytest.raises(BulkOperationError, match="cannot be used as a journal"):
            client.bulk_create_agent_runs(323, prompts(1), journal=place)
    assert beside(journal) == []
    journal.write_text(notes := "my notes, which are longer than the head of a database file would be" * 10)
    for use in (lambda: client.bulk_create_agent_runs(323, prompts(1), journal=journal), lambda: BulkJob.open(journal)):
        with pytest.raises(BulkOperationError, match="cannot be used as a journal"):
            use()
    assert journal.read_text() == notes
    assert sandbox.requests == []
    execute(other := journal.with_name("other.db"), "create table items (something)")
    with pytest.raises(BulkOperationError, match="cannot be used as a journal"):
        BulkJob.open(other)
    with pytest.raises(BulkOperationError, match="there is no journal"):
        BulkJob.open(journal.with_name("missing.db"))


@once
@pytest.mark.parametrize("text", ['{"id": 1', "[]", "7", '{"id": "x"}', None, b"\xff"])
def test_a_damaged_row_is_a_typed_error(client, sandbox, journal, text):
    client.bulk_create_agent_runs(323, prompts(2), journal=journal)
    execute(journal, "update items set run = ? where number = 0", text)
    with BulkJob.open(journal) as job:
        read = list(job.results())
    for results in (read, client.bulk_create_agent_runs(323, prompts(2), journal=journal)):
        assert isinstance(results[0].error, BulkOperationError)
        assert "is damaged: the run of item 0" in results[0].error.message
        assert results[1].success
    assert len(sandbox.runs) == 2


@async_repeats
def test_a_journal_that_fails_stops_the_job_and_costs_nothing(client, sandbox, journal):
    def on_result(result):
        if result.index == 10:
            execute(journal, "drop table items")

    with pytest.raises(BulkOperationError, match="cannot be used as a journal") as caught:
        client.bulk_create_agent_runs(323, prompts(30), journal=journal, max_concurrent=2, on_result=on_result)
    assert {result.data.id for result in caught.value.results} == {run.id for run in sandbox.runs}
    assert 10 < len(sandbox.runs) < 30


@pytest.mark.slow
def test_a_job_that_is_killed_again_and_again_is_done_once():
    outcome = killed.measure()
    assert (outcome.runs, outcome.twice) == (200, 0)
    assert outcome.kills >= 15
