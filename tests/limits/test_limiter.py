"""What callers see of the limits: no request is refused, none waits without need, none overtakes another."""

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from unittest.mock import Mock

import pytest
from codegen_api.operations import OPERATIONS

from codegen_ext import ConfigPresets, RateLimitError
from codegen_ext import RateLimiter as PublicRateLimiter
from codegen_ext._async.rate_limiter import MARGIN, AsyncRateLimiter
from codegen_ext._response import LimitExceeded
from codegen_ext._sync.rate_limiter import RateLimiter
from codegen_ext.rate_limits.window import SECOND
from codegen_ext.testing import FakeClock, Fault, Sandbox

from ..conftest import TOKEN, once
from ..support.calls import ORG, required
from ..support.waiting import until, until_async
from .conftest import call, settings

CODEGEN = [operation for operation in OPERATIONS.values() if operation.service == "codegen"]
WINDOW = 30.6
"""Seconds of the standard group's window, of which 2 % are the margin."""


@pytest.fixture
def limited(clock):
    """A sandbox that refuses what is one too many."""
    with Sandbox(rate_limits=True, run_seconds=10, clock=clock, token=TOKEN) as running:
        yield running


@pytest.fixture
def join(limited, connect):
    """Build clients of that sandbox."""
    return lambda **settings: connect(limited.base_url, rate_limits=True, **settings)


def use_up(*clients):
    """Send what the standard group allows."""
    for number in range(60):
        clients[number % len(clients)].get_current_user()


@once
@pytest.mark.parametrize("group", sorted({each.rate_limit.group for each in CODEGEN}))
def test_every_group_of_the_contract_keeps_its_limit(group, limited, join, clock):
    operation = next(each for each in CODEGEN if each.rate_limit.group == group)
    client, limit = join(total_timeout=1), operation.rate_limit
    client.create_agent_run(ORG, "so that there is a run")
    clock.advance(120)
    for _ in range(limit.requests):
        getattr(client, operation.id)(**required(operation))
    with pytest.raises(RateLimitError) as caught:
        getattr(client, operation.id)(**required(operation))
    assert caught.value.retry_after == pytest.approx(limit.seconds * 1.02, abs=0.001)
    assert caught.value.operation == operation.id
    assert len(limited.requests) == limit.requests + 1
    assert clock.slept == []


def test_clients_with_the_same_token_and_address_count_together(limited, connect, join, clock):
    use_up(join(), join(), connect(limited.base_url + "/v1/", rate_limits=True))
    with pytest.raises(Exception, match="401"):
        join(api_token="another").get_current_user()
    assert clock.slept == []
    join().get_current_user()
    assert clock.slept == [pytest.approx(WINDOW)]


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_a_cap_binds_all_groups_together_and_a_group_that_is_used_up_none(how, join, clock, monkeypatch):
    monkeypatch.setenv("CODEGEN_RATE_LIMIT_REQUESTS", "30" if how == "environment" else "")
    client = join(**({"rate_limit_requests_per_period": 30} if how == "argument" else {}))
    for _ in range(10):
        client.create_agent_run(ORG, "hello")
    with pytest.raises(RateLimitError):
        client.with_options(total_timeout=10).create_agent_run(ORG, "one too many")
    for _ in range(20):
        client.get_current_user()
    assert clock.slept == []
    client.get_organizations()
    assert clock.slept == [pytest.approx(61.2, abs=0.001)]
    assert client.get_rate_limit_status().groups["overall"].limit == 30


@pytest.mark.parametrize(("said", "seconds"), [(7, 7), (None, 1)])
def test_a_refusal_closes_the_group_until_retry_after(limited, join, clock, said, seconds):
    first, second = join(), join()
    limited.inject("get_current_user", Fault.status(429, retry_after=said), times=1)
    with pytest.raises(RateLimitError):
        first.get_current_user()
    assert second.get_rate_limit_status().groups["standard"].closed_for == pytest.approx(seconds)
    second.get_cli_rules(ORG)
    with pytest.raises(RateLimitError) as caught:
        second.with_options(total_timeout=1).get_organizations()
    assert caught.value.retry_after == pytest.approx(seconds)
    assert (len(limited.requests), clock.slept) == (2, [])
    second.get_organizations()
    assert clock.slept == [pytest.approx(seconds)]
    limited.inject("get_current_user", Fault.status(429, retry_after=7), times=1)
    join(max_retries=1).get_current_user()
    assert clock.slept[1:] == [pytest.approx(7, abs=0.01)], "limiter and retry wait together"


def test_a_wait_leaves_time_for_the_request(limited, join, clock):
    client = join(total_timeout=31.2)
    use_up(client)
    with pytest.raises(RateLimitError, match=r"30\.6 s"):
        client.with_options(total_timeout=31.0).get_current_user()
    assert clock.slept == []
    client.get_current_user()
    assert clock.slept == [pytest.approx(WINDOW, abs=0.001)]
    assert {request.status for request in limited.requests} == {200}
    stats = client.get_stats()
    assert stats.wait_seconds == pytest.approx(WINDOW, abs=0.001)
    assert stats["metrics"]["operations"]["get_current_user"]["wait_seconds"] == stats.wait_seconds


def test_the_status_of_all_groups_and_of_the_tightest(join, clock):
    client = join()
    limits = {each.rate_limit.group: each.rate_limit.requests for each in CODEGEN}
    fresh = {name: tuple(group.values())[:3] for name, group in client.get_rate_limit_status().groups.items()}
    assert fresh == {name: (requests, requests, 0) for name, requests in limits.items()}
    client.request("GET", "/v1/users/me")  # what the contract does not know counts as standard
    clock.advance(10)
    client.create_agent_run(ORG, "hello")
    status = client.get_rate_limit_status()
    assert (status.remaining, status["limit"], status.reset_time) == (9, 10, pytest.approx(61.2))
    assert (status.groups["standard"].remaining, status.groups["standard"].reset_time) == (59, pytest.approx(20.6))
    usage = {"current_requests": 1, "max_requests": 10, "period_seconds": 60.0, "usage_percentage": 10.0}
    assert client.rate_limiter.get_current_usage() == usage
    for _ in range(59):
        client.get_current_user()
    status = client.get_rate_limit_status()
    assert (status.remaining, status.limit, status.reset_time) == (0, 60, pytest.approx(20.6))
    assert client.rate_limiter.get_current_usage()["period_seconds"] == 30.0


def test_a_transport_of_the_user_is_a_service_of_its_own(flavour, clock):
    for _ in range(2):
        sandbox = Sandbox(clock=clock)
        config = ConfigPresets.testing()
        config.api_token, config.transport, config.rate_limits = sandbox.token, sandbox.transport(), True
        with flavour.client(config, clock=clock) as client:
            use_up(client)
    assert clock.slept == []
    with flavour.client(config, clock=clock) as client:
        client.get_current_user()
    assert len(clock.slept) == 1


def test_the_limits_of_the_chat_server_are_its_own(flavour, limited, clock):
    with flavour.chat(TOKEN, limited.base_url, clock=clock) as chat:
        for _ in range(61):
            chat.list_models()
    assert {request.status for request in limited.requests} == {200}
    assert len(clock.slept) == 1


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


@pytest.fixture(params=["memory", "shared"])
def shared_state(request, store, tmp_path, monkeypatch):
    """An address of the store, or none."""
    monkeypatch.setattr("codegen_ext.rate_limits.shared.open_limit_store", lambda address: store)
    return f"sqlite:///{tmp_path}/limits.db" if request.param == "shared" else None


def test_a_long_wait_is_told_once(flavour, clock, shared_state, caplog):
    caplog.set_level(logging.INFO, "codegen_ext")
    with flavour.client(settings((1, 60.0), shared_state=shared_state), clock=clock) as client:
        client.request("GET", "/v1/anything")
        assert client.get_rate_limit_status().closed_for == 0
        client.request("GET", "/v1/anything")
    assert sum(clock.slept) == pytest.approx(61.2)
    assert len(clock.slept) == (13 if shared_state else 1)  # it looks every five seconds
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.INFO]
    assert told == ["waits 61 s for the limit of GET /v1/anything (60 per 30 s and 1 per 60 s)"]


@pytest.mark.parametrize("shared_state", ["shared"], indirect=True)
async def test_a_task_that_is_cancelled_while_it_asks_gives_its_slot_back(clock, shared_state, store, monkeypatch):
    was_asked, may_answer = threading.Event(), threading.Event()

    def attempt_slowly(*asked, attempt=store.attempt):
        was_asked.set()
        assert may_answer.wait(60)
        return attempt(*asked)

    monkeypatch.setattr(store, "attempt", attempt_slowly)
    limiter = AsyncRateLimiter(settings((1, 60.0), shared_state=shared_state), clock)
    task = asyncio.create_task(limiter.acquire(call(clock)))
    assert await asyncio.to_thread(was_asked.wait, 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    may_answer.set()
    await until_async(lambda: store.sent and not any(store.window(*key).times for key in store.sent))


@pytest.mark.parametrize("late", [0.04, 0.06, 3.0])
def test_a_request_that_goes_late_counts_from_then(clock, shared_state, late, workers):
    limiter = RateLimiter(settings((2, 10.0), shared_state=shared_state), clock)
    went = []
    for seconds in (late, late, 0.0):
        slot = limiter.acquire(call(clock))
        clock.advance(seconds)  # a handshake
        went.append(clock.monotonic())
        limiter.sent(slot, went[-1])
        until(lambda: not workers())
    # What is within 0.5 % of the window does not count: windows are 2 % longer anyway.
    window = 10 * (1 + MARGIN)
    assert went[2] - went[0] == pytest.approx(window if late > 0.05 else window - late, abs=1e-5)


@pytest.mark.parametrize("shared_state", ["shared"], indirect=True)
@pytest.mark.parametrize("late", [3.0, 40.0])
def test_a_request_of_which_the_store_tells_late_counts_from_when_it_goes(
    clock, shared_state, store, workers, late, monkeypatch
):
    delays = [late]

    def tell_late(*asked, attempt=store.attempt):
        reply = attempt(*asked)
        clock.advance(delays.pop() if delays else 0.0)
        return reply

    monkeypatch.setattr(store, "attempt", tell_late)
    limiter = RateLimiter(settings((1, 10.0), shared_state=shared_state), clock)
    went = []
    for _ in range(2):
        slot = limiter.acquire(call(clock))
        went.append(clock.monotonic())
        limiter.sent(slot, went[-1])
        until(lambda: not workers())
    assert went[1] - went[0] == pytest.approx(10 * (1 + MARGIN), abs=1e-5)


def test_a_limiter_used_by_hand(clock, monkeypatch):
    limiter = PublicRateLimiter(2, 10, clock=clock)
    for _ in range(5):
        limiter.wait_if_needed()
    assert clock.slept == [10.0, 10.0]
    usage = {"current_requests": 1, "max_requests": 2, "period_seconds": 10, "usage_percentage": 50.0}
    assert limiter.get_current_usage() == usage
    limiter.wait_if_needed()
    with monkeypatch.context() as interrupted:
        interrupted.setattr(clock, "sleep", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            limiter.wait_if_needed()
    clock.advance(10)
    limiter.wait_if_needed()
    assert limiter.get_current_usage() == usage, "the slot of the interrupted wait was given back"
