"""Following an organization: every change once, in order, and on from a cursor."""

import json
from contextlib import closing
from itertools import islice

import pytest

from codegen_ext import (
    AuthenticationError,
    CodegenClient,
    ConfigurationError,
    InvalidResponseError,
    ServerError,
    ValidationError,
)
from codegen_ext.testing import FakeClock, Fault

from ..conftest import async_repeats, once
from ..support.calls import fill
from .conftest import RunList, growing_down_from


def told(changes, count):
    with closing(changes):
        return [(change.kind, change.run.id, change.run.status, change.previous) for change in islice(changes, count)]


def cursor_of(newest, **unfinished):
    """Return a cursor; the unfinished runs are named run_1, run_2, …"""
    known = {name.removeprefix("run_"): status for name, status in unfinished.items()}
    return json.dumps({"org_id": 323, "newest": newest, "unfinished": known})


class Meanwhile(FakeClock):
    """Does what a test planned during the first sleeps."""

    def __init__(self):
        super().__init__()
        self.plan = []

    def sleep(self, seconds):
        super().sleep(seconds)
        assert len(self.slept) < 2000
        if self.plan:
            self.plan.pop(0)()


@pytest.fixture
def clock():
    return Meanwhile()


@once
def test_a_run_is_told_from_its_creation_to_its_end_and_again_when_it_is_resumed(client, sandbox, clock):
    client.create_agent_run(323, "[[seconds=0]]")
    clock.plan = [
        lambda: sandbox.script(states=[("PENDING", 12), ("RUNNING", 20), ("COMPLETE", 0)]),
        lambda: fill(sandbox, 1, "made meanwhile"),
        *[lambda: None] * 8,
        lambda: client.resume_agent_run(323, 1, "[[seconds=30]] go on"),
    ]
    assert told(client.watch(323), 5) == [
        ("created", 2, "pending", None),
        ("status_changed", 2, "running", "pending"),
        ("finished", 2, "completed", "running"),
        ("status_changed", 1, "running", None),
        ("finished", 1, "completed", "running"),
    ]


@async_repeats
def test_what_happened_without_a_watch_is_told_from_the_cursor_on(client, sandbox, clock):
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
@pytest.mark.parametrize(("old", "newer", "ends"), [(120, 130, 5), (1, 250, 1)])
def test_old_unfinished_runs_are_read_by_few_requests_and_those_that_are_gone_forgotten(
    client, sandbox, clock, old, newer, ends
):
    fill(sandbox, old, "[[outcome=never logs=0]]")
    fill(sandbox, newer)
    clock.advance(60)
    cursor = cursor_of(252, run_252="running", **{f"run_{run_id}": "running" for run_id in range(1, old + 1)})
    clock.plan = [lambda: None] * 4 + [sandbox.runs[ends - 1].finish]
    before = len(sandbox.requests)
    assert told(client.watch(323, cursor), 1) == [("finished", ends, "completed", "running")]
    rounds = sum(record.query.startswith("skip=0&") for record in sandbox.requests[before:])
    assert len(sandbox.requests) - before <= 3 * rounds + 1


@async_repeats
def test_transient_failures_are_waited_out_and_lasting_ones_raised(client, sandbox, clock):
    client.create_agent_run(323, "[[seconds=20]]")
    sandbox.inject("list_agent_runs", Fault.status(503), times=3)
    sandbox.inject("list_agent_runs", Fault.status(429, retry_after=9), times=1)
    assert told(client.watch(323), 1)[0][1] == 1
    sandbox.inject("list_agent_runs", Fault.status(401), times=1)
    with pytest.raises(AuthenticationError):
        next(client.watch(323))
    sandbox.inject("list_agent_runs", Fault.status(503, retry_after=300))
    start = clock.monotonic()
    with pytest.raises(ServerError):
        next(client.watch(323))
    assert 3600 <= clock.monotonic() - start < 4000


@once
def test_a_cursor_that_is_none_is_refused_at_once(client):
    wrong = (cursor_of(1).replace("323", "1"), cursor_of(1, x="running"), cursor_of(1).replace(": 1", ': "1"'))
    for cursor in ("", "x", "[]", "{}", *wrong):
        with pytest.raises(ValidationError, match="cursor"):
            client.watch(323, cursor=cursor)
    with pytest.raises(ConfigurationError, match="poll_interval"):
        client.watch(323, poll_interval=0)


@pytest.mark.parametrize("grows", [0, 1, 100])
def test_a_list_that_does_not_heed_skip_is_refused_after_few_requests(grows):
    runs = RunList(lambda turn, skip: (range(1000 + grows * turn, 0, -1)[:100], 10**6), status="RUNNING")
    with CodegenClient(runs.config(), clock=FakeClock()) as client:
        for cursor in (None, cursor_of(5)):
            with pytest.raises(InvalidResponseError, match="does not advance"):
                next(client.watch(323, cursor))
    assert len(runs.asked) < 15


def test_more_runs_than_a_page_holds_may_arrive_between_two_pages():
    runs = RunList(lambda turn, skip: growing_down_from(1150 if turn == 1 else 1300)(turn, skip), status="RUNNING")
    with CodegenClient(runs.config(), clock=FakeClock()) as client:
        changes = told(client.watch(323, cursor_of(1000)), 400)
    assert [run_id for kind, run_id, *_ in changes if kind == "created"] == list(range(1001, 1301))
