"""Many operations over TCP, one in three disturbed: nothing is lost, nothing is done twice, nothing is left open."""

import asyncio
import os
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from codegen_ext import AsyncCodegenClient, ClientConfig, CodegenClient, errors
from codegen_ext.testing import Sandbox

from ..support.loopback import HANG, RESET, Loopback, reply
from ..support.waiting import until

# CODEGEN_TEST_TORTURE=5000 runs as many as the issue on reliability names.
COUNT = int(os.environ.get("CODEGEN_TEST_TORTURE", "1000" if "CODEGEN_TEST_ALL" in os.environ else "250"))
pytestmark = [pytest.mark.slow, pytest.mark.timeout(60 + COUNT)]
IN_FLIGHT = 64
# Far above what an answer takes on a busy machine: only answers that never come shall reach it.
TIMEOUT = 5.0
DISTURBANCES = {
    "reset": RESET,
    "hang": HANG,
    "429": reply({"message": "disturbed"}, 429, {"retry-after": "0"}),
    "503": reply({"message": "disturbed"}, 503),
}


class FaultProxy(Loopback):
    """Passes requests on; one in three meets a disturbance by a seeded plan.

    "before" means that the service never sees the request, "after" that it has processed it.
    """

    def __init__(self, target):
        super().__init__(b"")
        self._random = random.Random(1)
        self._service = httpx.Client(base_url=target.base_url, transport=target.transport(), timeout=30)

    def __exit__(self, *exception):
        super().__exit__(*exception)
        self._service.close()

    def _answer(self, received):
        with self._lock:
            kinds = [*(f"{kind} before" for kind in DISTURBANCES), "reset after", "hang after", "503 after"]
            kind = self._random.choice([*kinds, "cut", "corrupt"]) if self._random.random() < 1 / 3 else ""
        name, _, moment = kind.partition(" ")
        if moment == "before":
            return DISTURBANCES[name]
        headers = {key: received.headers[key] for key in received.headers.keys() - {"content-length", "connection"}}
        response = self._service.request(received.method, received.path, headers=headers, content=received.body)
        if moment == "after":
            return DISTURBANCES[name]
        body, half = response.content, len(response.content) // 2
        sent = {"corrupt": body[:half] + b"\x00\xff}" + body[half + 3 :], "cut": body[:half]}.get(kind, body)
        passed = {key: value for key, value in response.headers.items() if key in ("date", "x-request-id")}
        return reply(sent, response.status_code, passed, length=len(body))


def check(service, outcomes):
    """Compare what callers got, by the number of the call, with what the service has."""
    assert len(outcomes) == COUNT
    failures = {number: error for number, error in outcomes.items() if isinstance(error, errors.CodegenAPIError)}
    kinds = Counter(type(error).__name__ for error in failures.values())
    ambiguous = {number for number, error in failures.items() if isinstance(error, errors.AmbiguousRequestError)}
    assert all(error.operation for error in failures.values())
    assert all(failures[number].request_id for number in ambiguous)
    created = {number: outcomes[number] for number in range(0, COUNT, 2) if number not in failures}
    assert all(run.metadata == {"number": number} for number, run in created.items())
    runs = {run.id: run.metadata["number"] for run in service.runs if "number" in run.metadata}
    twice = [number for number, times in Counter(runs.values()).items() if times > 1]
    assert twice == []
    assert {number: runs[run.id] for number, run in created.items()} == {number: number for number in created}
    assert set(runs.values()) <= {*created, *ambiguous}
    assert len(created) >= 0.99 * (COUNT // 2), kinds
    # An answer that arrived damaged is an answer that the service gave: it is reported, not asked for again.
    assert COUNT - len(failures) + kinds["InvalidResponseError"] >= 0.99 * COUNT, kinds


@pytest.fixture
def service():
    return Sandbox(rate_limits=False, run_seconds=0.1)


@pytest.fixture
def config(service):
    with FaultProxy(service) as proxy:
        yield ClientConfig(
            api_token=service.token,
            base_url=proxy.base_url,
            timeout=TIMEOUT,
            total_timeout=300,
            max_retries=8,
            retry_delay=0.02,
            create_settle_seconds=1.0,
            rate_limits=False,
        )
        until(lambda: proxy.open == 0, 4)


def ask(client, service, number):
    """Make one of the calls of the mixture; an async client's has to be awaited."""
    if number % 2 == 0:
        return client.create_agent_run(service.org_id, "job", metadata={"number": number})
    if number % 10 == 1:
        return client.list_agent_runs(service.org_id, limit=5)
    return client.get_agent_run(service.org_id, 1)


def test_threads(service, config):
    outcomes = {}
    threads = own_threads()
    with CodegenClient(config) as client:
        client.create_agent_run(service.org_id, "to be read")

        def work(number):
            try:
                outcomes[number] = ask(client, service, number)
            except errors.CodegenAPIError as error:
                outcomes[number] = error

        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            list(pool.map(work, range(COUNT)))
    assert own_threads() == threads
    check(service, outcomes)


async def test_tasks(service, config):
    outcomes = {}
    gate = asyncio.Semaphore(IN_FLIGHT)
    async with AsyncCodegenClient(config) as client:
        await client.create_agent_run(service.org_id, "to be read")

        async def work(number):
            async with gate:
                try:
                    outcomes[number] = await ask(client, service, number)
                except errors.CodegenAPIError as error:
                    outcomes[number] = error

        await asyncio.gather(*(work(number) for number in range(COUNT)))
    assert asyncio.all_tasks() == {asyncio.current_task()}
    check(service, outcomes)


def own_threads():
    """Count the threads but those of the proxy, which has one for each connection."""
    return sum("process_request_thread" not in thread.name for thread in threading.enumerate())
