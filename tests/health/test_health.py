"""One check of the service, and monitors that repeat it, over real HTTP."""

import asyncio
import logging
import os
import threading
import time

import httpx
import pytest
from codegen_api.operations import GET_CURRENT_USER
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen_ext import AsyncCodegenClient, ClientClosedError, ClientConfig, CodegenClient, HealthStatus
from codegen_ext._sync import health
from codegen_ext.testing import FakeClock, Fault

from ..conftest import TOKEN
from ..support.loopback import HANG, Loopback
from ..support.waiting import in_child, until, until_async


@pytest.fixture
def config(sandbox):
    return ClientConfig(api_token=TOKEN, base_url=sandbox.base_url)


def test_a_check_goes_past_the_cache_and_tells_what_does_not_work(connect, sandbox):
    client = connect(enable_caching=True)
    for _ in range(3):
        assert client.get_current_user().id == 1
    assert len(sandbox.requests) == 1
    sandbox.inject("get_current_user", Fault.latency(2.5), times=1)
    report = client.health_check()
    assert (report["status"], report["healthy"], report["error"]) == ("healthy", True, None)
    assert report["response_time_seconds"] == 2.5
    assert report["timestamp"].startswith("2023-11-14T22:13:2")
    assert len(sandbox.requests) == 2
    for fault in (Fault.status(401), Fault.reset_before(), Fault.empty_body()):
        sandbox.inject("get_current_user", fault, times=1)
        report = client.health_check()
        assert (report["status"], report["healthy"]) == ("unhealthy", False)
        assert "get_current_user" in report["error"]
    client.close()
    with pytest.raises(ClientClosedError, match="build another one"):  # which says nothing about the service
        client.health_check()


FINE, DOWN, LIMITED = 200, 503, 429
USER = {"id": 1, "github_user_id": "1", "github_username": "someone"}


def watched(statuses, interval=30, threshold=1, retry_after="90"):
    """Return what a monitor says after each of these answers, and how long it sleeps after each."""
    clock, seen, left = FakeClock(), [], list(statuses)
    over = threading.Event()

    def answer(request):
        if len(left) < len(statuses):
            seen.append(monitor.status)
        if not left:
            monitor.stop()
            over.set()
            return httpx.Response(500)
        return httpx.Response(left.pop(0), json={**USER, "message": "down"}, headers={"Retry-After": retry_after})

    config = ClientConfig(api_token=TOKEN, transport=httpx.MockTransport(answer), rate_limits=False)
    with CodegenClient(config, clock=clock) as client:
        monitor = client.create_health_monitor(interval, failure_threshold=threshold)
        monitor.start()  # which does not wait until the answers can see what it returns
        assert over.wait(30)
    return seen, clock.slept


def test_checks_stay_within_the_limit_and_wait_for_an_hour_at_most():
    limit = GET_CURRENT_USER.rate_limit
    assert watched([FINE] * 5, interval=0.001)[1] == [limit.seconds / limit.requests] * 5
    assert watched([LIMITED], retry_after="1767225600")[1] == [3600]


@settings(max_examples=20)
@given(st.lists(st.sampled_from([FINE, DOWN, LIMITED]), min_size=1, max_size=12), st.integers(1, 3))
def test_what_it_says_follows_from_the_last_answers(statuses, threshold):
    healthy, failures, wanted = None, 0, []
    for number, answer in enumerate(statuses, 1):
        if answer != LIMITED:  # which decides nothing
            failures = 0 if answer == FINE else failures + 1
            healthy = True if answer == FINE else False if failures >= threshold else healthy
        wanted.append((healthy, failures, number, True))
    seen, slept = watched(statuses, threshold=threshold)
    assert [(one.healthy, one.consecutive_failures, one.checks, one.running) for one in seen] == wanted
    assert [one.last and one.last["error"] is None for one in seen] == [answer == FINE for answer in statuses]
    assert slept == [90 if answer == LIMITED else 30 for answer in statuses]


def test_callbacks_of_a_thread(config, sandbox, clock, caplog, workers, monkeypatch):
    monkeypatch.setattr(health, "_STOP_SECONDS", 60)
    calls = []
    client = CodegenClient(config, clock=clock)
    monitor = client.create_health_monitor(interval=30, failure_threshold=2)

    def up():
        calls.append("up")
        sandbox.inject("get_current_user", Fault.status(503))
        if len(calls) > 5:
            start = time.monotonic()
            monitor.stop()
            calls.append(time.monotonic() - start < 30)  # it does not wait for itself

    def down():
        calls.append("down")
        sandbox.clear_faults()
        raise ZeroDivisionError

    monitor.on_change(lambda old, new: calls.append((old.status, new.status)))
    monitor.on_healthy(up)
    monitor.on_unhealthy(down)
    assert monitor.status == HealthStatus()
    with client, monitor:
        until(lambda: not monitor.status.running)
    until(lambda: not workers())
    changes = [("unknown", "healthy"), "up", ("healthy", "unhealthy"), "down", ("unhealthy", "healthy")]
    assert calls == [*changes, "up", True]
    assert "ZeroDivisionError" in caplog.text
    assert (monitor.status.running, monitor.status.checks) == (False, 4)
    assert len(sandbox.requests) == 4, "one attempt each, without retries"
    assert clock.slept == [30, 30, 30]


async def test_a_coroutine_function_is_awaited_and_may_stop_its_monitor(config, clock):
    calls = []
    async with AsyncCodegenClient(config, clock=clock) as client:
        monitor = client.create_health_monitor(interval=30)

        @monitor.on_change
        async def change(old, new):
            await asyncio.sleep(0)
            calls.append((old.status, new.status))
            await monitor.stop()

        monitor.on_healthy(lambda: calls.append("too late"))
        async with monitor:
            await until_async(lambda: not monitor.status.running)
    assert calls == [("unknown", "healthy")]


def test_stopping_a_thread_is_prompt_and_leaves_none(config, caplog, workers, monkeypatch):
    monkeypatch.setattr(health, "_STOP_SECONDS", 60)
    with CodegenClient(config) as client:
        monitor = client.create_health_monitor(interval=3_600)
        assert repr(monitor) == "HealthMonitor(interval=3600, healthy=None)"
        monitor.stop()
        assert monitor.start() is monitor.start()
        until(lambda: monitor.status.healthy)
        assert (monitor.status.running, len(workers()), workers()[0].daemon) == (True, 1, True)
        start = time.monotonic()
        monitor.stop()
        monitor.stop()
        assert time.monotonic() - start < 30
        until(lambda: not workers())
        assert (monitor.status.running, monitor.status.status) == (False, "healthy")
        monitor.start()
        derived = client.with_options(timeout=5)
        other = derived.create_health_monitor(interval=3_600).start()
        derived.close()
        until(lambda: monitor.status.healthy and other.status.healthy)
        assert (monitor.status.checks, other.status.running) == (1, True)
    until(lambda: not workers())
    assert [one.status.running for one in (monitor, other)] == [False, False], "closing the client stops its monitors"
    with caplog.at_level(logging.ERROR, "codegen_ext.health"):
        monitor.start()
        until(lambda: not monitor.status.running and not workers())
    assert "a health monitor ended" in caplog.text, "that of a closed client"


@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "from another loop"])
async def test_stopping_a_task_is_prompt_and_leaves_none(config, elsewhere):
    async with AsyncCodegenClient(config) as client:
        monitor = client.create_health_monitor(interval=3_600)
        await monitor.stop()
        await monitor.start()
        await monitor.start()
        await until_async(lambda: monitor.status.healthy)
        if elsewhere:
            await asyncio.to_thread(asyncio.run, monitor.stop())
        await monitor.stop()
        assert not monitor.status.running
        await until_async(lambda: len(asyncio.all_tasks()) == 1)
        await monitor.start()
    assert not monitor.status.running, "closing the client stops it"


def test_a_check_that_hangs_does_not_hold_stop(workers):
    calls = []
    with Loopback(HANG) as server, CodegenClient(api_token=TOKEN, base_url=server.base_url, timeout=60) as client:
        monitor = client.create_health_monitor().start()
        monitor.on_unhealthy(lambda: calls.append("too late"))
        until(lambda: server.requests)
        start = time.monotonic()
        monitor.stop()
        assert time.monotonic() - start < 30
    until(lambda: not workers())  # the server has closed the connection
    assert calls == []
    assert (monitor.status.running, monitor.status.checks) == (False, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_goes_on_with_a_monitor_of_its_own(config, sandbox):
    with CodegenClient(config) as client:
        monitor = client.create_health_monitor(interval=3_600).start()
        until(lambda: monitor.status.healthy)

        def is_checked():
            monitor.status  # noqa: B018 - reading it is what begins
            until(lambda: monitor.status.checks == 1 and monitor.status.healthy, 9)
            return True

        assert in_child(is_checked) == 0
        assert monitor.status.checks == 1
    assert len(sandbox.requests) == 2
