"""Waiting for a run over HTTP, by the client and by a task, sync and async."""

import asyncio
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from codegen_ext import (
    AsyncCodegenClient,
    AuthenticationError,
    ClientConfig,
    CodegenClient,
    ConfigurationError,
    NotFoundError,
    ValidationError,
    WaitTimeoutError,
)
from codegen_ext.testing import FakeClock, Fault, Sandbox

from ..conftest import TOKEN, once
from ..support.loopback import HANG, Loopback, reply
from ..unit.test_words import WORDS

Serve = Callable[..., Loopback]
Connect = Callable[..., Any]
SETTLED = {word: status for word, status in WORDS.items() if status not in ("pending", "running")}
UNKNOWN = ["NEVER_HEARD_OF", None]
RUNNING = {"id": 1, "organization_id": 323, "status": "RUNNING"}


class Waiter:
    """Waits through the client or through a task; both show the run."""

    def __init__(self, through: str, client: Any, agent: Any) -> None:
        self.through = through
        self.client = client
        self.agent = agent

    def __call__(self, run_id: int = 1, **options: Any) -> Any:
        if self.through == "client":
            return self.client.wait_for_completion(323, run_id, **options)
        task = self.agent.get_task(run_id)
        result = task.wait_for_completion(**options)
        assert result == task
        return result.run


@pytest.fixture(params=["client", "task"])
def wait(request: pytest.FixtureRequest, client: Any, agent: Any) -> Waiter:
    return Waiter(request.param, client, agent)


def polls(sandbox: Sandbox) -> int:
    return sum(record.operation == "get_agent_run" for record in sandbox.requests)


def wait_for(client: Any, prompt: str = "hello", **options: Any) -> Any:
    """Create a run and wait for it."""
    return client.wait_for_completion(323, client.create_agent_run(323, prompt).id, **options)


@pytest.mark.parametrize(("word", "status"), SETTLED.items())
def test_a_wait_returns_at_every_word_that_ends_or_pauses_a_run(
    client: Any, sandbox: Sandbox, word: str, status: str
) -> None:
    sandbox.script(states=[("PENDING", 2), ("ACTIVE", 20), (word, 0)])
    run = wait_for(client)
    assert (run.status, run.raw_status) == (status, word)


@pytest.mark.parametrize("word", ["PENDING", "QUEUED", "RUNNING", "EVALUATION", *UNKNOWN])
def test_a_wait_goes_on_while_the_run_does(client: Any, sandbox: Sandbox, word: str | None) -> None:
    sandbox.script(states=[(word, 60), ("COMPLETE", 0)])
    assert wait_for(client).status == "completed"
    assert polls(sandbox) > 12


@pytest.mark.parametrize("word", UNKNOWN)
def test_the_deadline_ends_a_wait_and_shows_the_last_state(
    wait: Waiter, client: Any, sandbox: Sandbox, clock: FakeClock, word: str | None
) -> None:
    sandbox.script(states=[(word, 0)])
    client.create_agent_run(323, "hello")
    with pytest.raises(TimeoutError) as caught:
        wait(timeout=60)
    error = caught.value
    assert isinstance(error, WaitTimeoutError)
    assert (error.run_id, error.run.id, error.timeout_duration, error.run.raw_status) == (1, 1, 60, word)
    assert clock.monotonic() == pytest.approx(60)
    assert sandbox.runs[0].status == word


@pytest.mark.parametrize("word", UNKNOWN)
def test_a_state_that_stays_unknown_for_an_hour_ends_a_wait_without_deadline(
    client: Any, sandbox: Sandbox, clock: FakeClock, word: str | None
) -> None:
    sandbox.script(states=[(word, 0)])
    with pytest.raises(TimeoutError, match="3600 s"):
        wait_for(client, poll_interval=200)
    assert 3600 <= clock.monotonic() < 3900


def test_a_wait_without_a_deadline_has_no_end_of_its_own(client: Any, clock: FakeClock) -> None:
    assert wait_for(client, "[[seconds=20000]]", poll_interval=600).status == "completed"
    assert clock.monotonic() >= 20_000


@pytest.mark.parametrize(
    ("options", "pauses"), [({"poll_interval": 15}, [2, 4, 8, 15, 15, 15]), ({}, [2, 4, 5, 5, 5, 5])]
)
def test_pauses_grow_from_two_seconds_to_the_interval(
    client: Any, sandbox: Sandbox, clock: FakeClock, options: dict[str, Any], pauses: list[float]
) -> None:
    wait_for(client, "[[seconds=90]]", **options)
    assert clock.slept[:6] == pytest.approx(pauses)
    assert max(clock.slept) == pytest.approx(pauses[-1])
    # Logs are read for a callback only.
    assert "get_agent_run_logs" not in {record.operation for record in sandbox.requests}


def test_a_task_that_was_just_read_is_not_read_at_once(agent: Any, sandbox: Sandbox, clock: FakeClock) -> None:
    task = agent.run("[[seconds=60]]")
    task.wait_for_completion()
    assert clock.slept == pytest.approx([2, 4, *[5] * 11])
    assert polls(sandbox) == 60 / 5 + 1  # what a loop that asks every five seconds needs
    task.wait_for_completion()
    assert polls(sandbox) == 60 / 5 + 2


def test_the_services_wish_is_heeded_on_success_and_on_refusal_each_time(
    serve: Serve, connect: Connect, clock: FakeClock
) -> None:
    server = serve(
        reply(RUNNING, headers={"Retry-After": "40"}),
        reply({"message": "slow down"}, 429, {"Retry-After": "70"}),
        reply(RUNNING),
        reply({"message": "busy"}, 503, {"Retry-After": "20"}),
        reply({**RUNNING, "status": "COMPLETE"}),
    )
    connect(server.base_url).wait_for_completion(323, 1)
    assert clock.slept[:2] == [40, 70]
    assert clock.slept[2] <= 4
    assert len(clock.slept) == 4


def test_the_deadline_is_nearer_than_the_services_wish(serve: Serve, connect: Connect, clock: FakeClock) -> None:
    server = serve(reply(RUNNING, headers={"Retry-After": "4000"}))
    with pytest.raises(WaitTimeoutError):
        connect(server.base_url).wait_for_completion(323, 1, timeout=10)
    assert (clock.slept, len(server.requests)) == ([10], 1)


@once
@pytest.mark.parametrize("status", [429, 503, 200])
@pytest.mark.parametrize("retry_after", ["1767225600", "1e20", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_wish_of_years_is_no_sleep_of_years(
    serve: Serve, connect: Connect, clock: FakeClock, status: int, retry_after: str
) -> None:
    server = serve(reply(RUNNING, status, {"Retry-After": retry_after}), reply({**RUNNING, "status": "COMPLETE"}))
    with suppress(WaitTimeoutError):
        assert connect(server.base_url).wait_for_completion(323, 1).status == "completed"
    assert clock.monotonic() <= 3601


def test_a_timeout_of_nothing_looks_once(client: Any, clock: FakeClock) -> None:
    with pytest.raises(WaitTimeoutError) as caught:
        wait_for(client, timeout=0)
    assert caught.value.run.status == "pending"
    clock.advance(60)
    assert client.wait_for_completion(323, 1, timeout=0).status == "completed"


def test_a_task_that_was_just_read_is_known_when_its_wait_is_short(agent: Any, sandbox: Sandbox) -> None:
    task = agent.run("[[seconds=60]]")
    sandbox.inject("get_agent_run", Fault.status(503))
    with pytest.raises(WaitTimeoutError) as caught:
        task.wait_for_completion(timeout=1)
    assert caught.value.run.status == "pending"
    assert polls(sandbox) > 0


@pytest.mark.parametrize("run_is_cancelled", [False, True])
def test_the_run_goes_on_after_a_timeout_unless_its_end_was_asked_for(
    wait: Waiter, client: Any, sandbox: Sandbox, run_is_cancelled: bool
) -> None:
    client.create_agent_run(323, "[[outcome=never]]")
    with pytest.raises(WaitTimeoutError):
        wait(timeout=5, **({"cancel_on_timeout": True} if run_is_cancelled else {}))
    assert sandbox.runs[0].status == ("CANCELLED" if run_is_cancelled else "RUNNING")
    assert sandbox.runs[0].banned is run_is_cancelled


TRANSIENT = {
    "reset before": Fault.reset_before(),
    "reset after": Fault.reset_after(),
    "500": Fault.status(500),
    "502 html": Fault.status(502, b"<html>", {"content-type": "text/html"}),
    "429": Fault.status(429, retry_after=3),
    "truncated": Fault.truncate(10),
}


@pytest.mark.parametrize("fault", TRANSIENT.values(), ids=TRANSIENT)
def test_a_transient_failure_does_not_end_a_wait(client: Any, sandbox: Sandbox, fault: Fault) -> None:
    sandbox.inject("get_agent_run", fault, times=4)
    assert wait_for(client).status == "completed"
    assert polls(sandbox) > 4


def test_a_poll_that_times_out_ends_a_wait_at_its_deadline_only(serve: Serve, connect: Connect, flavour: Any) -> None:
    server = serve(HANG, reply({**RUNNING, "status": "COMPLETE"}))
    assert connect(server.base_url, timeout=0.03).wait_for_completion(323, 1).status == "completed"
    config = ClientConfig(api_token=TOKEN, base_url=serve(HANG).base_url, max_retries=0)
    with flavour.client(config) as client, pytest.raises(WaitTimeoutError) as caught:
        client.wait_for_completion(323, 1, timeout=0.05)
    assert (caught.value.run, caught.value.run_id) == (None, 1)


def test_failures_all_the_way_to_the_deadline(client: Any, sandbox: Sandbox, clock: FakeClock) -> None:
    sandbox.inject("get_agent_run", Fault.status(503))
    with pytest.raises(WaitTimeoutError, match="state unknown") as caught:
        client.wait_for_completion(323, "1", timeout=30)
    assert (caught.value.run, caught.value.run_id) == (None, 1)
    assert clock.monotonic() == pytest.approx(30)


@pytest.mark.parametrize(("status", "kind"), [(401, AuthenticationError), (404, NotFoundError), (422, ValidationError)])
def test_a_failure_that_lasts_ends_a_wait_at_once(
    client: Any, sandbox: Sandbox, clock: FakeClock, status: int, kind: type[Exception]
) -> None:
    sandbox.inject("get_agent_run", Fault.status(status))
    with pytest.raises(kind):
        wait_for(client)
    assert (polls(sandbox), clock.slept) == (1, [])


@pytest.mark.parametrize("options", [{"poll_interval": 0}, {"poll_interval": -1}, {"timeout": -1}, {"timeout": "5"}])
def test_options_that_make_no_sense_are_refused(client: Any, sandbox: Sandbox, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        wait_for(client, **options)
    assert polls(sandbox) == 0


def test_the_progress_callback_gets_one_dict_after_each_poll(wait: Waiter, client: Any, sandbox: Sandbox) -> None:
    client.create_agent_run(323, "[[seconds=30 logs=12]]")
    seen: list[dict[str, Any]] = []
    wait(progress_callback=seen.append)
    assert len(seen) == polls(sandbox) - (wait.through == "task")
    assert all(list(progress) == ["status", "elapsed", "log_count", "last_thought"] for progress in seen)
    assert (seen[0]["status"], seen[-1]["status"]) == ("pending", "completed")
    for name, last in (("log_count", 12), ("elapsed", 30)):
        numbers = [progress[name] for progress in seen]
        assert numbers == sorted(numbers)
        assert numbers[-1] >= last
    assert seen[-1]["last_thought"] == "The task is done."


def test_progress_without_readable_logs_is_still_progress(client: Any, sandbox: Sandbox) -> None:
    sandbox.inject("get_agent_run_logs", Fault.status(404))
    seen: list[dict[str, Any]] = []
    wait_for(client, progress_callback=seen.append)
    assert {(progress["log_count"], progress["last_thought"]) for progress in seen} == {(None, None)}


@pytest.mark.parametrize("flavour", ["async"], indirect=True)
def test_an_async_callback_is_awaited(client: Any) -> None:
    seen: list[str] = []

    async def notify(progress: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        seen.append(progress["status"])

    wait_for(client, progress_callback=notify)
    assert seen[-1] == "completed"


def test_ctrl_c_ends_a_wait_and_leaves_the_client_usable(sandbox: Sandbox) -> None:
    def interrupt(progress: dict[str, Any]) -> None:
        threading.Timer(0.01, signal.raise_signal, [signal.SIGINT]).start()

    with CodegenClient(ClientConfig(api_token=TOKEN, base_url=sandbox.base_url)) as client:
        with pytest.raises(KeyboardInterrupt):
            wait_for(client, progress_callback=interrupt, cancel_on_timeout=True)
        assert client.get_agent_run(323, 1).status == "pending"
    assert not sandbox.runs[0].banned


async def test_cancelling_a_wait_leaves_the_client_usable(sandbox: Sandbox) -> None:
    async with AsyncCodegenClient(ClientConfig(api_token=TOKEN, base_url=sandbox.base_url)) as client:
        await client.create_agent_run(323, "hello")
        polled = asyncio.Event()
        wait = asyncio.create_task(client.wait_for_completion(323, 1, progress_callback=lambda progress: polled.set()))
        await polled.wait()
        await asyncio.sleep(0)
        wait.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wait
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.wait_for_completion(323, 1), 0.02)
        assert (await client.get_agent_run(323, 1)).status == "pending"
    assert not sandbox.runs[0].banned


def test_a_run_that_another_thread_ends_ends_the_wait(sandbox: Sandbox, client: Any) -> None:
    seen: list[str] = []

    def end_after_some_polls(progress: dict[str, Any]) -> None:
        seen.append(progress["status"])
        if len(seen) == 5:
            thread = threading.Thread(target=sandbox.runs[0].finish)
            thread.start()
            thread.join()

    assert wait_for(client, "[[outcome=never]]", progress_callback=end_after_some_polls).status == "completed"
    assert len(seen) == 6
