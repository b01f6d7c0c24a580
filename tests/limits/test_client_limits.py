"""What a client's users see of the limits: no request is refused, and none waits without need."""

import asyncio
import contextlib
import logging
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from codegen_api.operations import OPERATIONS

from codegen_ext import ClientConfig, CodegenClient, ConfigPresets, ConfigurationError, RateLimitError
from codegen_ext import RateLimiter as PublicRateLimiter
from codegen_ext._async.rate_limiter import MARGIN, AsyncRateLimiter
from codegen_ext._request import Call, Deadline
from codegen_ext._response import LimitExceeded
from codegen_ext._sync.locks import Event
from codegen_ext._sync.rate_limiter import RateLimiter
from codegen_ext.clock import SYSTEM_CLOCK, Cancelled
from codegen_ext.rate_limits.shared import SharedWindows
from codegen_ext.rate_limits.sqlite import SqliteWindows
from codegen_ext.rate_limits.window import SECOND, micro
from codegen_ext.redact import Redactor
from codegen_ext.testing import FakeClock, Fault, Sandbox

from ..conftest import TOKEN
from ..support.calls import ORG, required
from .model import ModelStore

Connect = Callable[..., Any]
CODEGEN = [operation for operation in OPERATIONS.values() if operation.service == "codegen"]


@pytest.fixture
def limited(clock: FakeClock) -> Iterator[Sandbox]:
    """A sandbox that refuses what is one too many."""
    with Sandbox(rate_limits=True, run_seconds=10, clock=clock, token=TOKEN) as running:
        yield running


@pytest.fixture
def join(limited: Sandbox, connect: Connect) -> Connect:
    """Build clients of that sandbox."""
    return lambda **settings: connect(limited.base_url, rate_limits=True, **settings)


def statuses(sandbox: Sandbox) -> set[int]:
    return {request.status for request in sandbox.requests}


def test_many_calls_over_the_limit_are_never_refused(limited: Sandbox, join: Connect, clock: FakeClock) -> None:
    client = join()
    for _ in range(185):
        client.get_current_user()
    assert statuses(limited) == {200}
    # A window is 30 s, of which the margin is 2 %; the sleeps are as few as there are windows.
    assert clock.slept == [pytest.approx(30.6, abs=0.001)] * 3


@pytest.mark.parametrize("group", sorted({each.rate_limit.group for each in CODEGEN}))
def test_every_group_of_the_contract_keeps_its_limit(
    group: str, limited: Sandbox, join: Connect, clock: FakeClock
) -> None:
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


def test_who_waits_for_one_group_holds_up_no_other(join: Connect, clock: FakeClock) -> None:
    client = join(total_timeout=10, rate_limit_requests_per_period=30)
    for _ in range(10):
        client.create_agent_run(ORG, "hello")
    with pytest.raises(RateLimitError):
        client.create_agent_run(ORG, "one too many")
    for _ in range(20):
        client.get_current_user()
    assert clock.slept == []


def test_clients_with_the_same_token_and_address_count_together_and_others_apart(
    limited: Sandbox, connect: Connect, join: Connect, clock: FakeClock
) -> None:
    for _ in range(30):
        join().get_current_user()
        connect(limited.base_url + "/v1/", rate_limits=True).get_current_user()
    assert clock.slept == []
    join().get_current_user()
    assert len(clock.slept) == 1
    for _ in range(59):
        join().get_current_user()
    with pytest.raises(Exception, match="401"):
        join(api_token="another").get_current_user()
    assert len(clock.slept) == 1


@pytest.mark.parametrize("how", ["argument", "environment", "preset"])
def test_the_cap_binds_all_groups_together_where_somebody_set_it(
    how: str, flavour: Any, limited: Sandbox, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEGEN_RATE_LIMIT_REQUESTS", "30" if how == "environment" else "")
    config = ConfigPresets.development() if how == "preset" else ConfigPresets.testing()
    config.transport = None
    config.rate_limits = True
    config.api_token, config.base_url, config.log_level = TOKEN, limited.base_url, "ERROR"
    if how == "argument":
        config.rate_limit_requests_per_period = 30
    with flavour.client(config, clock=clock) as client:
        for _ in range(15):
            client.get_current_user()
            client.get_cli_rules(ORG)
        assert clock.slept == []
        client.get_organizations()
        assert clock.slept == [pytest.approx(61.2, abs=0.001)]
        assert client.get_rate_limit_status().groups["overall"].limit == 30


def test_a_refusal_closes_the_group_for_all_callers_until_retry_after(
    limited: Sandbox, join: Connect, clock: FakeClock
) -> None:
    first, second = join(), join()
    limited.inject("get_current_user", Fault.status(429, retry_after=7), times=1)
    with pytest.raises(RateLimitError) as caught:
        first.get_current_user()
    assert caught.value.retry_after == 7
    assert second.get_rate_limit_status().groups["standard"].closed_for == pytest.approx(7)
    second.get_cli_rules(ORG)
    assert clock.slept == []
    second.get_organizations()
    assert clock.slept == [pytest.approx(7)]


def test_a_refusal_without_retry_after_closes_it_for_a_second(
    limited: Sandbox, join: Connect, clock: FakeClock
) -> None:
    client = join()
    limited.inject("get_current_user", Fault.status(429), times=1)
    with pytest.raises(RateLimitError):
        client.get_current_user()
    client.get_current_user()
    assert clock.slept == [pytest.approx(1)]


def test_nobody_waits_beyond_the_budget_behind_a_closure(limited: Sandbox, join: Connect, clock: FakeClock) -> None:
    client = join(total_timeout=60)
    limited.inject("get_current_user", Fault.status(429, retry_after=3600), times=1)
    for _ in range(2):
        with pytest.raises(RateLimitError) as caught:
            client.get_current_user()
        assert caught.value.retry_after == pytest.approx(3600, abs=1)
    assert (len(limited.requests), clock.slept) == (1, [])


@pytest.mark.parametrize(("total_timeout", "goes"), [(31.0, False), (31.2, True)])
def test_a_wait_leaves_time_for_the_request(
    total_timeout: float, goes: bool, limited: Sandbox, join: Connect, clock: FakeClock
) -> None:
    client = join(total_timeout=total_timeout)
    for _ in range(60):
        client.get_current_user()
    if goes:
        client.get_current_user()
    else:
        with pytest.raises(RateLimitError, match=r"30\.6 s"):
            client.get_current_user()
    assert len(clock.slept) == goes


def test_waits_are_in_the_statistics_of_the_call(join: Connect) -> None:
    client = join()
    for _ in range(61):
        client.get_current_user()
    stats = client.get_stats()
    assert stats.wait_seconds == pytest.approx(30.6, abs=0.001)
    assert stats["metrics"]["operations"]["get_current_user"]["wait_seconds"] == stats.wait_seconds


def test_the_status_of_all_groups_and_of_the_tightest(join: Connect, clock: FakeClock) -> None:
    client = join()
    fresh = client.get_rate_limit_status()
    limits = {each.rate_limit.group: each.rate_limit.requests for each in CODEGEN}
    assert {name: each.limit for name, each in fresh.groups.items()} == limits
    assert all(each.remaining == each.limit and each.reset_time == 0 for each in fresh.groups.values())
    client.get_current_user()
    clock.advance(10)
    client.create_agent_run(ORG, "hello")
    status = client.get_rate_limit_status()
    assert (status.remaining, status.limit, status.reset_time) == (9, 10, pytest.approx(61.2))
    assert status["remaining"] == status.remaining
    assert status.groups["standard"].remaining == 59
    assert status.groups["standard"].reset_time == pytest.approx(20.6)
    usage = {"current_requests": 1, "max_requests": 10, "period_seconds": 60.0, "usage_percentage": 10.0}
    assert client.rate_limiter.get_current_usage() == usage
    for _ in range(59):
        client.get_current_user()
    assert (client.get_rate_limit_status().remaining, client.get_rate_limit_status().limit) == (0, 60)
    assert client.rate_limiter.get_current_usage()["period_seconds"] == 30.0


def test_the_limiter_of_the_testing_preset_is_idle(flavour: Any, clock: FakeClock) -> None:
    config = ConfigPresets.testing()
    config.api_token = "any"
    with flavour.client(config, clock=clock) as client:
        for _ in range(100):
            client.get_current_user()
        status = client.get_rate_limit_status()
    assert clock.slept == []
    assert status.remaining == status.limit


def test_a_transport_that_takes_the_place_of_the_network_is_a_service_of_its_own(
    flavour: Any, clock: FakeClock
) -> None:
    for _ in range(2):
        sandbox = Sandbox(clock=clock)
        config = ConfigPresets.testing()
        config.api_token, config.transport, config.rate_limits = sandbox.token, sandbox.transport(), True
        for _ in range(6):
            with flavour.client(config, clock=clock) as client:
                for _ in range(10):
                    client.get_current_user()
    assert clock.slept == []
    with flavour.client(config, clock=clock) as client:
        client.get_current_user()
    assert len(clock.slept) == 1


class Gated(FakeClock):
    """A clock that stands still, and on which no sleep ends, until the gate opens."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def sleep(self, seconds: float) -> None:
        assert self.gate.wait(60)
        super().sleep(seconds)

    async def sleep_async(self, seconds: float) -> None:
        await asyncio.to_thread(self.sleep, seconds)


def settings(cap: tuple[int, float], **others: Any) -> ClientConfig:
    requests, seconds = cap
    return ClientConfig(
        api_token=TOKEN,
        transport=httpx.MockTransport(lambda request: httpx.Response(200, json={})),
        rate_limit_requests_per_period=requests,
        rate_limit_period_seconds=seconds,
        **others,
    )


def call(clock: FakeClock, seconds: float | None = None, cancel: Any = None) -> Call:
    """Return a call of no operation that may take so many seconds."""
    return Call(None, "GET /anything", Deadline.after(clock, seconds), 0, Redactor(TOKEN), cancel)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_threads_tasks_and_loops_are_served_in_the_order_in_which_they_came() -> None:
    clock = Gated()
    config = settings((1, 1.0))
    limiter, in_loops = RateLimiter(config, clock), AsyncRateLimiter(config, clock)
    queues = limiter._windows._queues
    times: dict[int, int] = {}

    def in_thread(number: int) -> None:
        times[number] = limiter.acquire(call(clock)).time

    async def in_task(number: int) -> None:
        times[number] = (await in_loops.acquire(call(clock))).time

    assert limiter.try_acquire(call(clock)) is not None
    with contextlib.ExitStack() as stack:
        loops = [asyncio.new_event_loop() for _ in range(2)]
        threads = [threading.Thread(target=loop.run_forever) for loop in loops]
        for thread in threads:
            thread.start()
        tasks = []
        for number in range(30):
            if number % 3:
                tasks.append(asyncio.run_coroutine_threadsafe(in_task(number), loops[number % 3 - 1]))
            else:
                threads.append(threading.Thread(target=in_thread, args=(number,)))
                threads[-1].start()
            until(lambda number=number: sum(map(len, queues.values())) == number + 1)  # type: ignore[misc]
        clock.gate.set()
        for task in tasks:
            task.result(60)
        for loop in loops:
            loop.call_soon_threadsafe(loop.stop)
            stack.callback(loop.close)
        for thread in threads:
            thread.join()
    assert [times[number] / SECOND for number in range(30)] == [pytest.approx(1.02 * (1 + n)) for n in range(30)]


def wait_of(limiter: RateLimiter, clock: FakeClock) -> float:
    """Return for how long a call would have to wait, which has no time for it."""
    with pytest.raises(LimitExceeded) as caught:
        limiter.acquire(call(clock, 0.0))
    return caught.value.wait


def test_a_task_that_is_cancelled_while_it_waits_gives_its_slot_back() -> None:
    waited: list[tuple[str, float]] = []
    clock, config = Gated(), settings((1, 60.0))
    limiter = RateLimiter(config, clock)

    async def scenario() -> None:
        in_loop = AsyncRateLimiter(
            config, clock, on_wait=lambda operation, seconds: waited.append((operation, seconds))
        )
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

    asyncio.run(scenario())
    assert waited == [("GET other", 5.0)]


class Interrupted(FakeClock):
    def sleep(self, seconds: float) -> None:
        raise KeyboardInterrupt


def test_a_thread_that_is_interrupted_while_it_waits_gives_its_slot_back() -> None:
    clock = Interrupted()
    limiter = RateLimiter(settings((1, 60.0)), clock)
    assert limiter.try_acquire(call(clock)) is not None
    with pytest.raises(KeyboardInterrupt):
        limiter.acquire(call(clock))
    assert wait_of(limiter, clock) == pytest.approx(61.2)


def test_a_wait_ends_when_its_call_is_cancelled(clock: FakeClock) -> None:
    real = SYSTEM_CLOCK
    limiter = RateLimiter(settings((1, 60.0)), real)
    assert limiter.try_acquire(call(clock)) is not None
    cancel = Event()
    threading.Timer(0.05, cancel.set).start()
    with pytest.raises(Cancelled):
        limiter.acquire(call(clock, cancel=cancel))


class Early(FakeClock):
    """A clock whose fixed moment is still to come."""

    def monotonic(self) -> float:
        return super().monotonic() - 86_400


def test_a_monotonic_clock_may_show_anything(flavour: Any) -> None:
    clock = Early()
    with flavour.client(settings((1, 60.0)), clock=clock) as client:
        client.request("GET", "/v1/anything")
        assert client.get_rate_limit_status().closed_for == 0
        client.request("GET", "/v1/anything")
    assert clock.slept == [pytest.approx(61.2)]


def test_calls_without_a_deadline_wait_as_long_as_it_takes(clock: FakeClock) -> None:
    limiter = RateLimiter(settings((1, 60.0)), clock)
    for _ in range(10):
        limiter.acquire(call(clock))
    assert sum(clock.slept) == pytest.approx(9 * 61.2)


@pytest.mark.parametrize("shared", [False, True], ids=["memory", "sqlite"])
@pytest.mark.parametrize("late", [0.04, 0.06, 3.0])
def test_a_request_that_goes_late_counts_from_then(shared: bool, late: float, tmp_path: Path) -> None:
    clock = FakeClock()
    machine = SqliteWindows(str(tmp_path / "limits.db"), lambda: micro(clock.monotonic()))
    limiter = RateLimiter(settings((2, 10.0)), clock)
    if shared:
        limiter._shared = SharedWindows(machine, "scope", 1)
    went = []
    for seconds in (late, late, 0.0):
        slot = limiter.acquire(call(clock))
        clock.advance(seconds)  # a handshake
        went.append(clock.monotonic())
        limiter.sent(slot, went[-1])
        if shared and seconds:
            until(lambda: not any(thread.name == "codegen-worker" for thread in threading.enumerate()))
    # What is within 0.5 % of the window does not count: windows are 2 % longer anyway.
    window = 10 * (1 + MARGIN)
    assert went[2] - went[0] == pytest.approx(window if late > 0.05 else window - late, abs=1e-5)


class SlowStore(ModelStore):
    """A store that keeps its callers waiting, as one on another machine does."""

    def __init__(self) -> None:
        super().__init__(lambda: 0)
        self.was_asked, self.may_answer, self.was_given_back = (threading.Event() for _ in range(3))

    def attempt(self, *args: Any) -> Any:
        self.was_asked.set()
        assert self.may_answer.wait(60)
        return super().attempt(*args)

    def remove(self, *args: Any) -> None:
        super().remove(*args)
        self.was_given_back.set()


def test_a_task_that_is_cancelled_while_the_store_is_asked_gives_its_slot_back(clock: FakeClock) -> None:
    store = SlowStore()
    limiter = AsyncRateLimiter(settings((1, 60.0)), clock)
    limiter._shared = SharedWindows(store, "scope", 1)

    async def scenario() -> None:
        task = asyncio.create_task(limiter.acquire(call(clock)))
        assert await asyncio.to_thread(store.was_asked.wait, 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        store.may_answer.set()
        assert await asyncio.to_thread(store.was_given_back.wait, 60)

    asyncio.run(scenario())
    assert all(not members for members in store.sent.values())


def test_a_long_wait_is_told(flavour: Any, clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "codegen_ext")
    with flavour.client(settings((1, 60.0)), clock=clock) as client:
        for _ in range(2):
            client.request("GET", "/v1/anything")
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.INFO]
    assert told == ["waits 61 s for the limit of GET /v1/anything (60 per 30 s and 1 per 60 s)"]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("kind", ["memory", "redis", "sqlite"])
def test_a_child_that_is_forked_while_threads_use_the_limiter_keeps_the_limits(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    address = {"memory": lambda: None, "sqlite": lambda: f"sqlite:///{tmp_path}/limits.db"}.get(
        kind, lambda: request.getfixturevalue("redis_server").address
    )()
    client = CodegenClient(settings((1_000, 60.0), shared_state=address))
    client.request("GET", "/v1/anything")
    over = threading.Event()

    def spin() -> None:
        while not over.is_set():
            client.rate_limiter.status()

    threads = [threading.Thread(target=spin, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            child = os.fork()
            if child == 0:
                signal.alarm(20)
                client.request("GET", "/v1/anything")
                os._exit(client.rate_limiter.status().groups["standard"].remaining >= 59)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        over.set()
    client.close()


def test_a_limiter_used_by_hand(clock: FakeClock) -> None:
    limiter = PublicRateLimiter(2, 10, clock=clock)
    assert limiter.get_current_usage()["current_requests"] == 0
    for _ in range(5):
        limiter.wait_if_needed()
    assert clock.slept == [10.0, 10.0]
    usage = {"current_requests": 1, "max_requests": 2, "period_seconds": 10, "usage_percentage": 50.0}
    assert limiter.get_current_usage() == usage


@pytest.mark.parametrize(
    ("requests", "seconds", "field"),
    [
        *((requests, 1, "requests_per_period") for requests in (0, -1, 1.5, "1", None)),
        *((1, seconds, "period_seconds") for seconds in (0, -1, math.inf, math.nan, "1")),
    ],
)
def test_a_limiter_that_lets_nothing_through_is_refused(requests: Any, seconds: Any, field: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{field} must be") as caught:
        PublicRateLimiter(requests, seconds)
    assert caught.value.config_key == field


def test_an_interrupted_wait_by_hand_gives_its_place_back() -> None:
    limiter = PublicRateLimiter(1, 10, clock=Interrupted())
    limiter.wait_if_needed()
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            limiter.wait_if_needed()
    assert limiter.get_current_usage()["current_requests"] == 1


def test_a_retry_after_a_refusal_waits_once(limited: Sandbox, join: Connect, clock: FakeClock) -> None:
    limited.inject("get_current_user", Fault.status(429, retry_after=7), times=1)
    join(max_retries=1).get_current_user()
    assert clock.slept == [pytest.approx(7, abs=0.01)]


def test_the_limits_of_the_chat_server_are_its_own(flavour: Any, limited: Sandbox, clock: FakeClock) -> None:
    with flavour.chat(TOKEN, limited.base_url, clock=clock) as chat:
        for _ in range(61):
            chat.list_models()
    assert statuses(limited) == {200}
    assert len(clock.slept) == 1


def test_a_request_that_the_contract_does_not_know_counts_as_standard(join: Connect, clock: FakeClock) -> None:
    client = join()
    for _ in range(60):
        client.request("GET", "/v1/users/me")
    assert client.get_rate_limit_status().groups["standard"].remaining == 0
