"""The decisions about one create: against any service that keeps the assumption, and step by step."""

import datetime
import random
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from codegen_api.models import AgentRunResponse, AgentRunsResponse
from codegen_api.operations import CREATE_AGENT_RUN, GENERATE_SETUP_COMMANDS, RESUME_AGENT_RUN
from codegen_api.types import Response
from hypothesis import given
from hypothesis import strategies as st

from codegen_ext import (
    AmbiguousRequestError,
    CodegenAPIError,
    InvalidResponseError,
    NetworkError,
    NotFoundError,
    PaymentRequiredError,
    RateLimitError,
    ServerError,
    TimeoutError,
    ValidationError,
)
from codegen_ext._sync import create_once
from codegen_ext.request_ids import new_request_id
from codegen_ext.testing import FakeClock

from ..support.stub import StubClient

SETTLE = 30.0
BUDGET = 300.0
PAGE = 3
LOST = (ServerError("broken", 502), NetworkError("reset"), TimeoutError("late"), InvalidResponseError("no JSON"))
PASSING = (*LOST, RateLimitError("slow down", 429))


def unreachable() -> NetworkError:
    error = NetworkError("connection refused")
    error.__cause__ = httpx.ConnectError("connection refused")
    return error


class Service:
    """Processes creates at once, late or never, and lists runs late, but both together within the settle time.

    `draw` decides; others create runs all the while, so that the pages move.
    """

    def __init__(self, clock: FakeClock, draw: Any) -> None:
        self.clock = clock
        self.draw = draw
        self.mine: list[AgentRunResponse] = []
        self.lists = 0
        self._visible: list[tuple[float, AgentRunResponse]] = []
        self._number = 0
        for _ in range(draw(st.integers(0, 8))):
            self._add({"org_id": 1, "prompt": "other"}, 0.0)

    def perform(self, request: Any) -> Response[Any]:
        assert request.deadline.left() > 0
        self.clock.advance(min(self.draw(st.sampled_from([0.01, 0.2, 5.0, 40.0])), request.deadline.left()))
        for _ in range(self.draw(st.integers(0, 3))):
            self._add({"org_id": 1, "prompt": "other"}, 0.0)
        return (
            self._create(request.arguments) if request.operation is CREATE_AGENT_RUN else self._list(request.arguments)
        )

    def _create(self, arguments: dict[str, Any]) -> Response[Any]:
        # What is created twice is created twice, whether or not the first has shown up yet.
        fate = self.draw(st.sampled_from(["answered", "answer lost", "request lost", "unreachable", "refused"]))
        if fate == "unreachable":
            raise unreachable()
        if fate == "refused":
            raise PaymentRequiredError("no runs left", 402)
        if fate == "request lost":
            raise self.draw(st.sampled_from(LOST))
        run = self._add(arguments, self.draw(st.floats(0, SETTLE)) if fate == "answer lost" else 0.0)
        self.mine.append(run)
        if fate == "answer lost":
            raise self.draw(st.sampled_from(LOST))
        return self._response(run)

    def _list(self, arguments: dict[str, Any]) -> Response[Any]:
        self.lists += 1
        if self.draw(st.integers(0, 3)) == 0:
            raise self.draw(st.sampled_from(PASSING))
        now = self.clock.monotonic()
        shown = [run for visible, run in reversed(self._visible) if visible <= now]
        items = shown[arguments["skip"] :][:PAGE]
        page = AgentRunsResponse(items=items, total=len(shown), page=1, size=PAGE, pages=1)
        return self._response(page)

    def _add(self, arguments: dict[str, Any], lag: float) -> AgentRunResponse:
        self._number += 1
        moment = datetime.datetime.fromtimestamp(self.clock.time(), datetime.UTC).isoformat()
        data = {"id": self._number, "organization_id": 1, "created_at": moment, "metadata": arguments.get("metadata")}
        run = AgentRunResponse.from_dict(data)
        self._visible.append((self.clock.monotonic() + lag, run))
        return run

    def _response(self, parsed: Any) -> Response[Any]:
        headers = {"date": formatdate(self.clock.time(), usegmt=True)} if self.draw(st.booleans()) else {}
        return Response(HTTPStatus.OK, b"", headers, parsed)


def client_of(service: Any, clock: FakeClock, budget: float = BUDGET, settle: float = SETTLE) -> Any:
    return StubClient(service, clock, total_timeout=budget, create_settle_seconds=settle)


@given(data=st.data())
def test_whatever_happens_a_run_is_created_at_most_once(data: st.DataObject) -> None:
    clock = FakeClock()
    service = Service(clock, data.draw)
    given_metadata = data.draw(st.sampled_from([None, {}, {"a": 1}]))
    start = clock.monotonic()
    arguments = {"org_id": 1, "prompt": "mine", "metadata": given_metadata}
    outcome: Any
    try:
        outcome = create_once.create(client_of(service.perform, clock), arguments)
    except CodegenAPIError as error:
        outcome = error
    assert clock.monotonic() - start <= BUDGET
    if isinstance(outcome, Response):
        assert [run.id for run in service.mine] == [outcome.parsed.id]
        assert outcome.parsed.metadata == given_metadata
    elif isinstance(outcome, AmbiguousRequestError):
        ids = [(run.reserved_metadata or {})["request_id"] for run in service.mine]
        assert ids in ([], [outcome.request_id])
    else:
        assert isinstance(outcome, PaymentRequiredError | NetworkError)
        assert service.mine == []


@given(data=st.data())
def test_a_run_is_repeated_only_after_a_list_that_was_asked_for_after_the_settle_time(data: st.DataObject) -> None:
    clock = FakeClock()
    settle = data.draw(st.sampled_from([0.0, 1.0, 30.0, 120.0]))
    moments: list[float] = []
    lists: list[float] = []

    def perform(request: Any) -> Response[Any]:
        if request.operation is CREATE_AGENT_RUN:
            clock.advance(1.0)
            moments.append(clock.monotonic())
            if len(moments) == 2:
                return answer(AgentRunResponse(1, 1))
            raise ServerError("lost", 500)
        lists.append(clock.monotonic())
        clock.advance(data.draw(st.sampled_from([0.01, 3.0])))
        return answer(AgentRunsResponse([], 0, 1, PAGE, 0))

    create_once.create(client_of(perform, clock, settle=settle), {"org_id": 1})
    first, second = moments
    assert max(lists) >= first + settle
    assert second > max(lists)


def answer(parsed: Any, **headers: str) -> Response[Any]:
    return Response(HTTPStatus.OK, b"", headers, parsed)


def scripted(*outcomes: Any) -> Any:
    """Perform what comes with these outcomes, in this order; errors are raised."""
    rest = list(outcomes)

    def perform(request: Any) -> Any:
        outcome = rest.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return perform


def test_when_the_list_that_settles_it_took_all_the_time_nothing_is_repeated(clock: FakeClock) -> None:
    calls = []

    def perform(request: Any) -> Response[Any]:
        calls.append(request.operation.id)
        if request.operation is CREATE_AGENT_RUN:
            raise NetworkError("reset")
        clock.advance(BUDGET)
        return answer(AgentRunsResponse([], 0, 1, PAGE, 0))

    with pytest.raises(AmbiguousRequestError, match="reset"):
        create_once.create(client_of(perform, clock, settle=0.0), {"org_id": 1})
    assert calls == ["create_agent_run", "list_agent_runs"]


def test_runs_that_grow_older_while_slow_pages_are_read_do_not_end_the_search(clock: FakeClock) -> None:
    made: list[AgentRunResponse] = []

    def run(request: Any = None) -> AgentRunResponse:
        moment = datetime.datetime.fromtimestamp(clock.time(), datetime.UTC).isoformat()
        metadata = None if request is None else request.arguments["metadata"]
        data = {"id": len(made) + 1, "organization_id": 1, "created_at": moment, "metadata": metadata}
        made.insert(0, AgentRunResponse.from_dict(data))
        return made[0]

    def perform(request: Any) -> Response[Any]:
        if request.operation is CREATE_AGENT_RUN:
            run(request)
            for _ in range(9):
                run()
            raise NetworkError("reset")
        clock.advance(30)
        items = made[request.arguments["skip"] :][:1]
        return answer(AgentRunsResponse(items, len(made), 1, 1, 1), date=formatdate(clock.time(), usegmt=True))

    assert create_once.create(client_of(perform, clock, budget=1000), {"org_id": 1}).parsed.id == 1


def test_a_search_through_many_pages_ends_with_the_budget(clock: FakeClock) -> None:
    def perform(request: Any) -> Response[Any]:
        assert request.deadline.left() > 0
        clock.advance(min(7.0, request.deadline.left()))
        runs = [AgentRunResponse(10**6 - request.arguments["skip"], 1)]
        return answer(AgentRunsResponse(runs, 10**6, 1, PAGE, 1))

    with pytest.raises(TimeoutError):
        create_once.find(client_of(perform, clock), 1, "id")
    assert clock.monotonic() == BUDGET


@pytest.mark.parametrize(
    "metadata", [[1], "text", 5, {"codegen_sdk": "mine"}, {"codegen_sdk": None}, {"codegen_sdk": {"request_id": 5}}]
)
def test_metadata_that_could_not_carry_the_request_id_is_refused_before_anything_is_sent(
    clock: FakeClock, metadata: Any
) -> None:
    with pytest.raises(ValidationError) as caught:
        create_once.create(client_of(scripted(), clock), {"org_id": 1, "metadata": metadata})
    assert (caught.value.field, caught.value.operation) == ("metadata", "create_agent_run")


@pytest.mark.parametrize("date", [None, "", "yesterday", "Wed, 21 Oct 2015 07:28:00 -0000"])
@pytest.mark.parametrize("created", [None, "", "nonsense", "2015-10-21T07:28:00"])
def test_a_page_whose_age_cannot_be_told_does_not_end_the_search(
    clock: FakeClock, date: str | None, created: str | None
) -> None:
    other = AgentRunResponse(1, 1, created_at=created)
    mine = AgentRunResponse(2, 1, reserved_metadata={"request_id": "id"})
    headers = {} if date is None else {"date": date}
    pages = [answer(AgentRunsResponse([item], 2, 1, PAGE, 1), **headers) for item in (other, mine)]
    found = create_once.find(client_of(scripted(*pages), clock), 1, "id")
    assert found.parsed is mine


def test_a_search_by_an_id_ends_an_hour_before_it_was_made(clock: FakeClock) -> None:
    request_id = new_request_id(clock)
    clock.advance(500)
    date = formatdate(clock.time(), usegmt=True)

    def page(number: int, age: float) -> Response[Any]:
        moment = datetime.datetime.fromtimestamp(clock.time() - age, datetime.UTC).isoformat()
        return answer(AgentRunsResponse([AgentRunResponse(number, 1, created_at=moment)], 10, 1, 1, 10), date=date)

    assert create_once.find(client_of(scripted(page(2, 4000), page(1, 4102)), clock), 1, request_id) is None


def test_an_empty_page_ends_the_search_whatever_the_total_says(clock: FakeClock) -> None:
    page = answer(AgentRunsResponse([], 10, 1, PAGE, 4))
    assert create_once.find(client_of(scripted(page), clock), 1, "id") is None


@pytest.mark.parametrize("error", [NotFoundError("gone", 404), ServerError("down", 503)])
def test_candidates_that_cannot_be_read_do_not_hide_that_the_outcome_is_unknown(
    clock: FakeClock, error: CodegenAPIError
) -> None:
    for operation, arguments in (
        (GENERATE_SETUP_COMMANDS, {"org_id": 1, "repo_id": 2}),
        (RESUME_AGENT_RUN, {"org_id": 1, "agent_run_id": 2, "prompt": "go on"}),
    ):
        client = client_of(scripted(NetworkError("reset"), error), clock)
        with pytest.raises(AmbiguousRequestError, match="none that is known") as caught:
            create_once.attempt(client, operation, arguments)
        assert (caught.value.candidates, caught.value.operation) == ([], operation.id)
        assert caught.value.request_id is None


class Orders:
    """A service that keeps runs of which it lists a page in some order, and loses the answers to creates."""

    def __init__(self, clock: FakeClock, arrange: Any, *, shows_metadata: bool = True) -> None:
        self.clock = clock
        self.arrange = arrange
        self.shows_metadata = shows_metadata
        self.runs = [self._run(number, "2020-01-01T00:00:00Z", None) for number in range(1, 151)]

    def _run(self, number: int, moment: str, metadata: Any) -> AgentRunResponse:
        data = {"id": number, "organization_id": 1, "created_at": moment, "metadata": metadata}
        return AgentRunResponse.from_dict(data)

    def __call__(self, request: Any) -> Response[Any]:
        moment = datetime.datetime.fromtimestamp(self.clock.time(), datetime.UTC).isoformat()
        if request.operation is CREATE_AGENT_RUN:
            metadata = request.arguments["metadata"] if self.shows_metadata else None
            self.runs.append(self._run(len(self.runs) + 1, moment, metadata))
            raise NetworkError("lost")
        skip, limit = request.arguments["skip"], request.arguments["limit"]
        shown = self.arrange(list(self.runs))[skip : skip + limit]
        page = AgentRunsResponse(shown, len(self.runs), 1, limit, 2)
        return answer(page, date=formatdate(self.clock.time(), usegmt=True))


CHANCE = random.Random(5)
ORDERS: dict[str, Any] = {
    "newest first": lambda runs: runs[::-1],
    "oldest first": lambda runs: runs,
    "in no order": lambda runs: CHANCE.sample(runs, len(runs)),
    "oldest first without the newest": lambda runs: [*runs[:100], *runs[99:150]],
}


@pytest.mark.parametrize("order", ORDERS)
def test_a_create_is_not_doubled_whatever_the_order_of_the_list(clock: FakeClock, order: str) -> None:
    service = Orders(clock, ORDERS[order])
    try:
        created = create_once.create(client_of(service, clock), {"org_id": 1}).parsed.id
    except AmbiguousRequestError:
        created = 151 if order in ("in no order", "oldest first without the newest") else None
    assert created == 151
    assert len(service.runs) == 151


def test_a_list_that_hides_metadata_decides_nothing(clock: FakeClock) -> None:
    service = Orders(clock, ORDERS["newest first"], shows_metadata=False)
    with pytest.raises(AmbiguousRequestError) as caught:
        create_once.create(client_of(service, clock), {"org_id": 1})
    assert caught.value.request_id
    assert len(service.runs) == 151


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, GeneratorExit, SystemExit])
def test_an_interruption_carries_the_request_id_and_is_not_held_up(
    clock: FakeClock, interruption: type[BaseException]
) -> None:
    asked: list[Any] = []

    def service(request: Any) -> Response[Any]:
        asked.append(request.arguments)
        raise interruption

    with pytest.raises(interruption) as caught:
        create_once.create(client_of(service, clock), {"org_id": 1})
    request_id = asked[0]["metadata"]["codegen_sdk"]["request_id"]
    assert request_id in "".join(caught.value.__notes__)
    assert (len(asked), clock.slept) == (1, [])
