"""The client's streams: whole, a page ahead, in little memory, and closed without a trace."""

import asyncio
import subprocess
import sys
import threading

import pytest

from codegen_ext import AsyncCodegenClient, CodegenClient, ConfigurationError, ServerError, ValidationError
from codegen_ext.testing import FakeClock

from ..conftest import once
from ..docs.pages import ROOT
from ..support.waiting import until_async
from .conftest import RunList, growing_down_from


@once
def test_lists_are_streamed_by_item_or_by_page(client):
    for outcome in ("completed", "failed", "completed", "never"):
        client.create_agent_run(323, f"[[seconds=0 outcome={outcome}]]")
    assert [run.id for run in client.stream_agent_runs(323, status="completed")] == [3, 1]
    assert [run.id for run in client.stream_agent_runs(323)] == [4, 3, 2, 1]
    assert [run.id for run in client.stream_all_agent_runs(323, source_type="API")] == [4, 3, 2, 1]
    assert list(client.stream_all_agent_runs(323, source_type="SLACK")) == []
    assert list(client.stream_all_agent_runs(323, user_id=999)) == []
    with pytest.raises(ValidationError, match="status"):
        list(client.stream_agent_runs(323, status="no such state"))
    assert [user.id for user in client.stream_users(323)] == [user.id for user in client.get_users(323).items]
    names = [repository.full_name for repository in client.stream_repositories(323)]
    assert len(names) == client.get_repositories(323).total
    assert 323 in [organization.id for organization in client.stream_organizations()]
    assert [len(page.items) for page in client.iter_pages("list_agent_runs", page_size=3, org_id="323")] == [3, 1]
    for operation in ("get_agent_run", "list_sessions", "nothing"):
        with pytest.raises(ValidationError, match="list_agent_runs"):
            client.iter_pages(operation, org_id=323)


@once
def test_streams_can_be_switched_off(connect, sandbox):
    client = connect(enable_streaming=False)
    for stream in (
        lambda: client.stream_agent_runs(323, status="completed"),
        lambda: client.stream_users(323),
        lambda: client.stream_repositories(323),
        client.stream_organizations,
        lambda: client.iter_pages("get_users", org_id=323),
        lambda: client.watch(323),
    ):
        with pytest.raises(ConfigurationError, match="enable_streaming"):
            stream()
    assert sandbox.requests == []


def test_the_next_page_is_fetched_while_one_is_consumed_and_no_further(flavour):
    runs = RunList(growing_down_from(450))
    with flavour.client(runs.config(), clock=FakeClock()) as client:
        stream = client.stream_all_agent_runs(323)
        assert runs.asked == []
        assert next(stream).id == 450
        wait = until_async(lambda: len(runs.asked) == 2)
        flavour.settle(wait) if flavour.is_async else asyncio.run(wait)
        assert [next(stream).id for _ in range(99)][-1] == 351
        assert runs.asked == [0, 100]
        assert sum(1 for _ in stream) == 350


def test_a_page_goes_on_to_the_end_of_its_list(flavour):
    runs = RunList(growing_down_from(250))
    with flavour.client(runs.config()) as client:
        page = client.list_agent_runs(323, skip=20, limit=100)

        async def read():
            return [run.id async for run in page.auto_paging_iter()]

        found = flavour.settle(read()) if flavour.is_async else [run.id for run in page.auto_paging_iter()]
    assert found == list(range(230, 0, -1))
    assert (len(page.items), runs.asked) == (100, [20, 120, 220])


def test_a_failure_of_the_next_page_comes_after_the_items_of_this_one(flavour):
    runs = RunList(lambda turn, skip: None if skip else (range(250, 150, -1), 250))
    with flavour.client(runs.config()) as client:
        stream = client.stream_all_agent_runs(323)
        assert [next(stream).id for _ in range(100)] == list(range(250, 150, -1))
        with pytest.raises(ServerError):
            next(stream)


SLOW = {
    "rate_limits": True,
    "rate_limit_requests_per_period": 1,
    "rate_limit_period_seconds": 1_000.0,
    "total_timeout": 5_000,
}
"""The second page has to wait for a quarter of an hour."""


def test_leaving_a_stream_ends_the_thread_that_fetches_the_next_page():
    with CodegenClient(RunList(growing_down_from(300)).config(**SLOW)) as client:
        before = set(threading.enumerate())
        stream = client.stream_all_agent_runs(323)
        assert next(stream).id == 300
        (worker,) = set(threading.enumerate()) - before
        stream.close()
        worker.join(10)
        assert not worker.is_alive()


async def test_leaving_a_stream_ends_the_task_that_fetches_the_next_page():
    async with AsyncCodegenClient(RunList(growing_down_from(300)).config(**SLOW)) as client:
        stream = client.stream_all_agent_runs(323)
        assert (await anext(stream)).id == 300
        (worker,) = asyncio.all_tasks() - {asyncio.current_task()}
        await stream.aclose()
        await asyncio.wait_for(worker, 10)


@pytest.mark.slow
def test_a_stream_of_many_runs_takes_constant_memory():
    code = "from benchmarks import streams; print(streams.measure(10_000).megabytes)"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert float(ended.stdout) < 4, "all of them would take twice as much"
