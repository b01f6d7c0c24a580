"""Many operations over TCP, one in three disturbed: nothing is lost, nothing is done twice, nothing is left open."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from codegen_ext import AmbiguousRequestError, AsyncCodegenClient, ClientConfig, CodegenAPIError, CodegenClient

from ..support.waiting import until
from .proxy import FaultProxy

# CODEGEN_TORTURE=5000 runs as many as the issue on reliability names.
COUNT = int(os.environ.get("CODEGEN_TORTURE", "1000" if "CODEGEN_TEST_ALL" in os.environ else "250"))
pytestmark = [pytest.mark.slow, pytest.mark.timeout(60 + COUNT)]
IN_FLIGHT = 64
# Far above what an answer takes on a busy machine: only the proxy's stalls shall reach it.
TIMEOUT = 5.0


class Ledger:
    """What callers got, to be compared with what the service has."""

    def __init__(self) -> None:
        self.created: dict[int, int] = {}
        self.ambiguous: dict[int, str] = {}
        self.errors = Counter[str]()
        self.returned = 0

    def note(self, number: int, outcome: Any) -> None:
        self.returned += 1
        if number % 2 == 0:
            assert outcome.metadata == {"number": number}
            self.created[number] = outcome.id

    def note_error(self, number: int, error: CodegenAPIError) -> None:
        assert error.operation
        self.errors[type(error).__name__] += 1
        if isinstance(error, AmbiguousRequestError):
            assert error.request_id
            self.ambiguous[number] = error.request_id

    def check(self, service: Any) -> None:
        assert self.returned + self.errors.total() == COUNT
        plain = ClientConfig(api_token=service.token, base_url=service.base_url, rate_limits=False, timeout=30)
        with CodegenClient(plain) as client:
            pages = client.iter_pages("list_agent_runs", org_id=service.org_id)
            listed = [run for page in pages for run in page.items]
        runs = {run.id: run.metadata["number"] for run in listed if "number" in (run.metadata or {})}
        twice = [number for number, times in Counter(runs.values()).items() if times > 1]
        assert twice == []
        assert {number: runs[run_id] for number, run_id in self.created.items()} == {n: n for n in self.created}
        assert set(runs.values()) <= {*self.created, *self.ambiguous}
        creates = COUNT // 2
        assert len(self.created) >= 0.99 * creates, self.errors
        # An answer that arrived damaged is an answer that the service gave: it is reported, not asked for again.
        assert self.returned + self.errors["InvalidResponseError"] >= 0.99 * COUNT, self.errors


@pytest.fixture
def service() -> Any:
    """The sandbox as a process of its own: what it costs does not slow down the client under test."""
    command = [sys.executable, "-m", "codegen_ext.testing.sandbox", "--no-rate-limits", "--run-seconds", "0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield SimpleNamespace(**json.loads(process.stdout.readline()))
        process.terminate()


@pytest.fixture
def proxy(service: Any) -> Any:
    with FaultProxy(service.base_url, rate=1 / 3, seed=1, stall=TIMEOUT * 1.1).running() as running:
        yield running


@pytest.fixture
def config(service: Any, proxy: FaultProxy) -> ClientConfig:
    return ClientConfig(
        api_token=service.token,
        base_url=proxy.base_url,
        timeout=TIMEOUT,
        total_timeout=300,
        max_retries=8,
        retry_delay=0.02,
        create_settle_seconds=1.0,
        rate_limits=False,
    )


def ask(client: Any, service: Any, number: int) -> Any:
    """Make one of the calls of the mixture; an async client's has to be awaited."""
    if number % 2 == 0:
        return client.create_agent_run(service.org_id, "job", metadata={"number": number})
    if number % 10 == 1:
        return client.list_agent_runs(service.org_id, limit=5)
    return client.get_agent_run(service.org_id, 1)


def test_threads(service: Any, proxy: FaultProxy, config: ClientConfig) -> None:
    ledger, lock, threads = Ledger(), threading.Lock(), own_threads()
    with CodegenClient(config) as client:
        client.create_agent_run(service.org_id, "to be read")

        def work(number: int) -> None:
            try:
                outcome = ask(client, service, number)
            except CodegenAPIError as error:
                with lock:
                    ledger.note_error(number, error)
            else:
                with lock:
                    ledger.note(number, outcome)

        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            list(pool.map(work, range(COUNT)))
    ledger.check(service)
    assert own_threads() == threads
    _nothing_left(proxy)


def test_tasks(service: Any, proxy: FaultProxy, config: ClientConfig) -> None:
    ledger = Ledger()

    async def main() -> None:
        async with AsyncCodegenClient(config) as client:
            await client.create_agent_run(service.org_id, "to be read")
            gate = asyncio.Semaphore(IN_FLIGHT)

            async def work(number: int) -> None:
                async with gate:
                    try:
                        outcome = await ask(client, service, number)
                    except CodegenAPIError as error:
                        ledger.note_error(number, error)
                    else:
                        ledger.note(number, outcome)

            await asyncio.gather(*(work(number) for number in range(COUNT)))
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    ledger.check(service)
    _nothing_left(proxy)


def own_threads() -> int:
    """Count the threads but those of the proxy, which has one for each connection."""
    return sum("process_request_thread" not in thread.name for thread in threading.enumerate())


def _nothing_left(proxy: FaultProxy) -> None:
    """Connections that the client closed are gone as soon as the proxy has ended its stalls."""
    until(lambda: proxy.open_connections == 0, 4)
