"""Waits that share a watcher: through clients and tasks, by threads, by tasks, in several loops."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from benchmarks.waiting import loop, watch
from codegen_ext import (
    Agent,
    AsyncAgent,
    AsyncCodegenClient,
    AsyncTask,
    AuthenticationError,
    ClientConfig,
    CodegenClient,
    ConfigurationError,
    NotFoundError,
    Task,
    ValidationError,
    WaitTimeoutError,
)
from codegen_ext.testing import FakeClock, Fault, Sandbox

from ..conftest import TOKEN, Flavour
from ..support.inside import waiting
from ..support.loopback import HANG, Loopback, reply

SOON = 20.0
"""Seconds of real time that a test gives what happens at once."""


def in_process(sandbox: Sandbox, **settings: Any) -> ClientConfig:
    plain = {"api_token": TOKEN, "base_url": sandbox.base_url, "transport": sandbox.transport(), "max_retries": 0}
    return ClientConfig(**{**plain, "enable_caching": False, **settings})


@pytest.fixture
def quick() -> Sandbox:
    """A sandbox in process with its rate limits, on a fake clock."""
    return Sandbox(run_seconds=100, clock=FakeClock(), token=TOKEN)


@contextmanager
def client_of(sandbox: Sandbox) -> Iterator[CodegenClient]:
    with CodegenClient(in_process(sandbox), clock=sandbox._clock) as client:
        yield client


def create(sandbox: Sandbox, count: int, seconds: Callable[[int], float] = lambda number: 100.0) -> list[int]:
    """Start runs, which the limit for creating would stretch."""
    sandbox.settings.rate_limits = False
    with client_of(sandbox) as client:
        made = [client.create_agent_run(323, f"[[seconds={seconds(n)} logs=0]]").id for n in range(count)]
    sandbox.settings.rate_limits = True
    return made


def asked(sandbox: Sandbox) -> list[Any]:
    return [record for record in sandbox.requests if record.method == "GET"]


def test_all_runs_are_waited_for_in_the_order_of_their_ids(client: Any, sandbox: Sandbox) -> None:
    for seconds in (60, 20, 40):
        client.create_agent_run(323, f"[[seconds={seconds}]]")
    runs = client.wait_for_all(323, [3, "1", 2, 3], timeout=500)
    assert [run.id for run in runs] == [3, 1, 2, 3]
    assert {run.status for run in runs} == {"completed"}
    assert client.wait_for_all(323, []) == []


def test_a_text_is_no_list_of_ids(client: Any, sandbox: Sandbox) -> None:
    client.create_agent_run(323, "[[seconds=0]]")
    with pytest.raises(ValidationError, match="agent_run_ids: expected a list of ids"):
        client.wait_for_all(323, "1")
    with pytest.raises(ValidationError, match="agent_run_ids: expected a list of ids"):
        list(client.as_completed(323, "1"))


def test_runs_come_as_they_finish(client: Any, sandbox: Sandbox) -> None:
    for seconds in (60, 20, 40):
        client.create_agent_run(323, f"[[seconds={seconds}]]")
    assert [run.id for run in client.as_completed(323, [1, 2, 3, 1])] == [2, 3, 1]


def test_what_fails_or_is_late_is_raised_after_all_that_was_in_time(client: Any, sandbox: Sandbox) -> None:
    client.create_agent_run(323, "[[seconds=30]]")
    client.create_agent_run(323, "[[outcome=never]]")
    late = client.as_completed(323, [99, 1])
    assert next(late).id == 1
    with pytest.raises(NotFoundError):
        next(late)
    with pytest.raises(WaitTimeoutError) as caught:
        client.wait_for_all(323, [1, 2], timeout=60)
    assert (caught.value.run_id, caught.value.run.status) == (2, "running")


@pytest.mark.parametrize("options", [{"poll_interval": 0}, {"timeout": -1}])
def test_options_that_make_no_sense_are_refused_before_anything_is_asked(
    client: Any, sandbox: Sandbox, options: dict[str, Any]
) -> None:
    for wait in (client.wait_for_all, client.as_completed):
        with pytest.raises(ConfigurationError, match=next(iter(options))):
            wait(323, [1], **options)
    with pytest.raises(ValidationError, match="agent_run_id"):
        client.wait_for_all(323, ["x"])
    assert sandbox.requests == []


@pytest.mark.parametrize("number", ["abc", "", "٣", None, 1.5, True, [1]])
def test_an_id_that_is_none_is_refused_before_anybody_is_made_to_wait(
    client: Any, flavour: Flavour, sandbox: Sandbox, number: Any
) -> None:
    # With a deadline that has passed before anything could be asked.
    for wait in (client.wait_for_completion, lambda org, one, **options: client.wait_for_all(org, [one], **options)):
        with pytest.raises(ValidationError, match="agent_run_id: expected a whole number"):
            wait(323, number, timeout=1e-9)
        with pytest.raises(ValidationError, match="org_id: expected a whole number"):
            wait(number, 1, timeout=1e-9)
    assert sandbox.requests == []


def test_tasks_of_several_clients_are_waited_for_together(
    flavour: Flavour, agent: Any, connect: Callable[..., Any], sandbox: Sandbox
) -> None:
    other = flavour.agent(323, client=connect())
    tasks = [agent.run("[[seconds=30]]"), other.run("[[seconds=50]]"), agent.run("[[seconds=10 outcome=failed]]")]
    inner = [getattr(task, "_target", task) for task in tasks]
    kind = AsyncTask if flavour.is_async else Task
    assert flavour.settle(kind.wait_all(inner)) == inner  # type: ignore[arg-type]
    assert [task.status for task in tasks] == ["completed", "completed", "failed"]
    late = agent.run("[[outcome=never]]")
    with pytest.raises(WaitTimeoutError):
        flavour.settle(kind.wait_all([getattr(late, "_target", late), *inner], timeout=10))
    assert late.status == "running"


class Held(httpx.BaseTransport):
    """Holds requests back until something holds, because a fake clock does not wait for threads that begin late."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox.transport()
        self._holds: Callable[[], bool] = lambda: True

    def until(self, holds: Callable[[], bool]) -> None:
        self._holds = holds

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        limit = time.monotonic() + SOON
        while not self._holds():
            assert time.monotonic() < limit
            time.sleep(0.002)
        self._holds = lambda: True
        return self._sandbox.handle_request(request)


def test_five_hundred_threads_share_a_few_requests_and_leave_nothing_behind(quick: Sandbox) -> None:
    ids = create(quick, 500, lambda number: 50 + number / 5)
    before = threading.active_count()
    held = Held(quick)
    with CodegenClient(in_process(quick, transport=held), clock=quick._clock) as client:
        agent = Agent(323, client=client)
        quick.settings.rate_limits = False
        other = Agent(323, client=client.with_options(timeout=9))
        tasks = agent.list_tasks(500)[::2] + other.list_tasks(500)[1::2]
        assert {task.id for task in tasks} == set(ids)
        quick.settings.rate_limits = True
        begun = len(asked(quick))
        held.until(lambda: waiting(client) == 500)

        def wait(task: Task) -> tuple[int, Any, str | None]:
            return task.id, task.wait_for_completion().status, task.result

        with ThreadPoolExecutor(500) as pool:
            finished = list(pool.map(wait, tasks))
    assert [run_id for run_id, _, _ in finished] == [task.id for task in tasks]
    assert all(status == "completed" and f"seconds={50 + (run_id - 1) / 5}" in (result or "")
               for run_id, status, result in finished)  # fmt: skip
    assert len(asked(quick)) - begun < 300
    assert {record.status for record in quick.requests} == {200}
    assert threading.active_count() == before


def test_five_hundred_tasks_share_a_few_requests_and_leave_nothing_behind(quick: Sandbox) -> None:
    ids = create(quick, 500, lambda number: 50 + number / 5)

    async def main() -> None:
        async with AsyncCodegenClient(in_process(quick), clock=quick._clock) as client:
            finished = await asyncio.gather(*(client.wait_for_completion(323, run_id) for run_id in ids))
            assert [run.id for run in finished] == ids
            assert {run.status for run in finished} == {"completed"}
            await asyncio.sleep(0)
            assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    assert len(asked(quick)) < 300
    assert {record.status for record in quick.requests} == {200}


def test_loops_and_threads_of_one_process_use_clients_at_once(quick: Sandbox) -> None:
    ids = create(quick, 120)
    quick.settings.rate_limits = False
    shared_async = AsyncCodegenClient(in_process(quick), clock=quick._clock)
    shared = CodegenClient(in_process(quick), clock=quick._clock)

    def in_loop(part: int) -> list[int]:
        async def main() -> list[int]:
            runs = await asyncio.gather(*(shared_async.wait_for_completion(323, one) for one in ids[part::6]))
            return [run.id for run in runs]

        return asyncio.run(main())

    def in_thread(part: int) -> list[int]:
        return [run.id for run in shared.with_options(timeout=9).wait_for_all(323, ids[part::6])]

    with ThreadPoolExecutor(6) as pool:
        parts = [pool.submit(in_loop if part < 3 else in_thread, part) for part in range(6)]
        assert [part.result() for part in parts] == [ids[part::6] for part in range(6)]
    shared.close()
    asyncio.run(shared_async.close())


def test_a_refused_token_wakes_every_thread(quick: Sandbox) -> None:
    create(quick, 20)
    quick.inject("list_agent_runs", Fault.status(401))
    quick.inject("get_agent_run", Fault.status(401))
    with client_of(quick) as client, ThreadPoolExecutor(20) as pool:
        waits = [pool.submit(client.wait_for_completion, 323, run_id) for run_id in range(1, 21)]
        assert {type(wait.exception()) for wait in waits} == {AuthenticationError}


def test_a_cancelled_and_a_late_task_leave_the_others_alone(quick: Sandbox) -> None:
    create(quick, 3, lambda number: 50)

    async def main() -> None:
        async with AsyncCodegenClient(in_process(quick), clock=quick._clock) as client:
            first, late, last = (
                asyncio.create_task(client.wait_for_completion(323, run_id, timeout=timeout))
                for run_id, timeout in ((1, None), (2, 3.0), (3, None))
            )
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            first.cancel()
            results = await asyncio.gather(first, late, last, return_exceptions=True)
            assert isinstance(results[0], asyncio.CancelledError)
            assert isinstance(results[1], WaitTimeoutError)
            assert getattr(results[2], "status", None) == "completed"

    asyncio.run(main())


class Interrupting(FakeClock):
    """Somebody interrupts the thread that asks, once."""

    def __init__(self) -> None:
        super().__init__()
        self.armed = False

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.armed:
            self.armed = False
            raise KeyboardInterrupt


def test_the_lead_passes_on_when_its_thread_ends_early() -> None:
    clock = Interrupting()
    sandbox = Sandbox(clock=clock, token=TOKEN)
    create(sandbox, 10)
    clock.armed = True
    with CodegenClient(in_process(sandbox), clock=clock) as client:
        start = threading.Barrier(10)

        def wait(run_id: int) -> Any:
            start.wait()
            try:
                return client.wait_for_completion(323, run_id, timeout=5 if run_id == 1 else None).status
            except (KeyboardInterrupt, WaitTimeoutError) as error:
                return type(error)

        with ThreadPoolExecutor(10) as pool:
            outcomes = list(pool.map(wait, range(1, 11)))
    assert outcomes.count(KeyboardInterrupt) == 1
    assert outcomes.count("completed") >= 8


def test_a_callback_that_fails_leaves_nothing_behind(flavour: Flavour, client: Any, sandbox: Sandbox) -> None:
    client.create_agent_run(323, "[[outcome=never]]")
    client.create_agent_run(323, "[[seconds=60]]")

    def fail(progress: dict[str, Any]) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError) as caught:
        client.wait_for_completion(323, 1, progress_callback=fail)
    before = len(sandbox.requests)
    client.wait_for_completion(323, 2)
    assert caught.value.__traceback__ is not None
    assert {record.path.rpartition("/")[2] for record in sandbox.requests[before:]} == {"2"}


def test_a_short_wait_does_not_cut_the_requests_of_a_long_one(serve: Callable[..., Loopback]) -> None:
    running, done = ({"id": 1, "organization_id": 323, "status": word} for word in ("RUNNING", "COMPLETE"))
    server = serve(reply(running), HANG, reply(done))
    config = ClientConfig(api_token=TOKEN, base_url=server.base_url, max_retries=0, timeout=1)
    with CodegenClient(config) as client, ThreadPoolExecutor(2) as pool:
        short = pool.submit(client.wait_for_completion, 323, 1, poll_interval=0.2, timeout=0.4)
        assert server.arrived.wait(SOON)
        long = pool.submit(client.wait_for_completion, 323, 1, poll_interval=0.2, timeout=900)
        assert isinstance(short.exception(SOON), WaitTimeoutError)
        assert long.result(SOON).status == "completed"


def test_a_slow_callback_does_not_stop_the_others(quick: Sandbox) -> None:
    create(quick, 2, lambda number: 30)
    others_done = threading.Event()
    with client_of(quick) as client, ThreadPoolExecutor(2) as pool:
        slow = pool.submit(
            client.wait_for_completion, 323, 1, progress_callback=lambda progress: others_done.wait(SOON)
        )
        assert pool.submit(client.wait_for_completion, 323, 2).result(SOON).status == "completed"
        others_done.set()
        assert slow.result(SOON).status == "completed"


def test_a_time_out_is_kept_while_another_threads_request_hangs(serve: Callable[..., Loopback]) -> None:
    server = serve(HANG, reply({"id": 1, "organization_id": 323, "status": "COMPLETE"}))
    config = ClientConfig(api_token=TOKEN, base_url=server.base_url, max_retries=0, timeout=1)
    with CodegenClient(config) as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.wait_for_completion, 323, 1, poll_interval=0.05)
        assert server.arrived.wait(SOON)
        with pytest.raises(WaitTimeoutError):
            client.wait_for_completion(323, 1, timeout=0.1)
        assert not first.done()
        assert first.result(SOON).status == "completed"


def test_somebody_who_comes_during_a_rest_does_not_wait_for_its_end() -> None:
    sandbox = Sandbox(token=TOKEN, rate_limits=False)
    with CodegenClient(in_process(sandbox)) as client, ThreadPoolExecutor(1) as pool:
        client.create_agent_run(323, "[[outcome=never]]")
        client.create_agent_run(323, "[[seconds=0]]")
        first = pool.submit(client.wait_for_completion, 323, 1, poll_interval=900, timeout=900)
        assert client.wait_for_completion(323, 2, poll_interval=900, timeout=SOON).status == "completed"
        sandbox.runs[0].finish()
        client.notify_run({"id": 1, "status": "COMPLETE", "result": "told"})
        assert first.result(SOON).result == "told"


def test_a_webhook_wakes_a_task_of_another_thread_at_once() -> None:
    sandbox = Sandbox(token=TOKEN, rate_limits=False)

    async def main() -> None:
        async with AsyncCodegenClient(in_process(sandbox)) as client:
            task = await AsyncAgent(323, client=client).run("[[outcome=never]]")
            wait = asyncio.create_task(task.wait(poll_interval=900))
            await asyncio.sleep(0.01)
            await asyncio.to_thread(client.notify_run, {"id": task.id, "status": "running"})
            await asyncio.to_thread(client.notify_run, {"id": 77, "status": "completed"})
            await asyncio.to_thread(client.notify_run, {"id": task.id, "status": "completed", "result": "told"})
            async with asyncio.timeout(SOON):
                assert (await wait).result == "told"

    asyncio.run(main())


def test_a_webhook_for_which_nobody_waits_is_ignored(flavour: Flavour, client: Any) -> None:
    client.notify_run({"id": 1, "status": "completed"})
    client.notify_run({})


def test_a_closed_client_ends_its_waits(quick: Sandbox) -> None:
    create(quick, 1)
    with client_of(quick) as client:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        client.wait_for_completion(323, 1)


@pytest.mark.parametrize("seed", range(5))
def test_one_run_costs_no_more_requests_than_the_plain_loop(seed: int) -> None:
    assert watch(1, seed).requests <= loop(1, seed).requests


def test_a_thousand_runs_cost_a_fiftieth_of_the_requests_of_the_plain_loop() -> None:
    plain, ours = loop(1000), watch(1000)
    assert ours.requests * 50 <= plain.requests
    assert ours.refused == 0
    assert ours.notice * 10 < plain.notice
