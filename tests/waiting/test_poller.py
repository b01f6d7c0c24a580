"""Waits that share a poller: what is requested for all of them, and which of them learns what."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import httpx
import pytest

from benchmarks.waiting import loop, watch, watch_list
from codegen_ext import (
    AsyncCodegenClient,
    AuthenticationError,
    CodegenClient,
    ConfigurationError,
    InvalidResponseError,
    NotFoundError,
    PermissionDeniedError,
    ValidationError,
    WaitTimeoutError,
)
from codegen_ext.testing import FakeClock

from ..conftest import Flavour, once
from ..support.runs import ORG, Runs
from ..support.waiting import until

SOON = 20.0
"""Seconds of real time that a test gives what happens at once."""


class StuckClock(FakeClock):
    """Fails what would wait for ever."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        assert len(self.slept) < 20_000, "this test sleeps without end"


@pytest.fixture
def clock() -> FakeClock:
    return StuckClock()


@pytest.fixture
def open_client(flavour: Flavour, clock: FakeClock) -> Any:
    """Build clients of a service of runs."""

    def build(runs: Runs, **settings: Any) -> Any:
        return flavour.client(runs.config(**settings), clock=clock)

    return build


def workers() -> int:
    return sum(thread.name == "codegen-worker" for thread in threading.enumerate())


def outcomes(client: Any, ids: Any, **options: Any) -> dict[int, Any]:
    """Wait for each of these runs in a thread of its own, and return results and errors."""
    ids = list(ids)
    with ThreadPoolExecutor(len(ids)) as pool:
        waits = {run_id: pool.submit(client.wait_for_completion, ORG, run_id, **options) for run_id in ids}
        return {run_id: wait.exception(SOON) or wait.result().status for run_id, wait in waits.items()}


def test_runs_come_as_they_finish_and_are_returned_in_the_order_of_their_ids(
    open_client: Callable[..., Any], clock: FakeClock
) -> None:
    with open_client(Runs(clock, {1: 60, 2: 20, 3: 40})) as client:
        assert [run.id for run in client.as_completed(ORG, [1, 2, 3, 1])] == [2, 3, 1]
        assert [run.id for run in client.wait_for_all(ORG, [3, "1", 2, 3])] == [3, 1, 2, 3]
        assert client.wait_for_all(ORG, []) == []


def test_what_fails_or_is_late_is_raised_after_all_that_was_in_time(
    open_client: Callable[..., Any], clock: FakeClock
) -> None:
    with open_client(Runs(clock, {1: 30, 2: 1e9})) as client:
        late = client.as_completed(ORG, [99, 1])
        assert next(late).id == 1
        with pytest.raises(NotFoundError):
            next(late)
        with pytest.raises(WaitTimeoutError) as caught:
            client.wait_for_all(ORG, [1, 2], timeout=60)
        assert (caught.value.run_id, caught.value.run.status) == (2, "running")


@once
@pytest.mark.parametrize(
    ("ids", "options", "error", "named"),
    [
        ([1], {"poll_interval": 0}, ConfigurationError, "poll_interval"),
        ([1], {"timeout": -1}, ConfigurationError, "timeout must be a number of seconds from 0"),
        ([1], {"timeout": True}, ConfigurationError, "timeout"),
        *(([number], {}, ValidationError, "agent_run_id: expected") for number in ("abc", "", "٣", None, 1.5, True)),
        ("1", {}, ValidationError, "agent_run_ids: expected a list"),
        (5, {}, ValidationError, "agent_run_ids: expected a list"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_sent(
    open_client: Callable[..., Any], clock: FakeClock, ids: Any, options: Any, error: type[Exception], named: str
) -> None:
    runs = Runs(clock, {1: 1})
    with open_client(runs) as client:
        for wait in (client.wait_for_all, client.as_completed):
            with pytest.raises(error, match=named):
                wait(ORG, ids, **options)
        with pytest.raises(ValidationError, match="org_id"):
            client.wait_for_all("x", [1])
    assert runs.asked == []


@once
def test_a_run_that_does_not_exist_ends_its_own_wait_alone(open_client: Callable[..., Any], clock: FakeClock) -> None:
    runs = Runs(clock, {1: 50, 2: 50, 3: 50})
    runs.deleted = {2}
    with open_client(runs) as client:
        found = outcomes(client, [1, 2, 3])
    assert (found[1], found[3], type(found[2])) == ("completed", "completed", NotFoundError)


@once
@pytest.mark.parametrize(
    ("refuse", "kind"),
    [
        ({"page": 401, "run": 401}, AuthenticationError),
        ({"page": ZeroDivisionError("mine"), "run": ZeroDivisionError("mine")}, ZeroDivisionError),
        ({"page": 403, "run": 403}, PermissionDeniedError),
        ({"page": 404, "run": 404}, NotFoundError),
    ],
)
def test_what_concerns_all_waits_ends_all_of_them_after_few_requests(
    open_client: Callable[..., Any], clock: FakeClock, refuse: Any, kind: type[Exception]
) -> None:
    runs = Runs(clock, dict.fromkeys(range(1, 21), 1e9))
    runs.refuse = refuse
    with open_client(runs) as client:
        first = client.as_completed(ORG, range(1, 21))
        with pytest.raises(kind):
            next(first)
        assert len(runs.asked) <= 2
        runs.refuse = {}
        runs.ends = {1: 0}
        assert client.wait_for_completion(ORG, 1).status == "completed"


@once
@pytest.mark.parametrize("refuse", [{"page": 403}, {"page": 422}, {"page": 500}, {"page 0": 500}])
def test_a_list_that_cannot_be_read_keeps_no_run_waiting(
    open_client: Callable[..., Any], clock: FakeClock, refuse: Any
) -> None:
    runs = Runs(clock, dict.fromkeys(range(1, 4), 30), total=150)
    runs.refuse = refuse
    with open_client(runs) as client:
        if 500 in refuse.values():
            assert {run.id for run in client.as_completed(ORG, [1], timeout=400)} == {1}
            return
        assert len(client.wait_for_all(ORG, [1, 2, 3], timeout=400)) == 3


@once
def test_a_page_that_is_broken_keeps_its_runs_not_waiting(open_client: Callable[..., Any], clock: FakeClock) -> None:
    runs = Runs(clock, {1: 30, 2: 30, 3: 30})
    runs.fields[3] = {"organization_id": None, "id": 3, "github_pull_requests": 5}
    with open_client(runs) as client:
        found = outcomes(client, [1, 2])
        assert set(found.values()) == {"completed"}
        assert isinstance(outcomes(client, [3])[3], InvalidResponseError)


@once
def test_a_run_that_the_list_does_not_show_is_read_alone(open_client: Callable[..., Any], clock: FakeClock) -> None:
    runs = Runs(clock, dict.fromkeys(range(1, 301), 100))
    runs.hidden = {7}
    with open_client(runs) as client:
        assert len(client.wait_for_all(ORG, range(1, 11))) == 10
    assert "run 7" in runs.asked
    assert {name for name in runs.asked if name.startswith("run")} == {"run 7"}


@once
@pytest.mark.parametrize(("arrivals", "deleted"), [(7, 0), (3, 50)])
def test_each_run_gets_its_turn_while_the_list_grows_and_others_were_deleted(
    open_client: Callable[..., Any], clock: FakeClock, arrivals: int, deleted: int
) -> None:
    ids = range(1, 161)
    runs = Runs(clock, {1: 60, 80: 60, 160: 60})
    runs.arrivals, runs.seconds = arrivals, 0.01
    runs.deleted = set(range(5, 5 + deleted))
    told: dict[int, float] = {}
    with open_client(runs) as client:
        waits = client.as_completed(ORG, ids, timeout=300)
        for _ in range(3):
            told[next(waits).id] = clock.monotonic()
        with pytest.raises(NotFoundError if deleted else WaitTimeoutError):
            next(waits)
    assert set(told) == {1, 80, 160}
    assert max(told.values()) < 90
    assert all(f"run {gone}" in runs.asked for gone in runs.deleted)


def test_the_first_of_two_waits_keeps_its_deadline_and_the_second_its_result(
    open_client: Callable[..., Any], clock: FakeClock
) -> None:
    with open_client(Runs(clock, {1: 1e9, 2: 50})) as client:
        with pytest.raises(WaitTimeoutError, match="not finished after 20 s, last state running"):
            client.wait_for_completion(ORG, 1, timeout=20)
        assert clock.monotonic() == pytest.approx(20)
        assert client.wait_for_completion(ORG, 2).status == "completed"


@once
def test_a_cause_is_told_when_the_service_is_gone(open_client: Callable[..., Any], clock: FakeClock) -> None:
    runs = Runs(clock, {1: 1e9, 2: 1e9})
    with open_client(runs) as client:
        waits = client.as_completed(ORG, [1, 2], timeout=60)
        runs.refuse = {"page": httpx.ConnectError("refused"), "run": httpx.ConnectError("refused")}
        with pytest.raises(WaitTimeoutError, match=r"state unknown; no answer for 60 s: .*refused") as caught:
            next(waits)
        assert type(caught.value.__cause__).__name__ == "NetworkError"
        runs.refuse = {}
        with pytest.raises(WaitTimeoutError, match=r"last state running$") as caught:
            client.wait_for_all(ORG, [1, 2], timeout=60)
        assert caught.value.__cause__ is None


class Once(dict):  # type: ignore[type-arg]
    """Refusals that each happen once."""

    def get(self, key: Any, default: Any = None) -> Any:
        return self.pop(key, default)


@once
def test_a_failure_that_has_passed_is_no_cause(open_client: Callable[..., Any], clock: FakeClock) -> None:
    runs = Runs(clock, {1: 1e9})
    runs.refuse = Once(run=503)
    with open_client(runs) as client, pytest.raises(WaitTimeoutError, match=r"last state running$") as caught:
        client.wait_for_completion(ORG, 1, timeout=60)
    assert (caught.value.__cause__, runs.refuse) == (None, {})


@once
def test_failures_hold_all_polls_back_a_little_longer_each_time(
    open_client: Callable[..., Any], clock: FakeClock
) -> None:
    runs = Runs(clock, {1: 200, 2: 200})
    runs.refuse = {"page": httpx.ReadError("cut"), "run": httpx.ReadError("cut")}
    with open_client(runs) as client:
        with pytest.raises(WaitTimeoutError):
            client.wait_for_all(ORG, [1, 2], poll_interval=60, timeout=100)
        gaps = [later - earlier for earlier, later in pairwise(runs.times)]
        assert gaps == pytest.approx([2, 4, 8, 16, 32])
        runs.refuse = {}
        assert len(client.wait_for_all(ORG, [1, 2])) == 2


@once
@pytest.mark.parametrize("moved", ["summary", "log"])
def test_polls_are_quick_again_when_a_run_moves(open_client: Callable[..., Any], clock: FakeClock, moved: str) -> None:
    runs = Runs(clock, {1: 300})
    seen: list[float] = []

    def callback(progress: dict[str, Any]) -> None:
        seen.append(clock.monotonic())
        if len(seen) == 6:
            runs.logs[1] += moved == "log"
            runs.fields[1] = {"summary": "Now I test."} if moved == "summary" else {}

    with open_client(runs) as client:
        client.wait_for_completion(ORG, 1, poll_interval=30, progress_callback=callback)
    gaps = [round(later - earlier) for earlier, later in pairwise(seen)]
    assert gaps[:8] == [2, 4, 8, 16, 30, 30, 2, 4]


@once
def test_the_most_impatient_wait_sets_the_pace_of_a_run(open_client: Callable[..., Any], clock: FakeClock) -> None:
    runs = Runs(clock, {1: 200})

    with open_client(runs) as client:

        def callback(progress: dict[str, Any]) -> None:
            if runs.count("run") == 1:
                with pytest.raises(WaitTimeoutError):
                    client.wait_for_completion(ORG, 1, poll_interval=3, timeout=20)

        client.wait_for_completion(ORG, 1, poll_interval=60, progress_callback=callback)
    polls = [at for name, at in zip(runs.asked, runs.times, strict=True) if name == "run 1"]
    gaps = [later - earlier for earlier, later in pairwise(polls)]
    assert max(gaps[:6]) <= 3
    assert len(polls) < 16


@once
def test_logs_are_read_for_callbacks_only_and_only_while_the_limit_is_hardly_used(
    open_client: Callable[..., Any], clock: FakeClock
) -> None:
    runs = Runs(clock, {1: 100, 2: 100})
    seen: list[Any] = []
    with open_client(runs, rate_limits=True) as client:
        client.wait_for_completion(ORG, 2, progress_callback=lambda progress: seen.append(progress["last_thought"]))
        assert runs.count("log") == runs.count("run") == len(seen)
        runs.ends = {1: clock.monotonic() + 60}
        for _ in range(30):
            client.get_agent_run_logs(ORG, 2)
        before = runs.count("log")
        client.wait_for_completion(ORG, 1, poll_interval=2, progress_callback=lambda progress: None)
        assert runs.count("log") - before < 30


@once
def test_polls_stand_back_while_other_calls_use_the_limit(open_client: Callable[..., Any], clock: FakeClock) -> None:
    runs = Runs(clock, dict.fromkeys(range(1, 31), 1e9))
    with open_client(runs, rate_limits=True) as client:
        for _ in range(45):
            client.get_agent_run(ORG, 1)
        begun = clock.monotonic()
        with pytest.raises(WaitTimeoutError):
            client.wait_for_all(ORG, range(1, 31), timeout=begun + 29)
        assert runs.count("page") == 0, "two thirds of the window are used"
        with pytest.raises(WaitTimeoutError):
            client.wait_for_all(ORG, range(1, 31), timeout=60)
        assert 10 <= runs.count("page") <= 20


def test_a_webhook_ends_a_wait_at_once_and_keeps_what_it_does_not_say(
    flavour: Flavour, open_client: Callable[..., Any], clock: FakeClock
) -> None:
    runs = Runs(clock, {1: 1e9})
    runs.fields[1] = {"web_url": "https://example.com/1"}
    with open_client(runs) as client:
        told = 0

        def callback(progress: dict[str, Any]) -> None:
            nonlocal told
            told += 1
            if told == 3:
                client.notify_run({"id": 77, "status": "completed"})
                client.notify_run({"id": 1, "organization_id": 5, "status": "completed"})
                client.notify_run({"id": "1", "status": "completed", "result": "told", "web_url": None})

        run = client.wait_for_completion(ORG, 1, progress_callback=callback)
        assert (run.status, run.result, run.web_url, runs.count("run")) == (
            "completed",
            "told",
            "https://example.com/1",
            3,
        )
        client.notify_run({"id": 1, "status": "completed"})


def test_a_callback_that_fails_is_logged_and_changes_nothing(
    open_client: Callable[..., Any], clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(progress: dict[str, Any]) -> None:
        raise LookupError("mine")

    with open_client(Runs(clock, {1: 10})) as client:
        assert client.wait_for_completion(ORG, 1, progress_callback=fail).status == "completed"
        assert "LookupError: mine" in caplog.text


many = pytest.mark.parametrize(("count", "most"), [(50, 200), pytest.param(500, 1_000, marks=pytest.mark.slow)])


@many
def test_threads_share_a_few_requests_and_leave_nothing_behind(clock: FakeClock, count: int, most: int) -> None:
    ids = range(1, count + 1)
    runs = Runs(clock, {run_id: 50 + run_id * 100 / count for run_id in ids})
    with CodegenClient(runs.config(rate_limits=True), clock=clock) as client:
        start = threading.Barrier(count)
        derived = client.with_options(timeout=9)

        def wait(run_id: int) -> Any:
            start.wait()
            return (client if run_id % 2 else derived).wait_for_completion(ORG, run_id, timeout=5_000).status

        with ThreadPoolExecutor(count) as pool:
            assert set(pool.map(wait, ids)) == {"completed"}
        assert len(runs.asked) < most
    until(lambda: not workers())


@many
async def test_tasks_share_a_few_requests_and_leave_nothing_behind(clock: FakeClock, count: int, most: int) -> None:
    ids = list(range(1, count + 1))
    runs = Runs(clock, {run_id: 50 + run_id * 100 / count for run_id in ids})
    async with AsyncCodegenClient(runs.config(rate_limits=True), clock=clock) as client:
        finished = await asyncio.gather(*(client.wait_for_completion(ORG, run_id) for run_id in ids))
        assert [run.id for run in finished] == ids
        await asyncio.sleep(0.01)
        assert asyncio.all_tasks() == {asyncio.current_task()}
    assert len(runs.asked) < most * 0.3


def test_loops_and_threads_of_one_process_use_clients_at_once(clock: FakeClock) -> None:
    runs = Runs(clock, dict.fromkeys(range(1, 121), 100))
    shared, shared_async = CodegenClient(runs.config(), clock=clock), AsyncCodegenClient(runs.config(), clock=clock)
    ids = list(range(1, 121))

    def in_loop(part: int) -> list[int]:
        async def main() -> list[int]:
            found = await asyncio.gather(*(shared_async.wait_for_completion(ORG, one) for one in ids[part::6]))
            return [run.id for run in found]

        return asyncio.run(main())

    def in_thread(part: int) -> list[int]:
        return [run.id for run in shared.with_options(timeout=9).wait_for_all(ORG, ids[part::6])]

    with ThreadPoolExecutor(6) as pool:
        parts = [pool.submit(in_loop if part < 3 else in_thread, part) for part in range(6)]
        assert [part.result(SOON) for part in parts] == [ids[part::6] for part in range(6)]
    shared.close()
    asyncio.run(shared_async.close())


async def test_a_cancelled_and_a_late_task_leave_the_others_alone(clock: FakeClock) -> None:
    runs = Runs(clock, dict.fromkeys((1, 2, 3), 50))
    async with AsyncCodegenClient(runs.config(), clock=clock) as client:
        first, late, last = (
            asyncio.create_task(client.wait_for_completion(ORG, run_id, timeout=timeout))
            for run_id, timeout in ((1, None), (2, 3.0), (3, None))
        )
        await asyncio.sleep(0)
        first.cancel()
        results = await asyncio.gather(first, late, last, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert isinstance(results[1], WaitTimeoutError)
    assert getattr(results[2], "status", None) == "completed"


def test_a_wait_that_begins_and_a_webhook_end_the_rest_of_the_poller() -> None:
    clock = FakeClock()
    runs = Runs(clock, {2: 0}, total=3)
    runs.deleted = {3}
    with CodegenClient(runs.config()) as client, ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.wait_for_completion, ORG, 1, poll_interval=900, timeout=900)
        until(lambda: runs.asked)
        assert client.wait_for_completion(ORG, 2, poll_interval=900, timeout=SOON).status == "completed"
        with pytest.raises(NotFoundError):
            client.wait_for_completion(ORG, 3, timeout=SOON)
        client.notify_run({"id": 1, "status": "COMPLETE", "result": "told"})
        assert first.result(SOON).result == "told"
    until(lambda: not workers())


def test_a_deadline_is_kept_while_the_pollers_request_hangs() -> None:
    hang = threading.Event()

    def answer(request: httpx.Request) -> httpx.Response:
        hang.wait(SOON)
        return httpx.Response(200, json={"id": 1, "organization_id": ORG, "status": "COMPLETE"})

    config = Runs(FakeClock(), {}).config()
    config.transport = httpx.MockTransport(answer)
    with CodegenClient(config) as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.wait_for_completion, ORG, 1)
        start = time.monotonic()
        with pytest.raises(WaitTimeoutError):
            client.wait_for_completion(ORG, 1, timeout=0.1)
        assert time.monotonic() - start < SOON / 2
        assert not first.done()
        hang.set()
        assert first.result(SOON).status == "completed"


def test_a_slow_callback_does_not_stop_the_others(clock: FakeClock) -> None:
    others_done = threading.Event()
    with CodegenClient(Runs(clock, {1: 30, 2: 30}).config(), clock=clock) as client, ThreadPoolExecutor(2) as pool:
        slow = pool.submit(client.wait_for_completion, ORG, 1, progress_callback=lambda _: others_done.wait(SOON))
        assert pool.submit(client.wait_for_completion, ORG, 2).result(SOON).status == "completed"
        others_done.set()
        assert slow.result(SOON).status == "completed"


class Held(dict):  # type: ignore[type-arg]
    """A state of a run that is read, under the lock of the poller's state, until it is let go."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(fields)
        self.read, self.let_go = threading.Event(), threading.Event()

    def get(self, key: str, default: Any = None) -> Any:
        if key == "organization_id":
            self.read.set()
            assert self.let_go.wait(SOON)
        return super().get(key, default)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("inside", [False, True], ids=["beside a wait", "within a wait"])
def test_a_child_can_wait_while_another_thread_of_its_parent_does(inside: bool) -> None:
    clock = FakeClock()
    runs = Runs(clock, {1: 1e9, 2: 10, 4: 0})
    with CodegenClient(runs.config()) as client, ThreadPoolExecutor(2) as pool:
        other = pool.submit(client.wait_for_completion, ORG, 1, poll_interval=0.05)
        until(lambda: runs.asked)
        waits: Any = client.as_completed(ORG, [4, 2], poll_interval=0.05)
        assert next(waits).id == 4
        held = Held(id=99, status="RUNNING")
        pool.submit(client.notify_run, held)
        assert held.read.wait(SOON)
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            status = 1
            try:
                clock.advance(20)
                run = next(waits) if inside else client.wait_for_completion(ORG, 2, timeout=9)
                waits.close()
                status = 0 if (run.id, run.status) == (2, "completed") else 2
            finally:
                os._exit(status)
        status = os.waitpid(child, 0)[1]
        held.let_go.set()
        assert os.waitstatus_to_exitcode(status) == 0
        clock.advance(1e9)
        assert next(waits).id == 2
        assert other.result(SOON).status == "completed"


def test_a_closed_client_ends_its_waits(clock: FakeClock) -> None:
    client = CodegenClient(Runs(clock, {1: 50}).config(), clock=clock)
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.wait_for_completion(ORG, 1)


@pytest.mark.parametrize(
    ("count", "requests", "notice"), [(1, 1, 1.0), (100, 20, 0.2), pytest.param(1000, 50, 0.1, marks=pytest.mark.slow)]
)
def test_waiting_costs_a_fraction_of_the_requests_of_the_plain_loop(count: int, requests: int, notice: float) -> None:
    plain, ours = loop(count), watch(count)
    assert ours.requests * requests <= plain.requests
    assert ours.refused == 0
    assert ours.notice <= notice * plain.notice


@pytest.mark.parametrize(("options", "notice"), [({"per_minute": 40.0}, 4.5), ({"deleted": 50}, 6.5)])
@pytest.mark.slow
def test_a_list_that_changes_delays_updates_little(options: dict[str, Any], notice: float) -> None:
    assert watch_list(400, **options).notice <= notice
