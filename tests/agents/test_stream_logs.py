"""Following a task's log: each entry exactly once and in order, whatever happens on the way."""

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen_ext import (
    AsyncAgent,
    AsyncCodegenClient,
    ClientConfig,
    CodegenClient,
    ConfigurationError,
    InvalidResponseError,
    NotFoundError,
    ServerError,
)
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


class Log:
    """A log in process that grows with each request by the next of `growth`, until its run settles."""

    def __init__(self, growth: list[int], faults: list[int], word: str = "COMPLETE", **headers: str) -> None:
        self.clock = FakeClock()
        self.growth, self.faults, self.word, self.headers = growth, faults, word, headers
        self.written = 0
        self.heeds_skip = True
        self.total: int | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.faults and (fault := self.faults.pop(0)):
            return httpx.Response(fault, json={}, headers={"Retry-After": "7"})
        status = "RUNNING" if self.growth else self.word
        self.written += self.growth.pop(0) if self.growth else 0
        skip = int(request.url.params["skip"]) if self.heeds_skip else 0
        shown = range(skip, min(self.written, skip + int(request.url.params["limit"])))
        logs = [{"agent_run_id": 1, "thought": str(number)} for number in shown]
        body = {
            "id": 1,
            "organization_id": 323,
            "status": status,
            "logs": logs,
            "total_logs": self.total or self.written,
        }
        return httpx.Response(200, json=body, headers=self.headers)

    def read(self, **options: Any) -> list[int]:
        config = ClientConfig(
            api_token=TOKEN, transport=httpx.MockTransport(self), rate_limits=False, max_retries=0, enable_caching=False
        )
        with CodegenClient(config, clock=self.clock) as client:
            return [int(entry.thought or "") for entry in client.stream_logs(323, 1, **options)]


@settings(max_examples=40)
@given(
    growth=st.lists(st.integers(0, 250), max_size=8),
    faults=st.lists(st.sampled_from([0, 0, 429, 503]), max_size=8),
    word=st.sampled_from(["COMPLETE", "FAILED", "STOPPED", "PAUSED"]),
)
def test_each_entry_comes_once_and_in_order_however_the_log_grows(
    growth: list[int], faults: list[int], word: str
) -> None:
    log = Log(growth, faults, word)
    assert log.read() == list(range(log.written))
    assert all(0 <= pause <= 7 for pause in log.clock.slept)


def test_a_log_without_following_is_read_to_its_present_end() -> None:
    log = Log([250, 0, 0, 1000], [])
    assert log.read(follow=False) == list(range(250))
    with pytest.raises(ServerError):
        Log([1], [503]).read(follow=False)


def test_a_service_that_fails_for_an_hour_ends_a_followed_log() -> None:
    log = Log([1], [503] * 10_000)
    with pytest.raises(ServerError):
        log.read()
    assert 3600 <= log.clock.monotonic() <= 3610


def test_a_quiet_log_is_read_more_and_more_rarely_and_often_again_when_it_grows() -> None:
    slept: list[list[float]] = []
    for _ in range(20):
        log = Log([*[0] * 5, 3, 0, 0, 0], [])
        log.read()
        slept.append(log.clock.slept)
    longest = [max(pauses) for pauses in zip(*slept, strict=True)]
    assert all(most <= bound for most, bound in zip(longest, [1, 2, 4, 5, 5, 1, 2, 4, 5], strict=True))
    assert longest[4] > 1


def test_a_followed_log_pauses_as_the_service_asks_but_not_for_years() -> None:
    log = Log([0, 0], [429], **{"Retry-After": "9"})
    log.read()
    assert log.clock.slept == [7, 9, 9]
    for faults in ([], [429]):
        log = Log([0], faults, **{"Retry-After": "1767225600"})
        log.read()
        assert log.clock.monotonic() <= 3600 + 7


def test_a_log_that_does_not_heed_skip_ends_or_is_refused() -> None:
    log = Log([40], [])
    log.heeds_skip = False
    assert log.read() == list(range(40))
    log = Log([250], [])
    log.heeds_skip, log.total = False, 10**6
    with pytest.raises(InvalidResponseError, match="the log does not go on"):
        log.read()
