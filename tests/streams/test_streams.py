"""The client's streams over HTTP: whole, without repetition, a page ahead, and closed without a trace."""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from codegen_api import operations

from codegen_ext import (
    AsyncCodegenClient,
    ClientConfig,
    CodegenClient,
    ConfigurationError,
    InvalidResponseError,
    ServerError,
    ValidationError,
)
from codegen_ext.testing import FakeClock, Fault, Sandbox

from ..conftest import TOKEN, once
from ..support.filling import fill
from ..support.waiting import until


def pages(sandbox: Sandbox) -> int:
    return sum(record.operation == "list_agent_runs" for record in sandbox.requests)


@once
def test_runs_in_a_state_are_streamed(client: Any, sandbox: Sandbox) -> None:
    for outcome in ("completed", "failed", "completed", "never"):
        client.create_agent_run(323, f"[[seconds=0 outcome={outcome}]]")
    assert [run.id for run in client.stream_agent_runs(323, status="completed")] == [3, 1]
    assert [run.id for run in client.stream_agent_runs(323, status="COMPLETED")] == [3, 1]
    assert [run.id for run in client.stream_agent_runs(323, status="COMPLETE")] == [3, 1]
    assert [run.id for run in client.stream_agent_runs(323, status="FAILED")] == [2]
    with pytest.raises(ValidationError, match="status"):
        list(client.stream_agent_runs(323, status="no such state"))
    assert [run.id for run in client.stream_agent_runs(323)] == [4, 3, 2, 1]


@once
def test_users_repositories_and_organizations_are_streamed(client: Any) -> None:
    assert [user.id for user in client.stream_users(323)] == [user.id for user in client.get_users(323).items]
    named = [repository.full_name for repository in client.stream_repositories(323)]
    assert "owner/repo" in named
    assert len(named) == client.get_repositories(323).total
    assert 323 in [organization.id for organization in client.stream_organizations()]


@once
def test_pages_of_any_list_are_iterated(client: Any, sandbox: Sandbox) -> None:
    fill(sandbox, 25)
    sizes = [len(page.items) for page in client.iter_pages("list_agent_runs", page_size=10, org_id=323)]
    assert sizes == [10, 10, 5]
    (page,) = client.iter_pages("get_users", org_id="323")
    assert page.total == len(page.items)


@once
@pytest.mark.parametrize("operation", ["get_agent_run", "list_sessions", "nothing"])
def test_what_is_no_list_has_no_pages(client: Any, operation: str) -> None:
    with pytest.raises(ValidationError, match="list_agent_runs"):
        client.iter_pages(operation, org_id=323)


def test_no_run_is_missed_or_repeated_while_others_are_created(client: Any, sandbox: Sandbox) -> None:
    fill(sandbox, 250)
    there = {run.id for run in sandbox.runs}
    found: list[int] = []
    for run in client.stream_all_agent_runs(323):
        found.append(run.id)
        if len(found) % 40 == 0:
            fill(sandbox, 7)
    assert len(found) == len(set(found))
    assert there <= set(found)


def test_the_next_page_is_fetched_while_one_is_consumed_and_no_further() -> None:
    sandbox = Sandbox(rate_limits=False, clock=FakeClock(), token=TOKEN)
    config = ClientConfig(api_token=TOKEN, base_url=sandbox.base_url, transport=sandbox.transport(), rate_limits=False)
    before = threading.active_count()
    with CodegenClient(config, clock=FakeClock()) as client:
        fill(sandbox, 450)
        stream = client.stream_all_agent_runs(323)
        assert pages(sandbox) == 0
        assert next(stream).id == 450
        until(lambda: pages(sandbox) == 2)
        time.sleep(0.01)
        assert pages(sandbox) == 2
        stream.close()  # type: ignore[attr-defined]
        assert threading.active_count() == before


def test_the_next_page_is_fetched_in_the_loop_too_and_closing_leaves_no_task() -> None:
    sandbox = Sandbox(rate_limits=False, clock=FakeClock(), token=TOKEN)

    async def main() -> None:
        config = ClientConfig(
            api_token=TOKEN, base_url=sandbox.base_url, transport=sandbox.transport(), rate_limits=False
        )
        async with AsyncCodegenClient(config, clock=FakeClock()) as client:
            fill(sandbox, 350)
            stream = client.stream_all_agent_runs(323)
            assert (await anext(stream)).id == 350
            for _ in range(20):
                await asyncio.sleep(0)
            assert pages(sandbox) == 2
            await stream.aclose()  # type: ignore[attr-defined]
            assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_whoever_leaves_a_stream_does_not_wait_for_the_limit() -> None:
    sandbox = Sandbox(rate_limits=False, clock=FakeClock(), token=TOKEN)
    config = ClientConfig(api_token=TOKEN, base_url=sandbox.base_url, transport=sandbox.transport())
    fill(sandbox, 150)
    limit = operations.LIST_AGENT_RUNS.rate_limit
    with CodegenClient(config) as client:
        for _ in range(limit.requests - 1):
            client.list_agent_runs(323, limit=1)
        start = time.monotonic()
        stream = client.stream_all_agent_runs(323)
        assert next(stream).id == 150
        stream.close()  # type: ignore[attr-defined]
        assert time.monotonic() - start < limit.seconds * 0.8


def test_a_failure_of_the_next_page_comes_after_the_items_of_this_one(client: Any, sandbox: Sandbox) -> None:
    fill(sandbox, 250)
    stream = client.stream_all_agent_runs(323)
    first = next(stream)
    sandbox.inject("list_agent_runs", Fault.status(503))  # for the second page, or for the third if that was quicker
    found = [first.id]
    with pytest.raises(ServerError):  # noqa: PT012 - the loop is what raises
        for run in stream:
            found.append(run.id)  # noqa: PERF401
    assert len(found) in (100, 200)


@once
@pytest.mark.parametrize("total", ["3", [3], 1.5, True])
def test_a_total_that_is_no_number_is_an_error_of_the_operation(client: Any, sandbox: Sandbox, total: Any) -> None:
    page = {"items": [], "total": total, "page": 1, "size": 100, "pages": 1}
    sandbox.inject("get_users", Fault.invalid_body(json.dumps(page).encode()))
    with pytest.raises(InvalidResponseError, match="total: expected a whole number") as caught:
        list(client.iter_pages("get_users", org_id=323))
    assert caught.value.operation == "get_users"


def test_streams_can_be_switched_off(connect: Callable[..., Any], sandbox: Sandbox) -> None:
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
