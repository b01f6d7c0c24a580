"""What a client's users see of the limits: nobody is refused, nobody waits for nothing."""

import asyncio
import math
import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from codegen_api.operations import OPERATIONS
from codegen_ext.limits.memory import MemoryStore
from codegen_ext.limits.store import LimitExceeded, Verdict
from codegen_ext.transport.extensions import DEADLINE
from codegen_ext.transport.limits import RateLimitTransport

from codegen_ext import ConfigPresets, ConfigurationError, RateLimiter, RateLimitError
from codegen_ext.testing import FakeClock, Fault, Sandbox

from ..conftest import TOKEN
from ..support.calls import ORG, required

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
        with pytest.raises(RateLimitError, match=r"another 30\.600 s"):
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
    """A clock that stands still, and on which nobody wakes, until the gate opens."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def sleep(self, seconds: float) -> None:
        assert self.gate.wait(60)
        super().sleep(seconds)

    async def sleep_async(self, seconds: float) -> None:
        await asyncio.to_thread(self.sleep, seconds)


class Recording(MemoryStore):
    """Writes down in which order tickets came, and for which moment each was booked first."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self._order = threading.Lock()
        self.booked: dict[str, float] = {}
        self.complete = threading.Event()

    def take(self, ticket: str, buckets: Any, budget: float | None) -> Verdict:
        with self._order:
            verdict = super().take(ticket, buckets, budget)
            self.booked.setdefault(ticket, verdict.wait)
            if len(self.booked) == 40:
                self.complete.set()
            return verdict


def answer(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200)


def test_threads_tasks_and_loops_are_served_in_the_order_in_which_they_came() -> None:
    clock = Gated()
    store = Recording(clock)

    def transport() -> RateLimitTransport:
        return RateLimitTransport(httpx.MockTransport(answer), store, clock, cap=(1, 1.0))

    def call() -> None:
        with httpx.Client(transport=transport()) as client:
            client.get("http://service/")

    async def call_often() -> None:
        async with httpx.AsyncClient(transport=transport()) as client:
            await asyncio.gather(*(client.get("http://service/") for _ in range(10)))

    threads = [threading.Thread(target=call) for _ in range(20)]
    threads += [threading.Thread(target=lambda: asyncio.run(call_often())) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert store.complete.wait(60)
    waits = list(store.booked.values())
    clock.gate.set()
    for thread in threads:
        thread.join()
    assert waits == [pytest.approx(1.02 * index) for index in range(40)]


def one_a_minute(clock: FakeClock, **options: Any) -> RateLimitTransport:
    return RateLimitTransport(httpx.MockTransport(answer), MemoryStore(clock), clock, cap=(1, 60.0), **options)


def ask(transport: RateLimitTransport, deadline: float) -> float:
    """Return for how long a call would have to wait, which has no time for it."""
    with pytest.raises(LimitExceeded) as caught:
        transport.handle_request(httpx.Request("GET", "http://service/", extensions={DEADLINE: deadline}))
    return caught.value.wait


def test_a_task_that_is_cancelled_while_it_waits_gives_its_place_back() -> None:
    waited: list[tuple[str, float]] = []

    async def scenario() -> None:
        clock = Gated()
        transport = one_a_minute(clock, on_wait=lambda operation, seconds: waited.append((operation, seconds)))
        async with httpx.AsyncClient(transport=transport) as client:
            await client.get("http://service/")
            waiting = asyncio.create_task(client.get("http://service/"))
            while ask(transport, 0.0) < 100:  # noqa: ASYNC110 - what the client does next raises no event
                await asyncio.sleep(0)
            clock.advance(5)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert ask(transport, 0.0) == pytest.approx(56.2)
        clock.gate.set()

    asyncio.run(scenario())
    assert waited == [("GET other", 5.0)]


class Interrupted(FakeClock):
    def sleep(self, seconds: float) -> None:
        raise KeyboardInterrupt


def test_a_thread_that_is_interrupted_while_it_waits_gives_its_place_back() -> None:
    transport = one_a_minute(Interrupted())
    with httpx.Client(transport=transport) as client:
        client.get("http://service/")
        with pytest.raises(KeyboardInterrupt):
            client.get("http://service/")
    assert ask(transport, 0.0) == pytest.approx(61.2)


class Early(FakeClock):
    """A clock whose fixed moment is still to come."""

    def monotonic(self) -> float:
        return super().monotonic() - 86_400


def test_a_monotonic_clock_may_show_anything() -> None:
    clock = Early()
    transport = one_a_minute(clock)
    with httpx.Client(transport=transport) as client:
        client.get("http://service/")
        assert transport.status().closed_for == 0
        client.get("http://service/")
    assert clock.slept == [pytest.approx(61.2)]


def test_requests_without_a_deadline_wait_as_long_as_it_takes(clock: FakeClock) -> None:
    with httpx.Client(transport=one_a_minute(clock)) as client:
        for _ in range(10):
            client.get("http://service/")
    assert sum(clock.slept) == pytest.approx(9 * 61.2)


def test_the_error_of_the_transport_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(LimitExceeded(1.5)))
    assert error.wait == 1.5
    assert "another 1.500 s, more than total_timeout leaves" in str(error)


def test_a_limiter_used_by_hand(clock: FakeClock) -> None:
    limiter = RateLimiter(2, 10, clock=clock)
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
        RateLimiter(requests, seconds)
    assert caught.value.config_key == field


def test_an_interrupted_wait_by_hand_gives_its_place_back() -> None:
    limiter = RateLimiter(1, 10, clock=Interrupted())
    limiter.wait_if_needed()
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            limiter.wait_if_needed()
    assert limiter.get_current_usage()["current_requests"] == 1


class Slow(MemoryStore):
    """A store that keeps its callers waiting, as one on another machine does."""

    blocks = True

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.asked, self.may_answer = threading.Event(), threading.Event()

    def take(self, ticket: str, buckets: Any, budget: float | None) -> Verdict:
        self.asked.set()
        assert self.may_answer.wait(60)
        return super().take(ticket, buckets, budget)


def test_a_task_that_is_cancelled_while_its_place_is_being_booked_gives_it_back(clock: FakeClock) -> None:
    store = Slow(clock)
    transport = RateLimitTransport(httpx.MockTransport(answer), store, clock, cap=(1, 60.0))

    async def scenario() -> None:
        task = asyncio.create_task(transport.handle_async_request(httpx.Request("GET", "http://service/")))
        assert await asyncio.to_thread(store.asked.wait, 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        store.may_answer.set()

    asyncio.run(scenario())  # which waits for the thread
    with httpx.Client(transport=transport) as client:
        client.get("http://service/")
    assert clock.slept == []


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
