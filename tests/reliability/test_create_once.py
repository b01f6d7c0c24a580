"""A create costs money: whatever happens on the way, it happens once, and its run is returned."""

import asyncio
import datetime
import random
from email.utils import formatdate

import httpx
import pytest
from codegen_api.models import AgentRunResponse, AgentRunsResponse
from codegen_api.operations import CREATE_AGENT_RUN
from codegen_api.types import Response
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen_ext import errors
from codegen_ext._sync import create_once
from codegen_ext.request_ids import made_at, new_request_id
from codegen_ext.testing import FakeClock, Fault

from ..support.calls import attempts
from ..support.stub import StubClient, answer

SETTLE = 30.0
BUDGET = 300.0
PAGE = 3
CHANCE = random.Random(5)
UNREACHABLE = errors.NetworkError("connection refused")
UNREACHABLE.__cause__ = httpx.ConnectError("connection refused")
LOST = (
    errors.ServerError("broken", 502),
    errors.NetworkError("reset"),
    errors.TimeoutError("late"),
    errors.InvalidResponseError("no JSON"),
)
HIDDEN = {"items": [], "total": 0, "page": 1, "size": 100, "pages": 0}
UNCOUNTED = {**HIDDEN, "total": None}


@pytest.mark.parametrize(
    "fault",
    [
        Fault.reset_after(),
        Fault.status(502, processed=True),
        Fault.truncate(5),
        Fault.invalid_body(b"{"),
        Fault.invalid_body(b"<html>", "text/html"),
        Fault.empty_body(),
    ],
)
def test_a_run_whose_answer_was_lost_is_found(sandbox, connect, fault):
    sandbox.inject("create_agent_run", fault, times=1)
    run = connect().create_agent_run(323, "once", metadata={"mine": 1})
    assert (len(sandbox.runs), attempts(sandbox, "create_agent_run")) == (1, 1)
    assert (run.id, run.metadata) == (1, {"mine": 1})


@pytest.mark.parametrize("fault", [Fault.reset_before(), Fault.status(503)])
def test_a_create_that_never_happened_is_repeated_late_enough(sandbox, connect, fault):
    sandbox.inject("create_agent_run", fault, times=1)
    run = connect(create_settle_seconds=30).create_agent_run(323, "once")
    assert (len(sandbox.runs), attempts(sandbox, "create_agent_run"), run.id) == (1, 2, 1)
    first, second = (record.at for record in sandbox.requests if record.operation == "create_agent_run")
    assert 30 <= second - first <= 40
    last_list = max(record.at for record in sandbox.requests if record.operation == "list_agent_runs")
    assert first + 30 <= last_list <= second


@pytest.mark.parametrize(
    ("fault", "times"), [(Fault.status(200, HIDDEN), 4), (Fault.status(200, UNCOUNTED), 4), (Fault.status(503), 12)]
)
def test_lists_that_fail_or_lag_decide_nothing(sandbox, connect, fault, times):
    sandbox.inject("create_agent_run", Fault.reset_after(), times=1)
    sandbox.inject("list_agent_runs", fault, times=times)
    assert connect().create_agent_run(323, "once").id == 1
    assert attempts(sandbox, "create_agent_run") == 1


@pytest.mark.parametrize("status", [403, 503])
def test_what_is_unknown_can_be_decided_later(sandbox, connect, clock, status):
    sandbox.inject("create_agent_run", Fault.reset_after(), times=1)
    sandbox.inject("list_agent_runs", Fault.status(status))
    client = connect(total_timeout=120)
    with pytest.raises(errors.AmbiguousRequestError) as caught:
        client.create_agent_run(323, "once")
    assert clock.monotonic() <= (1 if status == 403 else 121)
    assert attempts(sandbox, "create_agent_run") == 1
    sandbox.clear_faults()
    assert client.find_agent_run(323, caught.value.request_id).id == 1
    assert client.find_agent_run(323, new_request_id(clock)) is None


def test_a_refused_create_is_not_looked_for(sandbox, connect):
    sandbox.credits = 0
    with pytest.raises(errors.PaymentRequiredError):
        connect().create_agent_run(323, "once")
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("kind", [httpx.LocalProtocolError, httpx.UnsupportedProtocol])
def test_a_create_that_could_not_be_written_is_not_looked_for(connect, kind):
    asked = []

    def fail(request):
        asked.append(request.method)
        raise kind("not HTTP")

    with pytest.raises(errors.NetworkError, match="not HTTP"):
        connect(transport=httpx.MockTransport(fail)).create_agent_run(323, "once")
    assert asked == ["POST"]


@pytest.mark.parametrize(
    ("name", "arguments", "candidate"),
    [
        ("resume_agent_run", {"agent_run_id": 1, "prompt": "go on"}, 1),
        ("generate_setup_commands", {"repo_id": 107}, 2),
        ("analyze_sandbox_logs", {"sandbox_id": 1}, 2),
    ],
)
def test_what_carries_no_metadata_is_not_repeated_and_names_the_candidates(
    sandbox, connect, clock, name, arguments, candidate
):
    client = connect(max_retries=3)
    client.create_agent_run(323, "old [[outcome=paused]]")
    clock.advance(60)
    sandbox.inject(name, Fault.reset_after(), times=1)
    with pytest.raises(errors.AmbiguousRequestError, match=f"candidate runs: {candidate}") as caught:
        getattr(client, name)(323, **arguments)
    assert [run.id for run in caught.value.candidates] == [candidate]
    assert attempts(sandbox, name) == 1
    sandbox.inject(name, Fault.reset_after(), times=1)
    sandbox.inject("*", Fault.status(503))
    with pytest.raises(errors.AmbiguousRequestError, match="none that is known") as caught:
        getattr(client, name)(323, **arguments)
    assert (caught.value.candidates, caught.value.operation, caught.value.request_id) == ([], name, None)


def client_of(service, clock, budget=BUDGET, settle=SETTLE):
    return StubClient(service, clock, total_timeout=budget, create_settle_seconds=settle)


def run_of(number, seconds, metadata=None):
    """Return a run that was created at a second since the epoch."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat()
    data = {"id": number, "organization_id": 1, "created_at": moment, "metadata": metadata}
    return AgentRunResponse.from_dict(data)


class Service:
    """Processes creates at once, late or never, and lists runs late, but both together within the settle time.

    `draw` decides; others create runs all the while, so that the pages move.
    """

    def __init__(self, clock, draw):
        self.clock = clock
        self.draw = draw
        self.mine = []
        self._visible = []
        self._let_others_create(8)

    def __call__(self, request):
        assert request.deadline.left() > 0
        self.clock.advance(min(self.draw(st.sampled_from([0.01, 0.2, 5.0, 40.0])), request.deadline.left()))
        self._let_others_create(3)
        act = self._create if request.operation is CREATE_AGENT_RUN else self._list
        headers = {"date": formatdate(self.clock.time(), usegmt=True)} if self.draw(st.booleans()) else {}
        return answer(act(request.arguments), **headers)

    def _create(self, arguments):
        # What is created twice is created twice, whether or not the first has shown up yet.
        fate = self.draw(st.sampled_from(["answered", "answer lost", "request lost", "unreachable", "refused"]))
        if fate == "unreachable":
            raise UNREACHABLE
        if fate == "refused":
            raise errors.PaymentRequiredError("no runs left", 402)
        if fate == "request lost":
            raise self.draw(st.sampled_from(LOST))
        self.mine.append(self._add(arguments["metadata"], self.draw(st.floats(0, SETTLE)) if "lost" in fate else 0.0))
        if fate == "answer lost":
            raise self.draw(st.sampled_from(LOST))
        return self.mine[-1]

    def _list(self, arguments):
        if self.draw(st.integers(0, 3)) == 0:
            raise self.draw(st.sampled_from((*LOST, errors.RateLimitError("slow down", 429))))
        shown = [run for visible, run in reversed(self._visible) if visible <= self.clock.monotonic()]
        return AgentRunsResponse(shown[arguments["skip"] :][:PAGE], len(shown), page=1, size=PAGE, pages=1)

    def _let_others_create(self, most):
        for _ in range(self.draw(st.integers(0, most))):
            self._add(None, 0.0)

    def _add(self, metadata, lag):
        run = run_of(len(self._visible) + 1, self.clock.time(), metadata)
        self._visible.append((self.clock.monotonic() + lag, run))
        return run


@settings(max_examples=60)
@given(data=st.data())
def test_whatever_happens_a_run_is_created_at_most_once(data):
    clock = FakeClock()
    service = Service(clock, data.draw)
    given_metadata = data.draw(st.sampled_from([None, {}, {"a": 1}]))
    start = clock.monotonic()
    arguments = {"org_id": 1, "prompt": "mine", "metadata": given_metadata}
    try:
        outcome = create_once.create(client_of(service, clock), arguments)
    except errors.CodegenAPIError as error:
        outcome = error
    assert clock.monotonic() - start <= BUDGET
    if isinstance(outcome, Response):
        assert [run.id for run in service.mine] == [outcome.parsed.id]
        assert outcome.parsed.metadata == given_metadata
    elif isinstance(outcome, errors.AmbiguousRequestError):
        ids = [(run.reserved_metadata or {})["request_id"] for run in service.mine]
        assert ids in ([], [outcome.request_id])
    else:
        assert isinstance(outcome, errors.PaymentRequiredError | errors.NetworkError)
        assert service.mine == []


def newest_first(runs):
    return runs[::-1]


class Listed:
    """A service that keeps runs of which it lists a page in some order, and loses the answers to creates.

    `others` runs begin right after each of these; a page takes `seconds`.
    """

    def __init__(self, clock, arrange=newest_first, *, shows_metadata=True, others=0, seconds=0.0):
        self.clock, self.arrange = clock, arrange
        self.shows_metadata, self.others, self.seconds = shows_metadata, others, seconds
        self.runs = [run_of(number, 0.0) for number in range(1, 151)]

    def __call__(self, request):
        if request.operation is CREATE_AGENT_RUN:
            metadata = request.arguments["metadata"] if self.shows_metadata else None
            for marked in (metadata, *[None] * self.others):
                self.runs.append(run_of(len(self.runs) + 1, self.clock.time(), marked))
            raise errors.NetworkError("lost")
        self.clock.advance(self.seconds)
        skip, limit = request.arguments["skip"], request.arguments["limit"]
        shown = self.arrange(list(self.runs))[skip : skip + limit]
        page = AgentRunsResponse(shown, len(self.runs), 1, limit, 2)
        return answer(page, date=formatdate(self.clock.time(), usegmt=True))


@pytest.mark.parametrize(
    ("arrange", "shows_metadata", "decides"),
    [
        pytest.param(newest_first, True, True, id="newest first"),
        pytest.param(newest_first, False, False, id="newest first, without metadata"),
        pytest.param(list, True, True, id="oldest first"),
        pytest.param(lambda runs: CHANCE.sample(runs, len(runs)), True, False, id="in no order"),
        pytest.param(lambda runs: [*runs[:100], *runs[99:150]], True, False, id="oldest first, without the newest"),
    ],
)
def test_a_create_is_not_doubled_whatever_the_list_shows_in_whatever_order(clock, arrange, shows_metadata, decides):
    service = Listed(clock, arrange, shows_metadata=shows_metadata)
    try:
        created = create_once.create(client_of(service, clock), {"org_id": 1}).parsed.id
    except errors.AmbiguousRequestError:
        created = None
    assert created in ((151,) if decides else (151, None))
    assert len(service.runs) == 151


def test_runs_that_grow_older_while_slow_pages_are_read_do_not_end_the_search(clock):
    service = Listed(clock, others=250, seconds=50)
    assert create_once.create(client_of(service, clock, budget=1000), {"org_id": 1}).parsed.id == 151


def test_when_the_list_that_settles_it_took_all_the_time_nothing_is_repeated(clock):
    service = Listed(clock, lambda runs: runs[149::-1], seconds=BUDGET)
    with pytest.raises(errors.AmbiguousRequestError, match="lost"):
        create_once.create(client_of(service, clock, settle=0.0), {"org_id": 1})
    assert len(service.runs) == 151


def test_a_search_through_many_pages_ends_with_the_budget(clock):
    service = Listed(clock, seconds=BUDGET / 2)
    service.runs *= 3
    with pytest.raises(errors.TimeoutError):
        create_once.find(client_of(service, clock), 1, "id")
    assert clock.monotonic() == BUDGET


@pytest.mark.parametrize(("date", "created"), [(None, "2015-10-21T07:28:00"), ("Wed, 21 Oct 2015 07:28:00 -0000", "x")])
def test_a_page_of_unknown_age_does_not_end_the_search(clock, date, created):
    other = AgentRunResponse(1, 1, created_at=created)
    mine = AgentRunResponse(2, 1, reserved_metadata={"request_id": "id"})
    headers = {} if date is None else {"date": date}
    pages = [answer(AgentRunsResponse([item], 2, 1, PAGE, 1), **headers) for item in (other, mine)]
    found = create_once.find(client_of(lambda request: pages.pop(0), clock), 1, "id")
    assert found is not None
    assert found.parsed is mine


def test_a_search_by_an_id_ends_an_hour_before_it_was_made(clock):
    request_id = new_request_id(clock)
    assert made_at(request_id) == pytest.approx(clock.time(), abs=0.001)
    assert made_at("mine") is made_at("z" * 32) is None
    clock.advance(500)
    date = formatdate(clock.time(), usegmt=True)
    runs = [run_of(2, clock.time() - 4000), run_of(1, clock.time() - 4102)]
    pages = [answer(AgentRunsResponse([run], 10, 1, 1, 10), date=date) for run in runs]
    assert create_once.find(client_of(lambda request: pages.pop(0), clock), 1, request_id) is None
    assert pages == []


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, GeneratorExit, SystemExit, asyncio.CancelledError])
def test_an_interruption_carries_the_request_id_at_once(clock, interruption):
    asked = []

    def service(request):
        asked.append(request.arguments)
        raise interruption

    with pytest.raises(interruption) as caught:
        create_once.create(client_of(service, clock), {"org_id": 1})
    request_id = asked[0]["metadata"]["codegen_sdk"]["request_id"]
    assert request_id in "".join(caught.value.__notes__)
    assert (len(asked), clock.slept) == (1, [])
