"""What becomes of a bulk job that is killed with SIGKILL again and again, run with `python -m benchmarks.killed`.

A process works on a journal against a sandbox over HTTP, is killed at random moments, also between requests and their
answers, and another one goes on with the same journal.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from codegen_ext import ClientConfig, CodegenClient
from codegen_ext.testing import Fault, Sandbox

COUNT = 200
KILLS = 20
LATENCY = 0.03
"""Seconds that the sandbox takes for a create."""


class Outcome(NamedTuple):
    """How often the job was killed, how many runs there are in the end, and how many of them were made twice."""

    kills: int
    runs: int
    twice: int


def work(journal: str, base_url: str, token: str) -> None:
    """Create the runs, or what is left of them; in a process of its own."""
    config = ClientConfig(api_token=token, base_url=base_url, rate_limits=False, create_settle_seconds=1.0)
    configs = [{"prompt": f"job {number}"} for number in range(COUNT)]
    with CodegenClient(config) as client:
        results = client.bulk_create_agent_runs(323, configs, max_concurrent=8, journal=journal)
    assert all(result.success for result in results)


def measure(seed: int = 0) -> Outcome:
    """Kill a job at random moments until it is left to end."""
    drawn, kills = random.Random(seed), 0
    with Sandbox(rate_limits=False, run_seconds=1000) as sandbox, tempfile.TemporaryDirectory() as folder:
        sandbox.inject("create_agent_run", Fault.latency(LATENCY), rate=1.0)
        command = [sys.executable, "-m", "benchmarks.killed", str(Path(folder, "runs.db")), sandbox.base_url]
        for target in [*sorted(drawn.randrange(COUNT) for _ in range(KILLS)), None]:
            with subprocess.Popen([*command, sandbox.token]) as process:
                while target is not None and len(sandbox.runs) <= target and process.poll() is None:
                    time.sleep(0.002)
                if target is not None:
                    time.sleep(drawn.random() * LATENCY)
                    kills += process.poll() is None
                    process.kill()
        prompts = Counter(run.prompt for run in sandbox.runs)
    return Outcome(kills, prompts.total(), prompts.total() - len(prompts))


if __name__ == "__main__":
    if sys.argv[1:]:
        work(*sys.argv[1:])
    else:
        outcome = measure()
        print(f"| {COUNT} configurations, killed {outcome.kills} times | {outcome.runs} runs, {outcome.twice} twice |")
