"""Waits that share a poller: what is requested for all of them, and which of them learns what."""

import asyncio
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import pairwise

import httpx
import pytest

from benchmarks.waiting import loop, watch, watch_list
from codegen_ext import AsyncCodegenClient, CodegenClient, errors
from codegen_ext.run_watch import watch_request
from codegen_ext.testing import FakeClock

from ..support.waiting import in_child, until, until_async
from .runs import ORG, Runs

SOON = 20.0
"""Seconds of real time that a test gives what happens at once."""


@pytest.fixture
def clock(clock, monkeypatch):
    """The fake clock, on which no time passes before the waits have dealt with what they were told."""
    for kind in ("_sync", "_async"):
        monkeypatch.setattr(f"codegen_ext.{kind}.run_poller._LOOK", SOON)
    return clock


@pytest.fixture
def connect(clock):
    """Build a service of runs and a client of it, both on the fake clock."""
    with ExitStack() as stack:

        def build(ends, total=None, **settings):
            runs = Runs(clock, ends, total)
            return runs, stack.enter_context(CodegenClient(runs.config(**settings), clock=clock))

        yield build


@pytest.fixture
def no_second_poll(monkeypatch):
    """Have a run polled again after a quarter of an hour, so that whatever answers sooner was asked for at once."""
    monkeypatch.setattr("codegen_ext.run_watch.FIRST_PAUSE", 900.0)


def test_runs_come_as_they_finish_and_what_fails_or_is_late_after_them(flavour, clock):
    with flavour.client(Runs(clock, {1: 60, 2: 20, 3: 40, 4: 1e9}).config(), clock=clock) as client:
        assert [run.id for run in client.as_completed(ORG, [1, 2, 3, 1])] == [2, 3, 1]
        assert [run.id for run in client.wait_for_all(ORG, [3, "1", 2, 3])] == [3, 1, 2, 3]
        assert client.wait_for_all(ORG, []) == []
        runs = client.as_completed(ORG, [99, 1])
        assert next(runs).id == 1
        with pytest.raises(errors.NotFoundError):
            next(runs)
        begun = clock.monotonic()
        with pytest.raises(
            errors.WaitTimeoutError, match=r"run 4: not finished after 20 s, last state running$"
        ) as caught:
            client.wait_for_all(ORG, [1, 4], timeout=20)
        assert (caught.value.run_id, caught.value.run.status) == (4, "running")
        assert clock.monotonic() - begun == pytest.approx(20)
        assert client.wait_for_completion(ORG, 2).status == "completed"


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (401, errors.AuthenticationError),
        (ZeroDivisionError("mine"), ZeroDivisionError),
        (403, errors.PermissionDeniedError),
    ],
)
def test_what_concerns_all_waits_ends_all_of_them_after_few_requests(connect, refusal, kind):
    runs, client = connect(dict.fromkeys(range(1, 21), 1e9))
    runs.refuse = {"page": refusal, "run": refusal}
    with pytest.raises(kind):
        next(client.as_completed(ORG, range(1, 21)))
    assert len(runs.asked) <= 2
    runs.refuse = {}
    runs.ends = {1: 0}
    assert client.wait_for_completion(ORG, 1).status == "completed"


@pytest.mark.parametrize(
    ("trouble", "read_alone"),
    [
        ({"refuse": {"page": 403}}, range(1, 9)),
        ({"fields": {9: {"github_pull_requests": 5}}}, range(1, 9)),  # no page can be read
        ({"hidden": {7}}, [7]),
    ],
)
def test_runs_that_the_list_does_not_show_are_read_alone(connect, trouble, read_alone):
    runs, client = connect(dict.fromkeys(range(1, 9), 100), total=300 if "hidden" in trouble else 9)
    vars(runs).update(trouble)
    assert len(client.wait_for_all(ORG, range(1, 9), timeout=400)) == 8
    assert {name for name in runs.asked if name.startswith("run")} == {f"run {run_id}" for run_id in read_alone}
    if "fields" in trouble:
        with pytest.raises(errors.InvalidResponseError):
            client.wait_for_completion(ORG, 9)


@pytest.mark.parametrize(("arrivals", "deleted"), [(7, 0), (3, 50)])
def test_each_run_gets_its_turn_while_the_list_grows_and_others_were_deleted(connect, clock, arrivals, deleted):
    runs, client = connect({1: 60, 80: 60, 160: 60})
    runs.arrivals, runs.seconds = arrivals, 0.01
    runs.deleted = set(range(5, 5 + deleted))
    told = {}
    waits = client.as_completed(ORG, range(1, 161), timeout=300)
    for _ in range(3):
        told[next(waits).id] = clock.monotonic()
    with pytest.raises(errors.NotFoundError if deleted else errors.WaitTimeoutError):
        next(waits)
    assert set(told) == {1, 80, 160}
    assert max(told.values()) < 90
    assert all(f"run {gone}" in runs.asked for gone in runs.deleted)


class Once(dict):
    """Refusals that each happen once."""

    def get(self, key, default=None):
        return self.pop(key, default)


def test_failures_hold_polls_back_longer_each_time_and_are_the_cause_while_they_last(connect):
    runs, client = connect({1: 1e9, 2: 1e9})
    runs.refuse = {"page": httpx.ConnectError("refused"), "run": httpx.ConnectError("refused")}
    with pytest.raises(errors.WaitTimeoutError, match=r"state unknown; no answer for 100 s: .*refused") as caught:
        client.wait_for_all(ORG, [1, 2], poll_interval=60, timeout=100)
    assert type(caught.value.__cause__).__name__ == "NetworkError"
    assert [later - earlier for earlier, later in pairwise(runs.times)] == pytest.approx([2, 4, 8, 16, 32])
    with pytest.raises(errors.WaitTimeoutError):
        client.wait_for_completion(ORG, 1, poll_interval=60, timeout=10)
    assert [later - earlier for earlier, later in pairwise(runs.times[6:])] == pytest.approx([2, 4])
    for refusal in (503, 429, httpx.ReadTimeout("late"), httpx.ReadError("reset")):
        runs.refuse = Once(run=refusal)
        with pytest.raises(errors.WaitTimeoutError, match=r"last state running$") as caught:
            client.wait_for_completion(ORG, 1, timeout=60)
        assert (caught.value.__cause__, runs.refuse) == (None, {})


def test_a_service_that_is_down_is_polled_as_rarely_as_it_asks(connect):
    runs, client = connect({1: 1e9, 2: 1e9})
    runs.refuse, runs.retry_after = {"page": 503}, {"Retry-After": "50"}
    with pytest.raises(errors.WaitTimeoutError):
        client.wait_for_all(ORG, [1, 2], timeout=175)
    assert [later - earlier for earlier, later in pairwise(runs.times)] == [50, 50, 50]


@pytest.mark.parametrize("refusal", [None, httpx.ConnectError("refused")])
def test_a_wait_that_is_over_holds_no_other_back(connect, clock, refusal):
    runs, client = connect({1: 0, 2: 0})
    runs.seconds, runs.refuse = 1, {} if refusal is None else {"run": refusal}
    with pytest.raises(errors.WaitTimeoutError, match=r"after 0.5 s, state unknown: .*(timed out|refused)") as caught:
        client.wait_for_completion(ORG, 1, timeout=0.5)
    assert caught.value.__cause__ is not None
    runs.seconds, runs.refuse, begun = 0, {}, clock.monotonic()
    for run_id, timeout in ((1, 0.5), (2, 0.5), (1, 0)):
        assert client.wait_for_completion(ORG, run_id, timeout=timeout).status == "completed"
    assert (clock.monotonic(), len(runs.asked)) == (begun, 4)


@pytest.mark.parametrize("run_id", [1, 2])
@pytest.mark.parametrize("refusal", [None, httpx.ConnectError("refused")])
def test_a_short_wait_asks_at_once_whatever_an_earlier_wait_met(no_second_poll, refusal, run_id):
    runs = Runs(FakeClock(), {1: 1e9, 2: 1e9})
    runs.refuse = {} if refusal is None else {"run": refusal}
    with CodegenClient(runs.config()) as client, client.run_poller.subscribe(watch_request(ORG, 1, 900)) as earlier:
        if refusal is None:
            assert next(earlier).run.status == "running"
        until(lambda: runs.asked)
        runs.ends, runs.refuse = {1: 0, 2: 0}, {}
        assert client.wait_for_completion(ORG, run_id, poll_interval=900, timeout=SOON).status == "completed"


def test_a_wait_that_may_not_ask_says_what_forbids_it(connect, clock):
    runs, client = connect({1: 0, 2: 0})
    runs.refuse, runs.retry_after = Once(run=429), {"Retry-After": "5"}
    for timeout, said in ((0.5, "state unknown: refused"), (2, "no request was allowed: refused"), (0, "refused")):
        with pytest.raises(errors.WaitTimeoutError, match=said) as caught:
            client.wait_for_completion(ORG, 1 if timeout == 0.5 else 2, timeout=timeout)
        assert type(caught.value.__cause__) is errors.RateLimitError
    assert (clock.monotonic(), len(runs.asked)) == (2.5, 1)
    assert client.wait_for_completion(ORG, 2, timeout=4).status == "completed"


@pytest.mark.parametrize(
    ("earlier", "refusal", "webhook", "ends"),
    [
        ([1], None, None, "paused"),
        ([1], None, "RUNNING", "completed"),
        ([2, 3], None, None, "completed"),
        ([1], 404, None, errors.NotFoundError),
        ([1], 503, None, "completed"),
    ],
)
def test_what_was_asked_before_a_wait_began_or_a_webhook_came_is_out_of_date(
    no_second_poll, earlier, refusal, webhook, ends
):
    runs = Runs(FakeClock(), {1: 1e9, 2: 0, 3: 0})
    runs.fields, runs.refuse = {1: {"status": "PAUSED"}}, {} if refusal is None else {"run": refusal}
    asked, let_go = threading.Event(), threading.Event()

    def answer(request):
        response = runs(request)
        if not asked.is_set():
            asked.set()
            assert let_go.wait(SOON)
        return response

    config = runs.config()
    config.transport = httpx.MockTransport(answer)
    with CodegenClient(config) as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.wait_for_all, ORG, earlier, 900)
        assert asked.wait(SOON)
        if webhook is not None:
            client.notify_run({"id": 1, "status": webhook})
        with (
            client.run_poller.subscribe(watch_request(ORG, 1, 900, timeout=SOON)) as later,
            client.run_poller.subscribe(watch_request(ORG, 1, 900, timeout=0)) as once,
        ):
            runs.fields, runs.refuse, runs.ends[1] = {}, {}, 0
            let_go.set()
            for updates in (later, once):
                assert [update.run and update.run.status for update in updates] == ["completed"]
        outcome = first.exception(SOON) or first.result(SOON)[0].status
        assert outcome == ends or isinstance(outcome, ends)


@pytest.mark.parametrize("moved", ["summary", "log"])
def test_polls_are_quick_again_when_a_run_moves(connect, clock, moved):
    runs, client = connect({1: 300})
    seen = []

    def callback(progress):
        seen.append(clock.monotonic())
        if len(seen) == 6:
            runs.logs[1] += moved == "log"
            runs.fields[1] = {"summary": "Now I test."} if moved == "summary" else {}

    client.wait_for_completion(ORG, 1, poll_interval=30, progress_callback=callback)
    gaps = [round(later - earlier) for earlier, later in pairwise(seen)]
    assert gaps[:8] == [2, 4, 8, 16, 30, 30, 2, 4]


def test_logs_are_read_for_callbacks_only_and_only_while_the_limit_is_hardly_used(connect, clock):
    runs, client = connect({1: 100, 2: 100}, rate_limits=True)
    seen = []
    client.wait_for_completion(ORG, 2, progress_callback=lambda progress: seen.append(progress["last_thought"]))
    assert runs.count("log") == runs.count("run") == len(seen)
    runs.ends = {1: clock.monotonic() + 60}
    for _ in range(30):
        client.get_agent_run_logs(ORG, 2)
    before = runs.count("log")
    client.wait_for_completion(ORG, 1, poll_interval=2, progress_callback=lambda progress: None)
    assert runs.count("log") - before < 30


def test_polls_stand_back_while_other_calls_use_the_limit(connect, clock):
    runs, client = connect(dict.fromkeys(range(1, 31), 1e9), rate_limits=True)
    for _ in range(45):
        client.get_agent_run(ORG, 1)
    with pytest.raises(errors.WaitTimeoutError, match="no request was allowed: other calls use the rate limit"):
        client.wait_for_all(ORG, range(1, 31), timeout=clock.monotonic() + 29)
    assert runs.count("page") == 0, "two thirds of the window are used"
    with pytest.raises(errors.WaitTimeoutError):
        client.wait_for_all(ORG, range(1, 31), timeout=60)
    assert 10 <= runs.count("page") <= 20
    clock.advance(30)

    def use_the_limit(progress):
        for _ in range(45):
            client.get_agent_run(ORG, 1)

    with pytest.raises(errors.WaitTimeoutError, match=r"last state running$"):
        client.wait_for_completion(ORG, 1, timeout=9, progress_callback=use_the_limit)


def test_a_webhook_ends_a_wait_and_a_callback_that_fails_changes_nothing(flavour, clock, caplog):
    runs = Runs(clock, {1: 1e9})
    runs.fields[1] = {"web_url": "https://example.com/1"}
    told = 0

    def callback(progress):
        nonlocal told
        told += 1
        if told == 3:
            client.notify_run({"id": 77, "status": "completed"})
            client.notify_run({"id": 1, "organization_id": 5, "status": "completed"})
            client.notify_run({"id": "1", "status": "completed", "result": "told", "web_url": None})
        raise LookupError("mine")

    with flavour.client(runs.config(), clock=clock) as client:
        run = client.wait_for_completion(ORG, 1, progress_callback=callback)
        assert (run.status, run.result, run.web_url) == ("completed", "told", "https://example.com/1")
        assert runs.count("run") == 3
        client.notify_run({"id": 1, "status": "completed"})
    assert "LookupError: mine" in caplog.text


many = pytest.mark.parametrize(("count", "most"), [(50, 200), pytest.param(500, 1_000, marks=pytest.mark.slow)])


@many
def test_threads_share_a_few_requests_and_leave_nothing_behind(connect, count, most, workers):
    ids = range(1, count + 1)
    runs, client = connect({run_id: 50 + run_id * 100 / count for run_id in ids}, rate_limits=True)
    derived, start = client.with_options(timeout=9), threading.Barrier(count)

    def wait(run_id):
        start.wait()
        return (client if run_id % 2 else derived).wait_for_completion(ORG, run_id, timeout=5_000).status

    with ThreadPoolExecutor(count) as pool:
        assert set(pool.map(wait, ids)) == {"completed"}
    assert len(runs.asked) < most
    until(lambda: not workers())


@many
async def test_tasks_share_a_few_requests_and_leave_nothing_behind(clock, count, most):
    ids = list(range(1, count + 1))
    runs = Runs(clock, {run_id: 50 + run_id * 100 / count for run_id in ids})
    async with AsyncCodegenClient(runs.config(rate_limits=True), clock=clock) as client:
        finished = await asyncio.gather(*(client.wait_for_completion(ORG, run_id) for run_id in ids))
        assert [run.id for run in finished] == ids
        await until_async(lambda: asyncio.all_tasks() == {asyncio.current_task()})
    assert len(runs.asked) < most * 0.3


def test_loops_of_one_process_use_a_client_at_once(clock):
    client = AsyncCodegenClient(Runs(clock, dict.fromkeys(range(1, 91), 100)).config(), clock=clock)

    def in_a_loop(part):
        return [run.id for run in asyncio.run(client.wait_for_all(ORG, range(1 + part, 91, 3)))]

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(in_a_loop, range(3), timeout=SOON)) == [[*range(1 + part, 91, 3)] for part in range(3)]
    asyncio.run(client.close())


async def test_tasks_that_are_cancelled_late_or_impatient_leave_the_others_alone(clock):
    runs = Runs(clock, dict.fromkeys((1, 2, 3), 100))
    async with AsyncCodegenClient(runs.config(), clock=clock) as client:
        first, late, impatient, last = (
            asyncio.create_task(client.wait_for_completion(ORG, run_id, **options))
            for run_id, options in (
                (1, {}),
                (2, {"timeout": 3.0}),
                (3, {"poll_interval": 3, "timeout": 20}),
                (3, {"poll_interval": 60}),
            )
        )
        await asyncio.sleep(0)
        first.cancel()
        results = await asyncio.gather(first, late, impatient, last, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert [type(result) for result in results[1:3]] == [errors.WaitTimeoutError] * 2
    assert getattr(results[3], "status", None) == "completed"
    assert max(later - earlier for earlier, later in pairwise(at for at in runs.times if at <= 20)) <= 3


def test_a_wait_that_begins_and_a_webhook_end_the_rest_of_the_poller(workers):
    runs = Runs(FakeClock(), {2: 0}, total=3)
    runs.deleted = {3}
    with CodegenClient(runs.config()) as client, ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.wait_for_completion, ORG, 1, poll_interval=900, timeout=900)
        until(lambda: runs.asked)
        assert client.wait_for_completion(ORG, 2, poll_interval=900, timeout=SOON).status == "completed"
        with pytest.raises(errors.NotFoundError):
            client.wait_for_completion(ORG, 3, timeout=SOON)
        client.notify_run({"id": 1, "status": "COMPLETE", "result": "told"})
        assert first.result(SOON).result == "told"
    until(lambda: not workers())


def test_closing_a_client_ends_the_waits_of_other_threads():
    runs = Runs(FakeClock(), {1: 1e9, 2: 1e9})
    runs.refuse = {"page": 429, "run": 429}  # for 30 s
    with ThreadPoolExecutor(2) as pool, CodegenClient(runs.config()) as client:
        waits = [pool.submit(client.wait_for_completion, ORG, run_id, poll_interval=900) for run_id in (1, 2)]
        until(lambda: runs.asked)
        client.with_options(timeout=9).close()
        assert not any(wait.done() for wait in waits)
        client.close()
        for wait in waits:
            assert isinstance(wait.exception(SOON), errors.ClientClosedError)


def test_a_deadline_is_kept_while_the_pollers_request_hangs():
    hang = threading.Event()
    ended = {"id": 1, "organization_id": ORG, "status": "COMPLETE"}
    config = Runs(FakeClock(), {}).config()
    config.transport = httpx.MockTransport(lambda request: httpx.Response(200, json={**ended, "x": hang.wait(SOON)}))
    with CodegenClient(config) as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.wait_for_completion, ORG, 1)
        start = time.monotonic()
        with pytest.raises(errors.WaitTimeoutError):
            client.wait_for_completion(ORG, 1, timeout=0.1)
        assert time.monotonic() - start < SOON / 2
        assert not first.done()
        hang.set()
        assert first.result(SOON).status == "completed"


def test_a_slow_callback_does_not_stop_the_others():
    clock, others_done = FakeClock(), threading.Event()
    config = Runs(clock, {1: 30, 2: 30}).config()
    with CodegenClient(config, clock=clock) as client, ThreadPoolExecutor(2) as pool:
        slow = pool.submit(client.wait_for_completion, ORG, 1, progress_callback=lambda _: others_done.wait(SOON))
        assert pool.submit(client.wait_for_completion, ORG, 2).result(SOON).status == "completed"
        others_done.set()
        assert slow.result(SOON).status == "completed"


class Held(dict):
    """A state of a run that is read, under the lock of the poller's state, until it is let go."""

    def __init__(self, **fields):
        super().__init__(fields)
        self.read, self.let_go = threading.Event(), threading.Event()

    def get(self, key, default=None):
        if key == "organization_id":
            self.read.set()
            assert self.let_go.wait(SOON)
        return super().get(key, default)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("inside", [False, True], ids=["beside a wait", "within a wait"])
def test_a_child_can_wait_while_another_thread_of_its_parent_does(inside):
    clock = FakeClock()
    runs = Runs(clock, {1: 1e9, 2: 10, 4: 0})
    with CodegenClient(runs.config()) as client, ThreadPoolExecutor(2) as pool:
        other = pool.submit(client.wait_for_completion, ORG, 1, poll_interval=0.05)
        until(lambda: runs.asked)
        waits = client.as_completed(ORG, [4, 2], poll_interval=0.05)
        assert next(waits).id == 4
        held = Held(id=99, status="RUNNING")
        pool.submit(client.notify_run, held)
        assert held.read.wait(SOON)

        def wait():
            runs.clock = FakeClock()  # whose lock no other thread of the parent held
            runs.ends[2] = 0
            run = next(waits) if inside else client.wait_for_completion(ORG, 2, timeout=9)
            waits.close()
            return (run.id, run.status) == (2, "completed")

        status = in_child(wait)
        held.let_go.set()
        assert status == 0
        clock.advance(1e9)
        assert next(waits).id == 2
        assert other.result(SOON).status == "completed"


@pytest.mark.parametrize(
    ("count", "requests", "notice"),
    [(1, 1, 1.0), (100, 20, 0.2), pytest.param(1000, 50, 0.1, marks=pytest.mark.slow)],
)
@pytest.mark.usefixtures("clock")
def test_waiting_costs_a_fraction_of_the_requests_of_the_plain_loop(count, requests, notice):
    plain, ours = loop(count), watch(count)
    assert ours.requests * requests <= plain.requests
    assert ours.refused == 0
    assert ours.notice <= notice * plain.notice


@pytest.mark.parametrize(("options", "notice"), [({"per_minute": 40.0}, 4.5), ({"deleted": 50}, 6.5)])
@pytest.mark.usefixtures("clock")
@pytest.mark.slow
def test_a_list_that_changes_delays_updates_little(options, notice):
    assert watch_list(400, **options).notice <= notice
