"""Lists read page by page, also while they change or contradict themselves, and the changes of an organization."""

import asyncio
import json
import os
import random
import subprocess
import sys
import threading
from contextlib import closing
from itertools import islice
from types import SimpleNamespace

import pytest
from codegen_api.operations import GET_AGENT_RUN_LOGS, GET_USER, LIST_AGENT_RUNS, OPERATIONS
from hypothesis import example, given, settings
from hypothesis import strategies as st

from codegen_ext import AsyncCodegenClient, CodegenClient, errors
from codegen_ext._sync import pagination
from codegen_ext.testing import Fault

from ..conftest import TOKEN, ImpatientClock, async_repeats, once
from ..docs.pages import ROOT
from ..support.calls import fill
from ..support.loopback import HANG, reply
from ..support.stub import StubClient, answer
from ..support.waiting import in_child, interrupt_when, until, until_async
from ..waiting.runs import Runs, newest_first

PAGED = [operation for operation in OPERATIONS.values() if operation.paging]


class Listing:
    """A list that is served in parts, as the contract says of an operation; `change` alters it before each answer."""

    def __init__(self, operation, items, *, known_total=True, change=None):
        self.paging = operation.paging
        self.items = items
        self.known_total = known_total
        self.change = change
        self.requests = []

    def __call__(self, request):
        if self.change is not None:
            self.change(self.items, len(self.requests))
        start, size = request.arguments[self.paging.start], request.arguments[self.paging.size]
        self.requests.append((start, size))
        skip = (start - 1) * size if self.paging.style == "page" else start
        total = len(self.items) if self.known_total else None
        return answer(SimpleNamespace(**{self.paging.items: self.items[skip : skip + size], self.paging.total: total}))


def things(count):
    return [SimpleNamespace(id=number) for number in range(count, 0, -1)]


def read(operation, service, size=100):
    return list(pagination.items(StubClient(service), operation, {}, size))


@pytest.mark.parametrize("known_total", [True, False])
@pytest.mark.parametrize("operation", PAGED, ids=lambda operation: operation.id)
def test_every_item_comes_exactly_once_and_in_order(operation, known_total):
    for items in ([], *map(things, (1, 6, 7)), [SimpleNamespace(action="the same, without an id")] * 5):
        listing = Listing(operation, items, known_total=known_total)
        assert read(operation, listing, 3) == items
        assert len(listing.requests) <= len(items) // 3 + 1
    starts = [1, 2] if operation.paging.style == "page" else [0, 3]
    assert listing.requests[:2] == [(start, 3) for start in starts]
    with pytest.raises(TypeError, match="get_user does not page"):
        read(GET_USER, None)


def arrive(items, count):
    newest = max((item.id for item in items), default=10**6)
    items[:0] = [SimpleNamespace(id=newest + number) for number in range(count, 0, -1)]


def append(items, count):
    oldest = min((item.id for item in items), default=0)
    items.extend(SimpleNamespace(id=oldest - number) for number in range(1, count + 1))


def vanish(items, count):
    del items[: count // 5]


@pytest.mark.parametrize("change", [arrive, append, vanish])
@settings(max_examples=20)
@given(count=st.integers(1, 1500), numbers=st.lists(st.integers(0, 300), max_size=6))
@example(count=1500, numbers=[1200, 0, 3000])  # more than is remembered
def test_a_list_that_changes_repeats_nothing_and_hides_nothing_that_stays(change, count, numbers):
    def changed(items, turn):
        if 0 < turn <= len(numbers):
            change(items, numbers[turn - 1])

    listing = Listing(LIST_AGENT_RUNS, things(count), change=changed)
    found = [item.id for item in read(LIST_AGENT_RUNS, listing, 7 if count < 100 else 100)]
    assert len(found) == len(set(found))
    stays = [item.id for item in listing.items if 0 < item.id <= count]
    assert [one for one in found if one in set(stays)] == stays


LYING = {
    "two replicas": lambda turn, skip: newest_first(1000 if turn % 2 else 900, skip),
    "grows with each request": lambda turn, skip: (range(250, 0, -1)[skip : skip + 100], 250 + turn),
    "an estimate": lambda turn, skip: (range(250, 0, -1)[skip : skip + 100], random.Random(turn).randint(200, 400)),
    "too low": lambda turn, skip: (range(250, 0, -1)[skip : skip + 100], turn),
    "too high": lambda turn, skip: (range(250, 0, -1)[skip : skip + 100], 10**6),
    "skip is ignored": lambda turn, skip: (range(100, 0, -1), 10**6),
}


@pytest.mark.parametrize("name", LYING)
def test_a_list_whose_totals_lie_ends_or_is_refused_after_few_requests(name, clock):
    runs = Runs(clock, view=LYING[name])
    with CodegenClient(runs.config()) as client:
        try:
            found = list(client.stream_all_agent_runs(323))
        except errors.InvalidResponseError as error:
            assert "does not advance" in error.message  # noqa: PT017 - either outcome is right
        else:
            assert len(found) >= 200
    assert len(runs.asked) <= 300


@pytest.mark.parametrize("total", [None, "3", 3.5, True, -1, [3]])
def test_a_total_that_is_no_number_is_an_error_of_the_operation(total, clock):
    runs = Runs(clock, view=lambda turn, skip: ([1], total))
    with CodegenClient(runs.config()) as client, pytest.raises(errors.InvalidResponseError) as caught:
        list(client.stream_all_agent_runs(323))
    assert (caught.value.operation, "total: expected" in caught.value.message) == ("list_agent_runs", True)


@pytest.mark.parametrize("total", [None, 10**6])
def test_a_list_without_ids_that_repeats_a_page_is_refused(total):
    page = SimpleNamespace(logs=[SimpleNamespace(thought=str(number)) for number in range(3)], total_logs=total)
    with pytest.raises(errors.InvalidResponseError, match="does not advance"):
        list(islice(pagination.items(StubClient(lambda request: answer(page)), GET_AGENT_RUN_LOGS, {}, 3), 100))


@once
def test_lists_are_streamed_by_item_or_by_page(client):
    for outcome in ("completed", "failed", "completed", "never"):
        client.create_agent_run(323, f"[[seconds=0 outcome={outcome}]]")
    assert [run.id for run in client.stream_agent_runs(323, status="completed")] == [3, 1]
    assert [run.id for run in client.stream_all_agent_runs(323, source_type="API")] == [4, 3, 2, 1]
    assert list(client.stream_all_agent_runs(323, source_type="SLACK")) == []
    with pytest.raises(errors.ValidationError, match="status"):
        list(client.stream_agent_runs(323, status="no such state"))
    assert [user.id for user in client.stream_users(323)] == [user.id for user in client.get_users(323).items]
    names = [repository.full_name for repository in client.stream_repositories(323)]
    assert len(names) == client.get_repositories(323).total
    assert 323 in [organization.id for organization in client.stream_organizations()]
    assert [len(page.items) for page in client.iter_pages("list_agent_runs", page_size=3, org_id="323")] == [3, 1]
    assert [len(one.items) for one in client.iter_pages("list_agent_runs", page_size="3", org_id=323, skip="2")] == [2]
    for operation in ("get_agent_run", "list_sessions", "nothing"):
        with pytest.raises(errors.ValidationError, match="list_agent_runs"):
            client.iter_pages(operation, org_id=323)


@once
def test_arguments_that_pages_do_not_have_are_refused(client, sandbox):
    for name in ("source_typ", "limit", "timeout"):
        with pytest.raises(
            errors.ValidationError, match=f"^{name}: is no argument of .* org_id, .*, page_size"
        ) as caught:
            client.iter_pages("list_agent_runs", org_id=323, **{name: "5"})
        assert (caught.value.field, caught.value.operation) == (name, "list_agent_runs")
    for wrong in ({"page_size": "many"}, {"page_size": None}, {"page_size": 0}, {"skip": "x"}, {"skip": -1}):
        with pytest.raises(errors.ValidationError, match=r"^(limit|skip): "):
            next(client.iter_pages("list_agent_runs", org_id=323, **wrong))
    assert sandbox.requests == []


@once
def test_streams_can_be_switched_off(connect, sandbox):
    client = connect(enable_streaming=False)
    for stream in (client.stream_organizations, lambda: client.stream_logs(323, 1), lambda: client.watch(323)):
        with pytest.raises(errors.ConfigurationError, match="enable_streaming"):
            stream()
    assert sandbox.requests == []


def test_the_next_page_is_fetched_while_one_is_consumed_and_no_further(flavour, clock):
    runs = Runs(clock, total=450)
    with flavour.client(runs.config(), clock=clock) as client:
        stream = client.stream_all_agent_runs(323)
        assert runs.asked == []
        assert next(stream).id == 450
        wait = until_async(lambda: len(runs.asked) == 2)
        flavour.settle(wait) if flavour.is_async else asyncio.run(wait)
        assert [next(stream).id for _ in range(99)][-1] == 351
        assert runs.asked == ["page 0", "page 100"]
        assert sum(1 for _ in stream) == 350


def test_a_page_goes_on_to_the_end_of_its_list(flavour, clock):
    runs = Runs(clock, total=250)
    with flavour.client(runs.config()) as client:
        page = client.list_agent_runs(323, skip=20, limit=100)

        async def read():
            return [run.id async for run in page.auto_paging_iter()]

        found = flavour.settle(read()) if flavour.is_async else [run.id for run in page.auto_paging_iter()]
    assert found == list(range(230, 0, -1))
    assert (len(page.items), runs.asked) == (100, ["page 20", "page 120", "page 220"])


def test_a_failure_of_the_next_page_comes_after_the_items_of_this_one(flavour, clock):
    runs = Runs(clock, total=250)
    runs.refuse = {"page 100": 503}
    with flavour.client(runs.config()) as client:
        stream = client.stream_all_agent_runs(323)
        assert [next(stream).id for _ in range(100)] == list(range(250, 150, -1))
        with pytest.raises(errors.ServerError):
            next(stream)


SLOW = {
    "rate_limits": True,
    "rate_limit_requests_per_period": 1,
    "rate_limit_period_seconds": 1_000.0,
    "total_timeout": 5_000,
}
"""The second page has to wait for a quarter of an hour."""


def test_leaving_a_stream_ends_the_thread_that_fetches_the_next_page(clock, workers):
    with CodegenClient(Runs(clock, total=300).config(**SLOW)) as client:
        stream = client.stream_all_agent_runs(323)
        assert next(stream).id == 300
        until(lambda: len(workers()) == 1)  # the thread that fetched the first page may still be ending
        stream.close()
        until(lambda: not workers())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_stream_that_the_parent_began_is_an_error_in_a_child(clock):
    go_on = threading.Event()

    def view(_, skip):
        assert skip == 0 or go_on.wait(30)
        return range(300 - skip, 200 - skip, -1), 300

    runs = Runs(clock, total=300, view=view)
    with CodegenClient(runs.config()) as client:
        stream = client.stream_all_agent_runs(323)

        def read():
            with pytest.raises(RuntimeError, match="the parent process"):
                list(stream)
            return True

        assert next(stream).id == 300
        until(lambda: len(runs.asked) == 2)  # from then on the other thread holds no lock that the child would need
        assert in_child(read) == 0
        go_on.set()
        assert len(list(stream)) == 299


async def test_leaving_a_stream_ends_the_task_that_fetches_the_next_page(clock):
    async with AsyncCodegenClient(Runs(clock, total=300).config(**SLOW)) as client:
        stream = client.stream_all_agent_runs(323)
        assert (await anext(stream)).id == 300
        (worker,) = asyncio.all_tasks() - {asyncio.current_task()}
        await stream.aclose()
        await asyncio.wait_for(worker, 10)


def test_leaving_a_stream_does_not_wait_for_a_page_whose_thread_ends_with_the_client(serve, clock, workers):
    server = serve(reply({"items": [Runs(clock).run(2)], "total": 2, "page": 1, "size": 100, "pages": 1}), HANG)
    with CodegenClient(api_token=TOKEN, base_url=server.base_url) as client:
        stream = client.stream_all_agent_runs(323)
        assert next(stream).id == 2
        until(lambda: len(server.requests) == 2)
        stream.close()
        assert workers()
    until(lambda: not workers())


def test_ctrl_c_ends_a_stream_that_waits_for_a_page(serve, workers):
    server = serve(HANG)
    with CodegenClient(api_token=TOKEN, base_url=server.base_url) as client:
        interruption = interrupt_when(lambda: server.requests)
        with pytest.raises(KeyboardInterrupt):
            next(client.stream_all_agent_runs(323))
        assert interruption.result(30) is None
    until(lambda: not workers())


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    [
        "from benchmarks import streams; print(streams.measure(10_000).megabytes)",
        "from benchmarks import bulk; bulk.COUNT = 20_000; print(next(bulk.report()).split()[-4])",
    ],
    ids=["stream", "bulk"],
)
def test_many_runs_take_constant_memory(code):
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert float(ended.stdout) < 4, "all of them would take twice as much"


def told(changes, count):
    with closing(changes):
        return [(change.kind, change.run.id, change.run.status, change.previous) for change in islice(changes, count)]


def cursor_of(newest, *running):
    return json.dumps({"org_id": 323, "newest": newest, "unfinished": dict.fromkeys(running, "running")})


class Meanwhile(ImpatientClock):
    """Does what a test planned during the first sleeps."""

    def __init__(self):
        super().__init__()
        self.plan = []

    def sleep(self, seconds):
        super().sleep(seconds)
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
    cursor = cursor_of(252, 252, *range(1, old + 1))
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
    with pytest.raises(errors.AuthenticationError):
        next(client.watch(323))
    sandbox.inject("list_agent_runs", Fault.status(503, retry_after=400))  # longer than a call may take
    start = clock.monotonic()
    with pytest.raises(errors.ServerError):
        next(client.watch(323))
    assert 3600 <= clock.monotonic() - start < 4000
    assert clock.slept.count(400) >= 8


@once
def test_a_cursor_that_is_none_is_refused_at_once(client):
    wrong = (cursor_of(1).replace("323", "1"), cursor_of(1, "x"), cursor_of(1).replace(": 1", ': "1"'))
    for cursor in ("", "x", "[]", "{}", *wrong):
        with pytest.raises(errors.ValidationError, match="cursor"):
            client.watch(323, cursor=cursor)
    with pytest.raises(errors.ConfigurationError, match="poll_interval"):
        client.watch(323, poll_interval=0)


@pytest.mark.parametrize("grows", [0, 1, 100])
def test_a_list_that_does_not_heed_skip_is_refused_after_few_requests(clock, grows):
    runs = Runs(clock, view=lambda turn, skip: (range(1000 + grows * turn, 0, -1)[:100], 10**6))
    with CodegenClient(runs.config(), clock=clock) as client:
        for cursor in (None, cursor_of(5)):
            with pytest.raises(errors.InvalidResponseError, match="does not advance"):
                next(client.watch(323, cursor))
    assert len(runs.asked) < 15


@pytest.mark.parametrize(
    ("view", "newest", "count", "created"),
    [
        (lambda turn, skip: newest_first(1150 if turn == 1 else 1300, skip), 1000, 400, range(1001, 1301)),
        (lambda turn, skip: (range(250, 0, -1)[skip : skip + 100], 0), 0, 250, range(1, 251)),
    ],
    ids=["more than a page arrive between two pages", "the total is too low"],
)
def test_a_list_that_misleads_hides_no_run(clock, view, newest, count, created):
    with CodegenClient(Runs(clock, view=view).config(), clock=clock) as client:
        changes = told(client.watch(323, cursor_of(newest)), count)
    assert [run_id for kind, run_id, *_ in changes if kind == "created"] == list(created)


def test_a_status_that_is_missing_is_no_change(clock):
    runs = Runs(clock)

    def state(*statuses):
        runs.newest = len(statuses)
        runs.fields = {number: {"status": status} for number, status in enumerate(statuses, 1)}

    state(None)
    later = [("RUNNING",), (None,), ("RUNNING", None), ("COMPLETE", None), ("COMPLETE", "FAILED")]
    clock.plan = [lambda statuses=statuses: state(*statuses) for statuses in later]
    with CodegenClient(runs.config(), clock=clock) as client:
        assert told(client.watch(323), 4) == [
            ("status_changed", 1, "running", None),
            ("created", 2, None, None),
            ("finished", 1, "completed", "running"),
            ("finished", 2, "failed", None),
        ]
