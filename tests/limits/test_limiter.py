"""Who waits for a slot, who leaves, and who is served when: threads, tasks, loops, forks, and slots used late."""

import asyncio
import logging
import math
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from codegen_ext import CodegenClient, ConfigurationError
from codegen_ext import RateLimiter as PublicRateLimiter
from codegen_ext._async.rate_limiter import MARGIN, AsyncRateLimiter
from codegen_ext._response import LimitExceeded
from codegen_ext._sync.locks import Event
from codegen_ext._sync.rate_limiter import RateLimiter
from codegen_ext.clock import SYSTEM_CLOCK, Cancelled
from codegen_ext.rate_limits.shared import SharedWindows
from codegen_ext.rate_limits.sqlite import SqliteWindows
from codegen_ext.rate_limits.window import SECOND, micro
from codegen_ext.testing import FakeClock

from ..support.waiting import until, until_async
from .conftest import call, settings
from .model import ModelStore


class Gated(FakeClock):
    """A clock that stands still, and on which no sleep ends, until the gate opens."""

    def __init__(self):
        super().__init__()
        self.gate = threading.Event()

    def sleep(self, seconds):
        assert self.gate.wait(60)
        super().sleep(seconds)

    async def sleep_async(self, seconds):
        await asyncio.to_thread(self.sleep, seconds)


class Interrupted(FakeClock):
    def sleep(self, seconds):
        raise KeyboardInterrupt


async def test_threads_tasks_and_loops_are_served_in_the_order_in_which_they_came():
    clock, config = Gated(), settings((1, 1.0))
    limiter, in_loops = RateLimiter(config, clock), AsyncRateLimiter(config, clock)
    queues, waiting = limiter._windows._queues, []
    assert limiter.try_acquire(call(clock)) is not None
    with ThreadPoolExecutor(20) as pool:
        in_thread = partial(asyncio.get_running_loop().run_in_executor, pool)
        for number in range(30):
            if number % 3 == 0:
                waiting.append(in_thread(limiter.acquire, call(clock)))
            else:
                task = in_loops.acquire(call(clock))
                waiting.append(asyncio.ensure_future(task) if number % 3 == 1 else in_thread(asyncio.run, task))
            await until_async(lambda number=number: sum(map(len, queues.values())) == number + 1)
        clock.gate.set()
        slots = await asyncio.gather(*waiting)
    assert [slot.time / SECOND for slot in slots] == [pytest.approx(1.02 * (1 + number)) for number in range(30)]


def wait_of(limiter, clock):
    """Return for how long a call would have to wait, which has no time for it."""
    with pytest.raises(LimitExceeded) as caught:
        limiter.acquire(call(clock, 0.0))
    return caught.value.wait


async def test_a_task_that_is_cancelled_while_it_waits_gives_its_slot_back():
    waited = []
    clock, config = Gated(), settings((1, 60.0))
    limiter = RateLimiter(config, clock)
    in_loop = AsyncRateLimiter(config, clock, on_wait=lambda *wait: waited.append(wait))
    assert in_loop.try_acquire(call(clock)) is not None
    waiting = asyncio.create_task(in_loop.acquire(call(clock)))
    await asyncio.sleep(0)
    assert wait_of(limiter, clock) == pytest.approx(122.4)
    clock.advance(5)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert wait_of(limiter, clock) == pytest.approx(56.2)
    clock.gate.set()
    assert waited == [("GET other", 5.0)]


def test_a_wait_that_ends_when_its_call_is_cancelled_gives_its_slot_back(clock):
    limiter = RateLimiter(settings((1, 60.0)), SYSTEM_CLOCK)
    assert limiter.try_acquire(call(clock)) is not None
    cancel = Event()
    threading.Timer(0.02, cancel.set).start()
    with pytest.raises(Cancelled):
        limiter.acquire(call(clock, cancel=cancel))
    assert wait_of(limiter, SYSTEM_CLOCK) == pytest.approx(61.2, abs=1)


def share(limiter, store, clock):
    """Have a limiter keep its limits in a store."""
    windows = SharedWindows(store, "scope", 1, clock)
    limiter._windows = windows
    limiter._windows_of = {
        group: windows.windows(window.limit for window in own) for group, own in limiter._windows_of.items()
    }


def test_a_long_wait_for_a_shared_limit_is_told_once(clock, caplog):
    caplog.set_level(logging.INFO, "codegen_ext")
    limiter = RateLimiter(settings((1, 60.0)), clock)
    share(limiter, ModelStore(lambda: micro(clock.monotonic())), clock)
    for _ in range(2):
        limiter.acquire(call(clock))
    assert len(clock.slept) > 10  # it looks every five seconds
    assert len(caplog.records) == 1


@pytest.mark.parametrize("shared", [False, True], ids=["memory", "sqlite"])
@pytest.mark.parametrize("late", [0.04, 0.06, 3.0])
def test_a_request_that_goes_late_counts_from_then(clock, shared, late, tmp_path):
    limiter = RateLimiter(settings((2, 10.0)), clock)
    if shared:
        share(limiter, SqliteWindows(str(tmp_path / "limits.db"), lambda: micro(clock.monotonic())), clock)
    went = []
    for seconds in (late, late, 0.0):
        slot = limiter.acquire(call(clock))
        clock.advance(seconds)  # a handshake
        went.append(clock.monotonic())
        limiter.sent(slot, went[-1])
        until(lambda: not any(thread.name == "codegen-worker" for thread in threading.enumerate()))
    # What is within 0.5 % of the window does not count: windows are 2 % longer anyway.
    window = 10 * (1 + MARGIN)
    assert went[2] - went[0] == pytest.approx(window if late > 0.05 else window - late, abs=1e-5)


class SlowStore(ModelStore):
    """A store that keeps its callers waiting, as one on another machine does."""

    def __init__(self):
        super().__init__(lambda: 0)
        self.was_asked, self.may_answer, self.was_given_back = (threading.Event() for _ in range(3))

    def attempt(self, *args):
        self.was_asked.set()
        assert self.may_answer.wait(60)
        return super().attempt(*args)

    def write(self, scope, sent, closures):
        super().write(scope, sent, closures)
        if sent[0].age:
            self.was_given_back.set()


async def test_a_task_that_is_cancelled_while_the_store_is_asked_gives_its_slot_back(clock):
    store = SlowStore()
    limiter = AsyncRateLimiter(settings((1, 60.0)), clock)
    share(limiter, store, clock)
    task = asyncio.create_task(limiter.acquire(call(clock)))
    assert await asyncio.to_thread(store.was_asked.wait, 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    store.may_answer.set()
    assert await asyncio.to_thread(store.was_given_back.wait, 60)
    assert all(not store.window(*key).times for key in store.sent)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["memory", "redis", "sqlite"])
def test_a_child_that_is_forked_beside_threads_keeps_the_limits(kind, tmp_path, request):
    address = f"sqlite:///{tmp_path}/limits.db" if kind == "sqlite" else None
    if kind == "redis":
        address = request.getfixturevalue("redis_server").address
    over = threading.Event()

    def spin():
        while not over.is_set():
            client.rate_limiter.status()

    with CodegenClient(settings((1_000, 60.0), shared_state=address)) as client, ThreadPoolExecutor(2) as pool:
        client.request("GET", "/v1/anything")
        spinning = [pool.submit(spin) for _ in range(2)]
        try:
            for _ in range(6):
                child = os.fork()
                if child == 0:
                    signal.alarm(20)
                    client.request("GET", "/v1/anything")
                    os._exit(client.rate_limiter.status().groups["standard"].remaining >= 59)
                assert os.waitpid(child, 0)[1] == 0
        finally:
            over.set()
        assert [one.result() for one in spinning] == [None, None]


def test_a_limiter_used_by_hand(clock):
    limiter = PublicRateLimiter(2, 10, clock=clock)
    for _ in range(5):
        limiter.wait_if_needed()
    assert clock.slept == [10.0, 10.0]
    usage = {"current_requests": 1, "max_requests": 2, "period_seconds": 10, "usage_percentage": 50.0}
    assert limiter.get_current_usage() == usage


@pytest.mark.parametrize(
    ("requests", "seconds", "field"),
    [
        *((requests, 1, "requests_per_period") for requests in (0, 1.5, "1")),
        *((1, seconds, "period_seconds") for seconds in (0, math.inf, math.nan, "1")),
    ],
)
def test_a_limiter_that_lets_nothing_through_is_refused(requests, seconds, field):
    with pytest.raises(ConfigurationError, match=f"{field} must be") as caught:
        PublicRateLimiter(requests, seconds)
    assert caught.value.config_key == field


def test_an_interrupted_wait_by_hand_gives_its_slot_back():
    clock = Interrupted()
    limiter = PublicRateLimiter(1, 10, clock=clock)
    limiter.wait_if_needed()
    with pytest.raises(KeyboardInterrupt):
        limiter.wait_if_needed()
    clock.advance(10)
    limiter.wait_if_needed()
    assert limiter.get_current_usage()["current_requests"] == 1
