"""Following an organization: every change once, in order, and on from a cursor."""

import json
from contextlib import closing
from itertools import islice
from typing import Any

import httpx
import pytest

from codegen_ext import (
    AuthenticationError,
    ClientConfig,
    CodegenClient,
    ConfigurationError,
    InvalidResponseError,
    ServerError,
    ValidationError,
)
from codegen_ext.testing import FakeClock, Fault, Sandbox

from ..conftest import once
from ..support.filling import fill


def told(changes: Any, count: int) -> list[tuple[str, int, str, str | None]]:
    with closing(changes):
        return [(change.kind, change.run.id, change.run.status, change.previous) for change in islice(changes, count)]


class Meanwhile(FakeClock):
    """Does what a test planned during the first sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self.plan: list[Any] = []

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        assert len(self.slept) < 2000
        if self.plan:
            self.plan.pop(0)()


@pytest.fixture
def clock() -> FakeClock:
    return Meanwhile()


def test_a_run_is_told_from_its_creation_to_its_end(client: Any, sandbox: Sandbox, clock: Meanwhile) -> None:
    client.create_agent_run(323, "[[seconds=0]]")
    clock.plan = [lambda: sandbox.script(states=[("PENDING", 12), ("RUNNING", 20), ("COMPLETE", 0)])]
    clock.plan.append(lambda: fill(sandbox, 1, "made meanwhile"))
    assert told(client.watch(323), 3) == [
        ("created", 2, "pending", None),
        ("status_changed", 2, "running", "pending"),
        ("finished", 2, "completed", "running"),
    ]


@once
def test_a_run_that_came_and_went_between_two_looks_is_told_twice(
    client: Any, sandbox: Sandbox, clock: Meanwhile
) -> None:
    sandbox.script(seconds=0)
    clock.plan = [lambda: fill(sandbox, 1, "made meanwhile")]
    changes = client.watch(323)
    created, finished = next(changes), next(changes)
    assert [created.kind, finished.kind] == ["created", "finished"]
    assert finished.previous is None
    changes.close()
    again = next(client.watch(323, cursor=created.cursor))
    assert (again.kind, again.run.id, again.cursor) == ("finished", 1, finished.cursor)


def test_runs_that_exist_already_are_followed_to_their_end(client: Any, sandbox: Sandbox) -> None:
    client.create_agent_run(323, "[[seconds=40]]")
    client.create_agent_run(323, "[[seconds=0]]")
    assert told(client.watch(323), 2) == [
        ("status_changed", 1, "running", "pending"),
        ("finished", 1, "completed", "running"),
    ]


def test_what_happened_while_nobody_watched_is_told_from_the_cursor_on(
    client: Any, sandbox: Sandbox, clock: Meanwhile
) -> None:
    clock.plan = [lambda: fill(sandbox, 1, "made meanwhile")]
    first = client.watch(323)
    cursor = next(first).cursor
    first.close()
    clock.plan = []
    fill(sandbox, 250)
    clock.advance(60)
    changes = told(client.watch(323, cursor=cursor), 501)
    assert [change[1] for change in changes if change[0] == "created"] == list(range(2, 252))
    assert sorted(change[1] for change in changes if change[0] == "finished") == list(range(1, 252))
    assert len(set(changes)) == len(changes)


@once
def test_old_unfinished_runs_are_read_by_few_requests(client: Any, sandbox: Sandbox, clock: Meanwhile) -> None:
    fill(sandbox, 120, "[[outcome=never logs=0]]")
    fill(sandbox, 130)
    clock.advance(60)
    unfinished = {str(run_id): "running" for run_id in range(1, 121)}
    cursor = json.dumps({"org_id": 323, "newest": 250, "unfinished": unfinished})
    clock.plan = [lambda: None] * 4 + [sandbox.runs[4].finish]
    before = len(sandbox.requests)
    assert told(client.watch(323, cursor), 1) == [("finished", 5, "completed", "running")]
    rounds = sum(record.query.startswith("skip=0&") for record in sandbox.requests[before:])
    assert len(sandbox.requests) - before <= 3 * rounds


@once
def test_a_resumed_run_is_told_again(client: Any, sandbox: Sandbox, clock: Meanwhile) -> None:
    client.create_agent_run(323, "[[seconds=0]]")
    clock.plan = [lambda: client.resume_agent_run(323, 1, "[[seconds=30]] go on")]
    assert told(client.watch(323), 2) == [
        ("status_changed", 1, "running", None),
        ("finished", 1, "completed", "running"),
    ]


def test_failures_in_passing_are_waited_out_and_lasting_ones_raised(
    client: Any, sandbox: Sandbox, clock: Meanwhile
) -> None:
    client.create_agent_run(323, "[[seconds=20]]")
    sandbox.inject("list_agent_runs", Fault.status(503), times=3)
    sandbox.inject("list_agent_runs", Fault.status(429, retry_after=9), times=1)
    assert told(client.watch(323), 1)[0][1] == 1
    sandbox.inject("list_agent_runs", Fault.status(401))
    with pytest.raises(AuthenticationError):
        next(client.watch(323))


@once
@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "[]",
        "{}",
        '{"org_id": 1, "newest": 1, "unfinished": {}}',
        '{"org_id": 323, "newest": "1", "unfinished": {}}',
        '{"org_id": 323, "newest": 1, "unfinished": {"x": "running"}}',
    ],
)
def test_a_cursor_that_is_none_is_refused_at_once(client: Any, cursor: str) -> None:
    with pytest.raises(ValidationError, match="cursor"):
        client.watch(323, cursor=cursor)
    with pytest.raises(ConfigurationError, match="poll_interval"):
        client.watch(323, poll_interval=0)


@once
def test_a_straggler_far_down_is_read_alone_and_one_that_is_gone_is_forgotten(
    client: Any, sandbox: Sandbox, clock: Meanwhile
) -> None:
    fill(sandbox, 1, "[[seconds=1000000 logs=0]]")
    fill(sandbox, 250)
    clock.advance(60)
    cursor = json.dumps({"org_id": 323, "newest": 252, "unfinished": {"1": "pending", "252": "running"}})
    clock.plan = [lambda: None] * 3 + [sandbox.runs[0].finish]
    before = len(sandbox.requests)
    assert told(client.watch(323, cursor), 1) == [("finished", 1, "completed", "pending")]
    operations = [record.operation for record in sandbox.requests[before:]]
    assert operations.count("get_agent_run") >= 3
    assert operations.count("list_agent_runs") <= operations.count("get_agent_run") + 2


@once
def test_an_hour_of_failures_ends_a_watch(client: Any, sandbox: Sandbox, clock: Meanwhile) -> None:
    sandbox.inject("list_agent_runs", Fault.status(503))
    with pytest.raises(ServerError):
        next(client.watch(323))
    assert 3600 <= clock.monotonic() < 3700


@pytest.mark.parametrize("grows", [0, 1, 100])
def test_a_list_that_does_not_heed_skip_is_refused_after_few_requests(grows: int) -> None:
    asked = [0]

    def answer(request: httpx.Request) -> httpx.Response:
        asked[0] += 1
        newest = 1000 + grows * asked[0]
        runs = [{"id": newest - index, "organization_id": 323, "status": "RUNNING"} for index in range(100)]
        return httpx.Response(200, json={"items": runs, "total": 10**6, "page": 1, "size": 100, "pages": 10**4})

    config = ClientConfig(api_token="token-123456", transport=httpx.MockTransport(answer), enable_caching=False)
    with CodegenClient(config, clock=FakeClock()) as client:
        for cursor in (None, json.dumps({"org_id": 323, "newest": 5, "unfinished": {}})):
            with pytest.raises(InvalidResponseError, match="does not advance"):
                next(client.watch(323, cursor))
    assert asked[0] < 15


def test_more_runs_than_a_page_holds_may_arrive_between_two_pages() -> None:
    newest = iter([1150, 1300])

    def answer(request: httpx.Request) -> httpx.Response:
        last = next(newest, 1300)
        ids = range(last - int(request.url.params["skip"]), 0, -1)[:100]
        status = {True: "RUNNING", False: "COMPLETE"}
        runs = [{"id": run_id, "organization_id": 323, "status": status[run_id > 1000]} for run_id in ids]
        return httpx.Response(200, json={"items": runs, "total": last, "page": 1, "size": 100, "pages": 9})

    config = ClientConfig(api_token="token-123456", transport=httpx.MockTransport(answer), enable_caching=False)
    with CodegenClient(config, clock=FakeClock()) as client:
        cursor = json.dumps({"org_id": 323, "newest": 1000, "unfinished": {}})
        assert [change[1] for change in told(client.watch(323, cursor), 300)] == list(range(1001, 1301))
