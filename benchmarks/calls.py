"""What a call through the whole client costs beside the same call with bare httpx, in one process."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import httpx
from codegen_api import operations
from codegen_api.operations import OPERATIONS
from codegen_api.table import RateLimit

from benchmarks.measure import compare, row
from codegen_ext import AsyncCodegenClient, ClientConfig, CodegenClient

WIDE = RateLimit(100_000, 0.1, "standard")
"""So wide that nobody waits; what went is forgotten after as many requests as real windows hold."""
IN_FLIGHT = 200


@contextmanager
def sandbox_process(*options: str) -> Iterator[dict[str, str]]:
    """Serve the sandbox from a process of its own, so that its CPU time is not counted."""
    module = [sys.executable, "-m", "codegen_ext.testing.sandbox"]
    command = [*module, "--port", "0", "--no-rate-limits", "--run-seconds", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


@contextmanager
def wide_limits() -> Iterator[None]:
    """Let the limits of the contract count without ever making a request wait."""
    before = dict(OPERATIONS)
    OPERATIONS.update({name: operation._replace(rate_limit=WIDE) for name, operation in before.items()})
    try:
        yield
    finally:
        OPERATIONS.update(before)


class Dropping(logging.Handler):
    """Formats every record and drops it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Format the record."""
        self.format(record)


@contextmanager
def dropped_log() -> Iterator[None]:
    """Have the log on at DEBUG, with a handler that formats and drops."""
    logger, handler = logging.getLogger("codegen_ext"), Dropping()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def report() -> Iterator[str]:
    """Yield the lines of the report."""
    with sandbox_process() as sandbox, wide_limits():
        org_id = int(sandbox["org_id"])
        config = ClientConfig(api_token=sandbox["token"], org_id=str(org_id), base_url=sandbox["base_url"])
        headers = {"Authorization": f"Bearer {sandbox['token']}"}
        with CodegenClient(config) as client, httpx.Client(headers=headers) as bare:
            run_id = client.create_agent_run(org_id, "measure").id
            for _ in range(99):
                client.create_agent_run(org_id, "measure")
            run_url = sandbox["base_url"] + operations.GET_AGENT_RUN.path.format(org_id=org_id, agent_run_id=run_id)
            list_url = sandbox["base_url"] + operations.LIST_AGENT_RUNS.path.format(org_id=org_id)
            user_url = sandbox["base_url"] + operations.GET_CURRENT_USER.path

            def plain() -> object:
                return bare.get(run_url).json()

            def ours() -> object:
                return client.get_agent_run(org_id, run_id)

            yield row("get_agent_run / httpx + json()", *compare(plain, ours), 1.05)
            with dropped_log():
                yield row("get_agent_run, log at DEBUG / httpx + json()", *compare(plain, ours), 1.2)
            yield row(
                "list_agent_runs, 100 runs / httpx + json()",
                *compare(lambda: bare.get(list_url).json(), lambda: client.list_agent_runs(org_id), calls=20),
                1.45,
            )
            yield row(
                "cached get_current_user / httpx + json()",
                *compare(lambda: bare.get(user_url).json(), client.get_current_user),
                0.25,
            )
        yield from _async_report(config, headers, run_url, org_id, run_id)


def _async_report(config: ClientConfig, headers: dict[str, str], url: str, org_id: int, run_id: int) -> Iterator[str]:
    with asyncio.Runner() as runner:
        client, bare = AsyncCodegenClient(config), httpx.AsyncClient(headers=headers)

        async def plain() -> object:
            return (await bare.get(url)).json()

        async def ours() -> object:
            return await client.get_agent_run(org_id, run_id)

        result = compare(lambda: runner.run(plain()), lambda: runner.run(ours()))
        yield row("async get_agent_run / httpx + json()", *result, 1.05)
        runner.run(bare.aclose())
        limits = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
        bare = httpx.AsyncClient(headers=headers, limits=limits, timeout=60)
        speeds = [(runner.run(_flood(plain)), runner.run(_flood(ours))) for _ in range(3)]
        base, subject = max(one for one, _ in speeds), max(one for _, one in speeds)
        name = f"{IN_FLIGHT} in flight, calls a second / httpx, {IN_FLIGHT} connections"
        yield f"{name:60} {base:9.0f} {subject:9.0f} {subject / base:7.2f}  at least 8"
        runner.run(client.close())
        runner.run(bare.aclose())


async def _flood(call: Callable[[], Awaitable[object]], calls: int = 1_000) -> float:
    """Return the calls a CPU second, with many in flight."""
    left = iter(range(calls))

    async def work() -> None:
        for _ in left:
            await call()

    start = time.process_time()
    await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
    return calls / (time.process_time() - start)
