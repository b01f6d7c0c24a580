"""How many requests it takes to wait for runs, and how late their end is noticed: the run poller beside the plain loop.

Run with `python -m benchmarks.waiting`. The sandbox keeps its documented limits; its clock is simulated, so that
hours pass in seconds. Both sides see the same runs.
"""

from __future__ import annotations

import heapq
import random
import statistics
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import httpx
from codegen_api import operations

from codegen_ext import ClientConfig, CodegenClient, NotFoundError, Task
from codegen_ext.testing import FakeClock, Sandbox

COUNTS = (1, 10, 100, 1_000, 5_000)
POLL_INTERVAL = 5.0
SHORTEST, LONGEST = 60.0, 600.0
"""Seconds that runs take, evenly spread."""


LISTS: dict[str, dict[str, Any]] = {
    "nothing else happens": {},
    "40 runs a minute arrive": {"per_minute": 40},
    "50 of them were deleted": {"deleted": 50},
}


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

    def _connect(self, **settings: Any) -> CodegenClient:
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

    def notice(task_id: int, _: object, status: object) -> None:
        if status == "completed":
            delays.append(scene.clock.monotonic() - lengths[task_id])

    for task in scene.tasks:
        task.add_status_callback(partial(notice, task.id))
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


class Listing(httpx.BaseTransport):
    """A service whose list grows while it is read, and has lost some of the runs that are waited for."""

    def __init__(self, clock: FakeClock, lengths: list[float], per_minute: float, deleted: set[int]) -> None:
        self.clock = clock
        self.ends = dict(enumerate(lengths, 1))
        self.count = 0
        self._per_minute = per_minute
        self._deleted = deleted

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as the service does."""
        self.count += 1
        newest = len(self.ends) + int(self.clock.monotonic() / 60 * self._per_minute)
        name = request.url.path.rpartition("/")[2]
        if name != "runs":
            found = [self._run(int(name))] if int(name) not in self._deleted else [{"detail": "not found"}]
            return httpx.Response(404 if int(name) in self._deleted else 200, json=found[0])
        ids = [run_id for run_id in range(newest, 0, -1) if run_id not in self._deleted]
        skip, limit = int(request.url.params["skip"]), int(request.url.params["limit"])
        items = [self._run(run_id) for run_id in ids[skip : skip + limit]]
        return httpx.Response(200, json={"items": items, "total": len(ids), "page": 1, "size": limit, "pages": 1})

    def _run(self, run_id: int) -> dict[str, object]:
        status = "COMPLETE" if self.ends.get(run_id, 1e9) <= self.clock.monotonic() else "RUNNING"
        return {"id": run_id, "organization_id": 323, "status": status}


def watch_list(count: int, per_minute: float = 0.0, deleted: int = 0, seed: int = 0) -> Outcome:
    """Wait for the runs of such a list; those that were deleted count as noticed when their waits end."""
    drawn, clock = random.Random(seed), FakeClock()
    lengths = [drawn.uniform(SHORTEST, LONGEST) for _ in range(count)]
    gone = set(drawn.sample(range(1, count + 1), deleted))
    service = Listing(clock, lengths, per_minute, gone)
    delays: list[float] = []
    with CodegenClient(ClientConfig(api_token="benchmark", transport=service), clock=clock) as client:
        runs = client.as_completed(323, range(1, count + 1), poll_interval=POLL_INTERVAL)
        try:
            delays.extend(clock.monotonic() - lengths[run.id - 1] for run in runs)
        except NotFoundError:
            assert gone
    assert len(delays) == count - deleted
    return Outcome(service.count, 0, statistics.mean(delays))


def mean(outcomes: list[Outcome]) -> Outcome:
    """Return the mean of several scenes."""
    return Outcome(*(statistics.mean(values) for values in zip(*outcomes, strict=True)))


def report(counts: tuple[int, ...] = COUNTS) -> Iterator[str]:
    """Yield the lines of a table."""
    heads = ("runs", "requests, loop", "refused", "requests, poller", "refused", "loop ÷ poller")
    yield f"| {' | '.join(heads)} | notice, loop | notice, poller |"
    yield "|---:|---:|---:|---:|---:|---:|---:|---:|"
    for count in counts:
        seeds = range(20 if count == 1 else 1)
        plain, ours = mean([loop(count, seed) for seed in seeds]), mean([watch(count, seed) for seed in seeds])
        yield (
            f"| {count:,} | {plain.requests:,.0f} | {plain.refused:,.0f} | {ours.requests:,.0f} | {ours.refused:.0f} "
            f"| {plain.requests / ours.requests:.1f} | {plain.notice:.1f} s | {ours.notice:.1f} s |"
        )


def report_lists() -> Iterator[str]:
    """Yield the lines of the table of lists that change."""
    yield "| 400 runs | requests | notice |"
    yield "|---|---:|---:|"
    for name, options in LISTS.items():
        outcome = watch_list(400, **options)
        yield f"| {name} | {outcome.requests:,.0f} | {outcome.notice:.1f} s |"


if __name__ == "__main__":
    for line in report(tuple(int(word) for word in sys.argv[1:]) or COUNTS):
        print(line, flush=True)
    for line in report_lists():
        print(line, flush=True)
