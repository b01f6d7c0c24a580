"""Following a task's log: each entry exactly once and in order, whatever happens on the way."""

import asyncio
from typing import Any

import pytest

from codegen_ext import AsyncAgent, AsyncCodegenClient, ClientConfig, ConfigurationError, NotFoundError
from codegen_ext.testing import FakeClock, Fault, Sandbox

from ..conftest import TOKEN


def numbers(entries: list[Any]) -> list[str]:
    return [entry.created_at for entry in entries]


def all_entries(sandbox: Sandbox) -> list[str]:
    return [entry["created_at"] for entry in sandbox.runs[0].logs]


FAULTS = {
    "reset": Fault.reset_before(),
    "lost": Fault.reset_after(),
    "busy": Fault.status(503),
    "limited": Fault.status(429, retry_after=2),
    "cut": Fault.truncate(100),
    "slow": Fault.latency(3),
}


@pytest.mark.parametrize("logs", [0, 1, 100, 101, 350])
def test_a_growing_log_is_followed_over_many_pages(agent: Any, sandbox: Sandbox, logs: int) -> None:
    task = agent.run(f"[[seconds=20 logs={logs}]]")
    entries = list(task.stream_logs())
    assert len(entries) == logs
    assert numbers(entries) == all_entries(sandbox)
    assert task.status == "completed"


@pytest.mark.parametrize("name", FAULTS)
def test_faults_on_the_way_lose_and_repeat_nothing(agent: Any, sandbox: Sandbox, name: str) -> None:
    task = agent.run("[[seconds=30 logs=250]]")
    sandbox.inject("get_agent_run_logs", FAULTS[name], rate=0.5)
    entries = list(task.stream_logs())
    assert len(entries) == 250
    assert numbers(entries) == all_entries(sandbox)


def test_many_kinds_of_faults_at_once(agent: Any, sandbox: Sandbox) -> None:
    task = agent.run("[[seconds=60 logs=250]]")
    for fault in FAULTS.values():
        sandbox.inject("get_agent_run_logs", fault, rate=0.15)
    assert numbers(list(task.stream_logs())) == all_entries(sandbox)


def test_a_fault_after_the_last_entry_does_not_spoil_the_stream(agent: Any, sandbox: Sandbox) -> None:
    task = agent.run("[[seconds=20 logs=12]]")
    sandbox.inject("get_agent_run", Fault.reset_before(), times=2)
    assert len(list(task.stream_logs())) == 12
    assert task.status == "completed"


def test_entries_come_as_they_are_written(agent: Any, sandbox: Sandbox, clock: FakeClock) -> None:
    task = agent.run("[[seconds=100 logs=50]]")
    before = clock.monotonic()
    for entry, _ in zip(task.stream_logs(poll_interval=1), range(20), strict=False):
        assert entry.created_at <= sandbox.runs[0].logs[-1]["created_at"]
    assert clock.monotonic() - before < 60


@pytest.mark.parametrize(
    ("outcome", "status"), [("failed", "failed"), ("cancelled", "cancelled"), ("paused", "paused")]
)
def test_every_end_and_a_pause_end_the_stream(agent: Any, sandbox: Sandbox, outcome: str, status: str) -> None:
    task = agent.run(f"[[outcome={outcome} seconds=20 logs=12]]")
    assert len(list(task.stream_logs())) == 12
    assert task.status == status


def test_a_log_that_has_ended_is_read_without_a_pause(agent: Any, clock: FakeClock) -> None:
    task = agent.run("[[seconds=0 logs=150]]")
    assert len(list(task.stream_logs())) == 150
    assert clock.slept == []


def test_a_resumed_run_can_be_followed_again(agent: Any, sandbox: Sandbox) -> None:
    task = agent.run("[[outcome=paused seconds=5 logs=5]]")
    assert len(list(task.stream_logs())) == 5
    task.resume("[[seconds=5 logs=7]] go on")
    entries = list(task.stream_logs())
    assert len(entries) == 12
    assert numbers(entries) == all_entries(sandbox)


def test_without_following_the_present_log_is_read(agent: Any, sandbox: Sandbox, clock: FakeClock) -> None:
    task = agent.run("[[seconds=100 logs=101]]")
    clock.advance(50)
    assert len(list(task.stream_logs(follow=False))) == 51
    assert task.status == "pending"
    assert clock.slept == []


def test_a_failure_that_lasts_ends_the_stream(agent: Any, sandbox: Sandbox) -> None:
    task = agent.run("hello")
    sandbox.inject("get_agent_run_logs", Fault.status(404))
    with pytest.raises(NotFoundError):
        list(task.stream_logs())


def test_a_stream_that_is_left_early_asks_no_more(agent: Any, sandbox: Sandbox) -> None:
    task = agent.run("[[seconds=60 logs=50]]")
    stream = task.stream_logs()
    next(stream)
    stream.close()
    before = len(sandbox.requests)
    assert task.refresh().id == 1
    assert len(sandbox.requests) == before + 1


def test_an_interval_that_makes_no_sense_is_refused_at_once(agent: Any) -> None:
    task = agent.run("hello")
    with pytest.raises(ConfigurationError, match="poll_interval"):
        task.stream_logs(poll_interval=0)


def test_a_stream_can_be_cancelled(sandbox: Sandbox) -> None:
    async def main() -> None:
        config = ClientConfig(api_token=TOKEN, base_url=sandbox.base_url)
        async with AsyncCodegenClient(config) as client:
            task = await AsyncAgent(323, client=client).run("[[seconds=60 logs=50]]")
            begun = asyncio.Event()

            async def follow() -> None:
                async for _ in task.stream_logs():
                    begun.set()

            following = asyncio.create_task(follow())
            await begun.wait()
            following.cancel()
            with pytest.raises(asyncio.CancelledError):
                await following
            assert (await client.get_agent_run(323, task.id)).status == "pending"

    asyncio.run(main())
