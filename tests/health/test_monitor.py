"""Monitors at work: a thread and a task, over real HTTP."""

import asyncio
import gc
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from codegen_ext.health import AsyncHealthMonitor, HealthMonitor

from codegen_ext import AsyncCodegenClient, ClientConfig, CodegenClient, ConfigurationError, HealthStatus
from codegen_ext.testing import FakeClock, Fault, Sandbox

from ..conftest import TOKEN
from ..support.loopback import HANG
from ..support.waiting import until, until_async


def config_of(address: str, **settings: Any) -> ClientConfig:
    return ClientConfig(api_token=TOKEN, base_url=address, **settings)


@pytest.fixture
def fake(sandbox: Sandbox, clock: FakeClock) -> Iterator[CodegenClient]:
    """A client on the fake clock, on which an interval takes no time."""
    with CodegenClient(config_of(sandbox.base_url), clock=clock) as client:
        yield client


@pytest.fixture
def real(sandbox: Sandbox) -> Iterator[CodegenClient]:
    """A client on the machine's clock."""
    with CodegenClient(config_of(sandbox.base_url)) as client:
        yield client


def tasks() -> list[Any]:
    return [task for task in asyncio.all_tasks() if task.get_name() == "codegen-health"]


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "codegen-health"]


def test_callbacks_of_a_thread(fake: CodegenClient, sandbox: Sandbox, clock: FakeClock) -> None:
    monitor = fake.create_health_monitor(interval=30, failure_threshold=2)
    calls: list[Any] = []
    over = threading.Event()

    def down() -> None:
        calls.append("down")
        sandbox.clear_faults()

    def up() -> None:
        calls.append("up")
        sandbox.inject("get_current_user", Fault.status(503))
        if len(calls) > 5:
            monitor.stop()
            over.set()

    monitor.on_change(lambda old, new: calls.append((old.status, new.status)))
    monitor.on_healthy(up)
    monitor.on_unhealthy(down)
    assert monitor.status == HealthStatus()
    monitor.start()
    assert over.wait(30)
    until(lambda: not threads())
    assert calls == [
        ("unknown", "healthy"),
        "up",
        ("healthy", "unhealthy"),
        "down",
        ("unhealthy", "healthy"),
        "up",
    ]
    assert not monitor.status.running
    assert monitor.status.checks == len(sandbox.requests) == 4
    assert clock.slept == [30, 30, 30], "one attempt each, without retries"


def test_callbacks_of_a_task(sandbox: Sandbox, clock: FakeClock) -> None:
    calls: list[Any] = []

    async def main() -> None:
        over = asyncio.Event()
        async with AsyncCodegenClient(config_of(sandbox.base_url), clock=clock) as client:
            monitor = client.create_health_monitor(interval=30, failure_threshold=2)

            async def down() -> None:
                calls.append("down")
                sandbox.clear_faults()

            @monitor.on_healthy
            def up() -> None:
                calls.append("up")
                sandbox.inject("get_current_user", Fault.status(503))

            @monitor.on_change
            async def change(old: HealthStatus, new: HealthStatus) -> None:
                calls.append((old.status, new.status))
                if len(calls) > 4:
                    over.set()
                    await monitor.stop()

            monitor.on_unhealthy(down)
            await monitor.start()
            await asyncio.wait_for(over.wait(), 30)
            assert not monitor.status.running

    asyncio.run(main())
    assert calls == [("unknown", "healthy"), "up", ("healthy", "unhealthy"), "down", ("unhealthy", "healthy")]


def test_a_callback_that_raises_does_not_end_a_thread(
    fake: CodegenClient, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    monitor = fake.create_health_monitor()
    calls = []
    monitor.on_change(lambda old, new: calls.append(new.healthy) or 1 / 0)
    monitor.on_healthy(lambda: sandbox.inject("*", Fault.status(500)))
    monitor.on_unhealthy(sandbox.clear_faults)
    with caplog.at_level(logging.ERROR, "codegen_ext.health"), monitor:
        until(lambda: len(calls) >= 3)
    assert calls[:3] == [True, False, True]
    assert "ZeroDivisionError" in caplog.text


def test_a_callback_that_raises_does_not_end_a_task(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with AsyncCodegenClient(config_of(sandbox.base_url), clock=FakeClock()) as client:
            monitor = client.create_health_monitor()
            done = asyncio.Event()

            @monitor.on_healthy
            async def fails() -> None:
                raise ZeroDivisionError

            monitor.on_healthy(done.set)
            async with monitor:
                await asyncio.wait_for(done.wait(), 30)
                checks = monitor.status.checks
                await until_async(lambda: monitor.status.checks > checks)

    with caplog.at_level(logging.ERROR, "codegen_ext.health"):
        asyncio.run(main())
    assert "ZeroDivisionError" in caplog.text


def test_stopping_a_thread_is_prompt_and_leaves_none(real: CodegenClient) -> None:
    monitor = real.create_health_monitor(interval=3_600)
    assert threads() == []
    monitor.stop()
    assert monitor.start() is monitor.start()
    until(lambda: monitor.status.healthy)
    assert monitor.status.running
    assert len(threads()) == 1
    assert threads()[0].daemon
    start = time.monotonic()
    monitor.stop()
    monitor.stop()
    assert time.monotonic() - start < 30
    assert threads() == []
    assert (monitor.status.running, monitor.status.status) == (False, "healthy")
    monitor.start()
    until(lambda: monitor.status.healthy)
    assert monitor.status.checks == 1
    monitor.stop()


def test_stopping_a_task_is_prompt_and_leaves_none(sandbox: Sandbox) -> None:
    async def main() -> None:
        async with AsyncCodegenClient(config_of(sandbox.base_url)) as client:
            monitor = client.create_health_monitor(interval=3_600)
            await monitor.stop()
            await monitor.start()
            await monitor.start()
            await until_async(lambda: monitor.status.healthy)
            assert len(tasks()) == 1
            await monitor.stop()
            await monitor.stop()
            assert tasks() == []
            assert not monitor.status.running

    asyncio.run(main())


def test_closing_the_client_stops_its_monitors(sandbox: Sandbox) -> None:
    with CodegenClient(config_of(sandbox.base_url)) as client:
        monitor = client.create_health_monitor(interval=3_600).start()
        derived = client.with_options(timeout=5)
        other = derived.create_health_monitor(interval=3_600).start()
        derived.close()
        assert other.status.running
        until(lambda: monitor.status.healthy and other.status.healthy)
    assert threads() == []
    assert not monitor.status.running
    assert not other.status.running

    async def main() -> None:
        async with AsyncCodegenClient(config_of(sandbox.base_url)) as async_client:
            async_monitor = await async_client.create_health_monitor(interval=3_600).start()
        assert tasks() == []
        assert not async_monitor.status.running

    asyncio.run(main())


def test_a_check_that_hangs_does_not_hold_stop(serve: Any) -> None:
    server = serve(HANG)
    calls: list[str] = []
    with CodegenClient(config_of(server.base_url, timeout=3)) as client:
        monitor = client.create_health_monitor().start()
        monitor.on_unhealthy(lambda: calls.append("too late"))
        until(lambda: server.requests)
        monitor.stop()
        assert not monitor.status.running
    until(lambda: not threads())
    assert calls == []


def test_a_monitor_that_nobody_keeps_still_works(real: CodegenClient) -> None:
    found = threading.Event()
    monitor = real.create_health_monitor(interval=3_600)
    monitor.on_healthy(found.set)
    monitor.start()
    del monitor
    gc.collect()
    assert found.wait(30)


def test_a_monitor_of_a_closed_client_ends(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    client = CodegenClient(config_of(sandbox.base_url))
    client.close()
    with caplog.at_level(logging.ERROR, "codegen_ext.health"):
        monitor = client.create_health_monitor().start()
        until(lambda: not monitor.status.running)
        until(lambda: not threads())
    assert "a health monitor ended" in caplog.text


def test_a_task_of_a_closed_client_or_an_ended_loop_ends(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    async def closed() -> None:
        client = AsyncCodegenClient(config_of(sandbox.base_url))
        await client.close()
        monitor = await client.create_health_monitor().start()
        await until_async(lambda: not monitor.status.running)

    with caplog.at_level(logging.ERROR, "codegen_ext.health"):
        asyncio.run(closed())
    assert "a health monitor ended" in caplog.text

    async def begin() -> AsyncHealthMonitor:
        async with AsyncCodegenClient(config_of(sandbox.base_url)) as client:
            return await client.create_health_monitor(interval=3_600).start()

    monitor = asyncio.run(begin())
    asyncio.run(monitor.stop())
    assert not monitor.status.running


def test_a_task_is_stopped_from_another_loop(sandbox: Sandbox) -> None:
    async def main() -> None:
        async with AsyncCodegenClient(config_of(sandbox.base_url)) as client:
            monitor = await client.create_health_monitor(interval=3_600).start()
            await asyncio.to_thread(asyncio.run, monitor.stop())
            await until_async(lambda: not tasks())

    asyncio.run(main())


def test_settings_that_do_not_fit(real: CodegenClient) -> None:
    for interval in (0, -1, float("inf"), float("nan"), "30"):
        with pytest.raises(ConfigurationError, match="interval must be a number of seconds"):
            real.create_health_monitor(interval)  # type: ignore[arg-type]
    for threshold in (0, -1, 1.5, True):
        with pytest.raises(ConfigurationError, match="failure_threshold"):
            real.create_health_monitor(failure_threshold=threshold)  # type: ignore[arg-type]
    monitor = real.create_health_monitor()
    for register in (monitor.on_healthy, monitor.on_unhealthy, monitor.on_change):
        with pytest.raises(ConfigurationError, match="expected a function"):
            register(None)  # type: ignore[arg-type]

    async def callback() -> None: ...

    monitor.on_healthy(callback)
    with pytest.raises(ConfigurationError, match="cannot await"):
        monitor.start()


def test_both_kinds_have_the_same_names() -> None:
    def public(kind: type) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_")}

    assert public(HealthMonitor) == public(AsyncHealthMonitor)
    assert {"on_healthy", "on_unhealthy", "on_change", "start", "stop", "status"} <= public(HealthMonitor)


def test_no_secret_in_its_repr(real: CodegenClient) -> None:
    assert repr(real.create_health_monitor()) == "HealthMonitor(interval=30, healthy=None)"
