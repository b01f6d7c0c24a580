"""What a call through the whole client costs beside the same call with bare httpx."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from codegen_api import operations

from benchmarks import limits
from benchmarks.measure import compare, row
from codegen_ext import AsyncCodegenClient, ClientConfig, CodegenClient


@contextmanager
def sandbox_process() -> Iterator[dict[str, str]]:
    """Serve the sandbox from a process of its own, so that its CPU time is not counted."""
    command = [
        sys.executable,
        "-m",
        "codegen_ext.testing.sandbox",
        "--port",
        "0",
        "--no-rate-limits",
        "--run-seconds",
        "0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def report() -> Iterator[str]:
    """Yield the lines of the report."""
    with sandbox_process() as sandbox, limits.wide_limits():
        org_id = int(sandbox["org_id"])
        config = ClientConfig(api_token=sandbox["token"], org_id=str(org_id), base_url=sandbox["base_url"])
        headers = {"Authorization": f"Bearer {sandbox['token']}"}
        with CodegenClient(config) as client, httpx.Client(headers=headers) as bare:
            run_id = client.create_agent_run(org_id, "measure").id
            for _ in range(99):
                client.create_agent_run(org_id, "measure")
            run_url = sandbox["base_url"] + operations.GET_AGENT_RUN.path.format(org_id=org_id, agent_run_id=run_id)
            list_url = sandbox["base_url"] + operations.LIST_AGENT_RUNS.path.format(org_id=org_id)
            yield row(
                "get_agent_run / httpx + json()",
                *compare(lambda: bare.get(run_url).json(), lambda: client.get_agent_run(org_id, run_id)),
                1.25,
            )
            yield row(
                "list_agent_runs, 100 runs / httpx + json()",
                *compare(lambda: bare.get(list_url).json(), lambda: client.list_agent_runs(org_id), calls=20),
                1.45,
            )
        yield _async_report(config, headers, run_url, org_id, run_id)
        yield from limits.report(run_url, headers)


def _async_report(config: ClientConfig, headers: dict[str, str], url: str, org_id: int, run_id: int) -> str:
    with asyncio.Runner() as runner:
        client, bare = AsyncCodegenClient(config), httpx.AsyncClient(headers=headers)

        async def plain() -> object:
            return (await bare.get(url)).json()

        result = compare(lambda: runner.run(plain()), lambda: runner.run(client.get_agent_run(org_id, run_id)))
        runner.run(client.close())
        runner.run(bare.aclose())
    return row("async get_agent_run / httpx + json()", *result, None)
