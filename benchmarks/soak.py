"""Whether anything grows while everything is used under faults, run with `python -m benchmarks.soak [SECONDS]`.

A sandbox in a process of its own disturbs requests. Round by round, threads and tasks start runs, wait for them, woken
by webhooks, read logs and lists, and create in bulk. Between two rounds nothing is under way: then the file
descriptors, threads, tasks and memory of this process are read, which must not grow.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any, NamedTuple
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from codegen_ext import Agent, AsyncAgent, AsyncCodegenClient, ClientConfig, CodegenAPIError, CodegenClient
from codegen_ext.testing import Fault, Sandbox
from codegen_ext.webhooks import WebhookHandler
from codegen_ext.webhooks import handler as webhook_handler

from .streams import resident

ROUNDS = 12
REST = 6.0
"""Seconds after a round, in which idle connections expire."""
SECRET = "soak-webhook-secret"
FAULTS = (
    Fault.status(503),
    Fault.status(429, retry_after=0),
    Fault.status(502, processed=True),
    Fault.reset_before(),
    Fault.reset_after(),
    Fault.truncate(20),
    Fault.latency(0.2),
)
RATE = 0.02
"""The share of requests that each fault meets."""


class Sample(NamedTuple):
    """What this process holds while nothing is under way."""

    descriptors: int
    threads: int
    tasks: int
    megabytes: float


def serve() -> None:
    """Be the service until stdin ends; then say what was created."""
    with Sandbox(rate_limits=False, run_seconds=0.3, webhook_secret=SECRET) as sandbox:
        for fault in FAULTS:
            sandbox.inject("*", fault, rate=RATE)
        print(json.dumps({"base_url": sandbox.base_url, "api_token": sandbox.token}), flush=True)
        sys.stdin.read()
        numbers = Counter((run.metadata or {})["number"] for run in sandbox.runs)
        print(json.dumps({"requests": len(sandbox.requests), "created": list(numbers.elements())}))


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def receiver(handler: WebhookHandler) -> Iterator[str]:
    """Serve a webhook handler and return its address."""
    with make_server("127.0.0.1", 0, handler.wsgi_app(), _Server, _Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


class Soak:
    """The work of all rounds, and what came of it."""

    def __init__(self, client: CodegenClient, async_client: AsyncCodegenClient, webhook_url: str) -> None:
        self.agent, self.async_agent = Agent(323, client=client), AsyncAgent(323, client=async_client)
        self.ended, self.errors = Counter[str](), Counter[str]()
        self.created: list[int] = []
        self._webhook_url = webhook_url
        self._numbers = itertools.count()

    def _options(self) -> dict[str, Any]:
        return {"prompt": "soak", "metadata": {"number": next(self._numbers)}, "webhook_url": self._webhook_url}

    def run(self) -> None:
        """Start a run, wait for it and read its log."""
        task = self.agent.run(**self._options()).wait(timeout=60)
        self.created.append((task.metadata or {})["number"])
        assert sum(1 for _ in task.stream_logs(follow=False))

    def bulk(self) -> None:
        """Create ten runs with a journal."""
        with tempfile.TemporaryDirectory() as folder:
            configs, journal = [self._options() for _ in range(10)], Path(folder, "runs.db")
            results = self.agent.client.bulk_create_agent_runs(323, configs, wait=True, journal=journal)
        self._note(results)

    def stream(self) -> None:
        """Read some pages and leave."""
        for _ in itertools.islice(self.agent.client.stream_all_agent_runs(323), 250):
            pass

    def _note(self, results: list[Any]) -> None:
        self.created += [(result.data.metadata or {})["number"] for result in results if result.data is not None]
        self.errors.update(type(result.error).__name__ for result in results if result.error is not None)

    async def run_async(self) -> None:
        """Start a run, wait for it and read its log."""
        task = await (await self.async_agent.run(**self._options())).wait(timeout=60)
        self.created.append((task.metadata or {})["number"])
        assert [entry async for entry in task.stream_logs(follow=False)]

    async def bulk_async(self) -> None:
        """Create ten runs."""
        configs = [self._options() for _ in range(10)]
        self._note(await self.async_agent.client.bulk_create_agent_runs(323, configs, wait=True))

    async def stream_async(self) -> None:
        """Read some pages and leave."""
        stream, count = self.async_agent.client.stream_all_agent_runs(323), 0
        async for _ in stream:
            count += 1
            if count == 250:
                break
        await stream.aclose()  # type: ignore[attr-defined] # it is a generator

    def round(self, seconds: float) -> int:
        """Do everything at once for some seconds; return the number of tasks that are left on the event loop."""
        end = time.monotonic() + seconds

        def again(work: Callable[[], None]) -> None:
            while time.monotonic() < end:
                try:
                    work()
                    self.ended[work.__name__] += 1
                except CodegenAPIError as error:
                    self.errors[type(error).__name__] += 1

        async def again_async(work: Callable[[], Any]) -> None:
            while time.monotonic() < end:
                try:
                    await work()
                    self.ended[work.__name__] += 1
                except CodegenAPIError as error:
                    self.errors[type(error).__name__] += 1

        async def all_async() -> int:
            works = [*[self.run_async] * 4, self.bulk_async, self.stream_async]
            await asyncio.gather(*(again_async(work) for work in works))
            await asyncio.sleep(0.1)  # in which a poller without waits ends
            return len(asyncio.all_tasks()) - 1

        with ThreadPoolExecutor(7) as pool:
            works = [*[self.run] * 4, self.bulk, self.stream]
            threads = [pool.submit(again, work) for work in works]
            left = pool.submit(asyncio.run, all_async()).result()
            for thread in threads:
                thread.result()
        return left


def measure(seconds: float) -> tuple[list[Sample], Soak, dict[str, Any]]:
    """Work for some seconds; return what was held after each round, the work, and what the service created."""
    command = [sys.executable, "-m", "benchmarks.soak", "serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdin is not None
        assert service.stdout is not None
        settings = json.loads(service.stdout.readline())
        config = ClientConfig(
            **settings, rate_limits=False, timeout=5, retry_delay=0.02, create_settle_seconds=0.5, log_level="ERROR"
        )
        with CodegenClient(config) as client:
            async_client = AsyncCodegenClient(config)
            handler = WebhookHandler(SECRET, client=client)
            handler.add_client(async_client)
            with receiver(handler) as address, client.create_health_monitor(1):
                soak, samples = Soak(client, async_client, address), []
                for _ in range(ROUNDS):
                    tasks = soak.round(max(1.0, seconds / ROUNDS - REST))
                    time.sleep(REST)
                    gc.collect()
                    descriptors = len(list(Path("/proc/self/fd").iterdir()))
                    samples.append(Sample(descriptors, threading.active_count(), tasks, resident()))
            asyncio.run(async_client.close())
        service.stdin.close()
        return samples, soak, json.loads(service.stdout.read())


def grown(samples: list[Sample]) -> list[str]:
    """Return what was greater in the last third of the rounds than in the first, but for the warm-up and for noise."""
    third = len(samples) // 3
    first, last = (Sample(*map(max, zip(*part, strict=True))) for part in (samples[1 : third + 1], samples[-third:]))
    allowed = Sample(2, 0, 0, 4.0)
    return [
        f"{name}: {before} → {after}"
        for name, before, after, more in zip(Sample._fields, first, last, allowed, strict=True)
        if after > before + more
    ]


def main(seconds: float) -> int:
    """Print a table, and return 1 when something grew, was lost or was created twice."""
    webhook_handler.KEEP = 30.0  # ids of webhooks that are kept for eleven minutes would look like a leak
    samples, soak, service = measure(seconds)
    print("| after | descriptors | threads | tasks | memory |\n|---|---:|---:|---:|---:|")
    for number in range(0, ROUNDS, 2):
        sample = samples[number]
        after = f"{seconds / ROUNDS * (number + 1) / 60:.1f} min"
        print(f"| {after} | {sample.descriptors} | {sample.threads} | {sample.tasks} | {sample.megabytes:.1f} MB |")
    created = Counter(service["created"])
    lost, twice = set(soak.created) - set(created), [one for one, times in created.items() if times > 1]
    print(f"{service['requests']:,} requests, {len(created):,} runs, {len(lost)} lost, {len(twice)} twice")
    print(f"ended: {dict(soak.ended)}; errors: {dict(soak.errors)}")
    problems = grown(samples)
    print("\n".join(problems))
    return bool(problems or lost or twice)


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    else:
        sys.exit(main(float(sys.argv[1]) if sys.argv[1:] else 600.0))
