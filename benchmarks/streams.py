"""How much memory streaming takes, run with `python -m benchmarks.streams`: 100,000 runs of an in-process sandbox.

The resident memory of this process is read before the first page and with every thousandth run.
"""

from __future__ import annotations

import gc
import time
from pathlib import Path
from typing import NamedTuple

import httpx
from codegen_api import operations

from codegen_ext import ClientConfig, CodegenClient
from codegen_ext.testing import FakeClock, Sandbox

RUNS = 100_000


class Growth(NamedTuple):
    """What reading took: runs, megabytes at most above the start, seconds."""

    runs: int
    megabytes: float
    seconds: float


def resident() -> float:
    """Return the resident memory of this process in megabytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


def measure(count: int = RUNS) -> Growth:
    """Stream `count` runs and return what that took."""
    clock = FakeClock()
    sandbox = Sandbox(clock=clock, rate_limits=False, run_seconds=0)
    transport, headers = sandbox.transport(), {"Authorization": f"Bearer {sandbox.token}"}
    address = sandbox.base_url + operations.CREATE_AGENT_RUN.path.format(org_id=sandbox.org_id)
    order = {"prompt": "[[logs=0 seconds=0 pull_request=no]]"}
    for _ in range(count):
        transport.handle_request(httpx.Request("POST", address, headers=headers, json=order)).read()
    config = ClientConfig(api_token=sandbox.token, base_url=sandbox.base_url, transport=transport, rate_limits=False)
    with CodegenClient(config, clock=clock) as client:
        client.list_agent_runs(sandbox.org_id, limit=1)
        gc.collect()
        before, most, found, start = resident(), 0.0, 0, time.perf_counter()
        for _ in client.stream_all_agent_runs(sandbox.org_id):
            found += 1
            if found % 1000 == 0:
                most = max(most, resident())
        assert found == count
        return Growth(found, max(0.0, most - before), time.perf_counter() - start)


if __name__ == "__main__":
    growth = measure()
    print(f"| {growth.runs:,} runs streamed | {growth.megabytes:.1f} MB more at most | {growth.seconds:.0f} s |")
