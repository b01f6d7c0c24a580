"""What a call through the whole client costs beside the same call with bare httpx, in one process."""

from __future__ import annotations

import asyncio
import logging
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import httpx

from benchmarks.measure import compare, row, wide_limits
from benchmarks.service import ORG_ID, RUN_ID, RUN_PATH, RUNS_PATH, USER, USER_PATH, service
from codegen_ext import AsyncCodegenClient, ClientConfig, CodegenClient

IN_FLIGHT = 200

Call = Callable[[], Awaitable[object]]


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
    with service() as base_url, wide_limits():
        config = ClientConfig(api_token="benchmark", base_url=base_url)
        headers = {"Authorization": "Bearer benchmark"}
        run_url, list_url, user_url = base_url + RUN_PATH, base_url + RUNS_PATH, base_url + USER_PATH
        nothing = httpx.MockTransport(lambda _: httpx.Response(200, json=USER))
        with (
            CodegenClient(config) as client,
            httpx.Client(headers=headers) as bare,
            httpx.Client(headers=headers, transport=nothing) as canned,
        ):

            def plain() -> object:
                return bare.get(run_url).json()

            def ours() -> object:
                return client.get_agent_run(ORG_ID, RUN_ID)

            def plain_user() -> object:
                return bare.get(user_url).json()

            yield row("get_agent_run / httpx + json()", *compare(plain, ours), 1.05)
            with dropped_log():
                yield row("get_agent_run, log at DEBUG / httpx + json()", *compare(plain, ours), 1.2)
            yield row(
                "list_agent_runs, 100 runs / httpx + json()",
                *compare(lambda: bare.get(list_url).json(), lambda: client.list_agent_runs(ORG_ID), calls=20),
                1.45,
            )
            yield row("cached get_current_user / httpx + json()", *compare(plain_user, client.get_current_user), 0.25)
            yield row(
                "a transport that does nothing / httpx + json()",
                *compare(plain_user, lambda: canned.get(user_url).json()),
                None,
            )
        yield _async_report(config, headers, run_url)
    yield _in_flight(0.05, "at least 8")
    yield _in_flight(0, "")


def _async_report(config: ClientConfig, headers: dict[str, str], url: str) -> str:
    with asyncio.Runner() as runner:
        client, bare = AsyncCodegenClient(config), httpx.AsyncClient(headers=headers)

        async def plain() -> object:
            return (await bare.get(url)).json()

        async def ours() -> object:
            return await client.get_agent_run(ORG_ID, RUN_ID)

        def one_after_another(call: Call) -> Callable[[], object]:
            return lambda: runner.run(_flood(call, calls=100, in_flight=1))

        base, subject, ratio = compare(one_after_another(plain), one_after_another(ours), calls=1)
        runner.run(client.close())
        runner.run(bare.aclose())
    return row("async get_agent_run / httpx + json()", base / 100, subject / 100, ratio, 1.05)


def _in_flight(seconds: float, bound: str) -> str:
    """Compare calls of which each takes the service so many seconds, with 200 of them in flight."""
    limits = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
    with service(seconds) as base_url, wide_limits(), asyncio.Runner() as runner:
        client = AsyncCodegenClient(ClientConfig(api_token="benchmark", base_url=base_url))
        bare = httpx.AsyncClient(headers={"Authorization": "Bearer benchmark"}, limits=limits, timeout=60)

        async def plain() -> object:
            return (await bare.get(base_url + RUN_PATH)).json()

        async def ours() -> object:
            return await client.get_agent_run(ORG_ID, RUN_ID)

        pairs = [(runner.run(_flooded(plain)), runner.run(_flooded(ours))) for _ in range(7)]
        runner.run(client.close())
        runner.run(bare.aclose())
    base, subject = (statistics.median(speeds) for speeds in zip(*pairs, strict=True))
    ratio = statistics.median(ours / plain for plain, ours in pairs)
    name = f"{IN_FLIGHT} calls of {seconds * 1000:.0f} ms in flight, calls a CPU second / httpx"
    return f"{name:60} {base:9.0f} {subject:9.0f} {ratio:7.2f}  {bound}"


async def _flooded(call: Call, calls: int = 1_000) -> float:
    """Return the calls a CPU second, with many in flight, once the connections are open."""
    await _flood(call, IN_FLIGHT, IN_FLIGHT)
    start = time.process_time()
    await _flood(call, calls, IN_FLIGHT)
    return calls / (time.process_time() - start)


async def _flood(call: Call, calls: int, in_flight: int) -> None:
    left = iter(range(calls))

    async def work() -> None:
        for _ in left:
            await call()

    await asyncio.gather(*(work() for _ in range(in_flight)))
