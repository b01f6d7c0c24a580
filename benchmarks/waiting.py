"""How many requests it takes to wait for runs, and how late their end is noticed: the watcher beside the plain loop.

Run with `python -m benchmarks.waiting`. The sandbox keeps its documented limits; its clock is simulated, so that
hours pass in seconds. Both sides see the same runs.
"""

from __future__ import annotations

import heapq
import random
import statistics
import sys
from collections.abc import Iterator
from typing import NamedTuple

import httpx
from codegen_api import operations

from codegen_ext import ClientConfig, CodegenClient, Task
from codegen_ext.testing import FakeClock, Sandbox

COUNTS = (1, 10, 100, 1_000, 5_000)
POLL_INTERVAL = 5.0
SHORTEST, LONGEST = 60.0, 600.0
"""Seconds that runs take, evenly spread."""


class Outcome(NamedTuple):
    """What waiting cost: requests, how many of them the service refused, and the mean seconds from end to notice."""

    requests: float
    refused: float
    notice: float


class Scene:
    """A sandbox with runs that end at known moments."""

    def __init__(self, count: int, seed: int = 0) -> None:
        self.clock = FakeClock()
        self.sandbox = Sandbox(clock=self.clock, rate_limits=False)
        drawn = random.Random(seed)
        self.lengths = [drawn.uniform(SHORTEST, LONGEST) for _ in range(count)]
        prompts = [f"[[seconds={length} logs=0 pull_request=no]]" for length in self.lengths]
        org_id = self.sandbox.org_id
        with self._connect(rate_limits=False) as maker:
            runs = [maker.create_agent_run(org_id, prompt) for prompt in prompts]
        self.client = self._connect()
        self.tasks = [Task(self.client, org_id, run) for run in runs]
        self.before = len(self.sandbox.requests)
        self.sandbox.settings.rate_limits = True

    def _connect(self, **settings: bool) -> CodegenClient:
        transport = self.sandbox.transport()
        config = ClientConfig(
            api_token=self.sandbox.token, base_url=self.sandbox.base_url, transport=transport, **settings
        )
        return CodegenClient(config, clock=self.clock)

    def outcome(self, delays: list[float]) -> Outcome:
        """Count what was sent since the runs were made."""
        sent = self.sandbox.requests[self.before :]
        assert len(delays) == len(self.lengths)
        return Outcome(len(sent), sum(record.status == 429 for record in sent), statistics.mean(delays))


def watch(count: int, seed: int = 0) -> Outcome:
    """Wait for runs through the client."""
    scene = Scene(count, seed)
    delays: list[float] = []
    lengths = dict(zip((task.id for task in scene.tasks), scene.lengths, strict=True))

    def notice(task_id: int, status: str) -> None:
        if status == "completed":
            delays.append(scene.clock.monotonic() - lengths[task_id])

    for task in scene.tasks:
        task.add_status_callback(lambda _, status, task_id=task.id: notice(task_id, status))
    with scene.client:
        Task.wait_all(scene.tasks, poll_interval=POLL_INTERVAL)
        return scene.outcome(delays)


def loop(count: int, seed: int = 0) -> Outcome:
    """Wait as other SDKs do: each run has a loop that reads it, sleeps, and after 429 sleeps as Retry-After says."""
    scene = Scene(count, seed)
    scene.client.close()
    transport = scene.sandbox.transport()
    headers = {"Authorization": f"Bearer {scene.sandbox.token}"}
    address = scene.sandbox.base_url + operations.GET_AGENT_RUN.path
    urls = [address.format(org_id=scene.sandbox.org_id, agent_run_id=task.id) for task in scene.tasks]
    requests = [httpx.Request("GET", url, headers=headers) for url in urls]
    due = [(0.0, index) for index in range(count)]
    delays: list[float] = []
    while due:
        at, index = heapq.heappop(due)
        scene.clock.advance(max(0.0, at - scene.clock.monotonic()))
        response = transport.handle_request(requests[index])
        body = response.read()
        now = scene.clock.monotonic()
        if response.status_code == 429:
            heapq.heappush(due, (now + float(response.headers["retry-after"]), index))
        elif b"COMPLETE" in body:
            delays.append(now - scene.lengths[index])
        else:
            heapq.heappush(due, (now + POLL_INTERVAL, index))
    return scene.outcome(delays)


def mean(outcomes: list[Outcome]) -> Outcome:
    """Return the mean of several scenes."""
    return Outcome(*(statistics.mean(values) for values in zip(*outcomes, strict=True)))


def report(counts: tuple[int, ...] = COUNTS) -> Iterator[str]:
    """Yield the lines of a table."""
    heads = ("runs", "requests, loop", "refused", "requests, watcher", "refused", "loop ÷ watcher")
    yield f"| {' | '.join(heads)} | notice, loop | notice, watcher |"
    yield "|---:|---:|---:|---:|---:|---:|---:|---:|"
    for count in counts:
        seeds = range(20 if count == 1 else 1)
        plain, ours = mean([loop(count, seed) for seed in seeds]), mean([watch(count, seed) for seed in seeds])
        yield (
            f"| {count:,} | {plain.requests:,.0f} | {plain.refused:,.0f} | {ours.requests:,.0f} | {ours.refused:.0f} "
            f"| {plain.requests / ours.requests:.1f} | {plain.notice:.1f} s | {ours.notice:.1f} s |"
        )


if __name__ == "__main__":
    for line in report(tuple(int(word) for word in sys.argv[1:]) or COUNTS):
        print(line, flush=True)
