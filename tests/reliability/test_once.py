"""A create costs money: whatever happens on the way, it happens once, and its run is returned."""

from collections.abc import Callable
from typing import Any

import pytest
from codegen_api.reserved import RESERVED_METADATA

from codegen_ext import (
    AmbiguousRequestError,
    ClientConfig,
    NetworkError,
    PaymentRequiredError,
    ServerError,
    ValidationError,
)
from codegen_ext._sync.create_once import _LOOK_BACK as LOOK_BACK
from codegen_ext.request_ids import made_at, new_request_id
from codegen_ext.testing import FakeClock, Fault, Sandbox

from ..support.filling import fill

Connect = Callable[..., Any]
LOST = {
    "reset after": Fault.reset_after(),
    "500 after": Fault.status(500, processed=True),
    "502 after": Fault.status(502, processed=True),
    "truncated": Fault.truncate(5),
    "garbage": Fault.invalid_body(b"{"),
    "html": Fault.invalid_body(b"<html>", "text/html"),
    "empty": Fault.empty_body(),
}
NEVER_PROCESSED = {"reset before": Fault.reset_before(), "503 before": Fault.status(503)}


def creates(sandbox: Sandbox) -> int:
    return sum(record.operation == "create_agent_run" for record in sandbox.requests)


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
def test_a_run_whose_answer_was_lost_is_found(sandbox: Sandbox, connect: Connect, fault: Fault) -> None:
    sandbox.inject("create_agent_run", fault, times=1)
    run = connect().create_agent_run(323, "once", metadata={"mine": 1})
    assert (len(sandbox.runs), creates(sandbox)) == (1, 1)
    assert (run.id, run.metadata) == (1, {"mine": 1})


def test_an_answer_that_came_too_late_is_found(clock: FakeClock, connect: Connect) -> None:
    sandbox = Sandbox(rate_limits=False, clock=clock, token=None)
    sandbox.inject("create_agent_run", Fault.latency(31), times=1)
    run = connect(sandbox.base_url, transport=sandbox.transport()).create_agent_run(323, "once")
    assert (len(sandbox.runs), creates(sandbox), run.id) == (1, 1, 1)


@pytest.mark.parametrize("fault", NEVER_PROCESSED.values(), ids=NEVER_PROCESSED)
def test_a_create_that_never_happened_is_repeated_after_the_settle_time(
    sandbox: Sandbox, connect: Connect, clock: FakeClock, fault: Fault
) -> None:
    sandbox.inject("create_agent_run", fault, times=1)
    run = connect(create_settle_seconds=30).create_agent_run(323, "once")
    assert (len(sandbox.runs), creates(sandbox), run.id) == (1, 2, 1)
    first, second = (record.at for record in sandbox.requests if record.operation == "create_agent_run")
    assert 30 <= second - first <= 40
    last_list = max(record.at for record in sandbox.requests if record.operation == "list_agent_runs")
    assert first + 30 <= last_list <= second


HIDDEN = {"items": [], "total": 0, "page": 1, "size": 100, "pages": 0}


@pytest.mark.parametrize(("fault", "times"), [(Fault.status(200, HIDDEN), 4), (Fault.status(503), 12)])
def test_lists_that_fail_or_show_the_run_late_decide_nothing(
    sandbox: Sandbox, connect: Connect, fault: Fault, times: int
) -> None:
    sandbox.inject("create_agent_run", Fault.reset_after(), times=1)
    sandbox.inject("list_agent_runs", fault, times=times)
    assert connect().create_agent_run(323, "once").id == 1
    assert creates(sandbox) == 1


def test_what_cannot_be_decided_within_the_budget_is_an_error_that_can_be_decided_later(
    sandbox: Sandbox, connect: Connect, clock: FakeClock
) -> None:
    sandbox.inject("create_agent_run", Fault.reset_after(), times=1)
    sandbox.inject("list_agent_runs", Fault.status(503))
    client = connect(total_timeout=120)
    with pytest.raises(AmbiguousRequestError) as caught:
        client.create_agent_run(323, "once")
    assert clock.monotonic() <= 121
    assert creates(sandbox) == 1
    assert isinstance(caught.value.__cause__, NetworkError)
    sandbox.clear_faults()
    found = client.find_agent_run(323, caught.value.request_id)
    assert found.id == 1
    assert client.find_agent_run(323, new_request_id(clock)) is None


def test_a_list_that_is_refused_ends_the_search(sandbox: Sandbox, connect: Connect) -> None:
    sandbox.inject("create_agent_run", Fault.reset_after(), times=1)
    sandbox.inject("list_agent_runs", Fault.status(403))
    with pytest.raises(AmbiguousRequestError):
        connect().create_agent_run(323, "once")
    assert creates(sandbox) == 1


def test_a_refused_create_is_not_looked_for(sandbox: Sandbox, connect: Connect) -> None:
    sandbox.credits = 0
    with pytest.raises(PaymentRequiredError):
        connect().create_agent_run(323, "once")
    assert len(sandbox.requests) == 1


class CrowdedClock(FakeClock):
    """Lets 250 others create runs during the first pause."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__()
        self._sandbox, self._came = sandbox, False

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if not self._came:
            self._came = True
            fill(self._sandbox, 250)


def test_the_run_is_found_among_many_newer_ones(sandbox: Sandbox, flavour: Any) -> None:
    sandbox.inject("create_agent_run", Fault.reset_after(), times=1)
    sandbox.inject("list_agent_runs", Fault.status(503), times=1)
    config = ClientConfig(api_token=sandbox.token, base_url=sandbox.base_url, max_retries=0)
    with flavour.client(config, clock=CrowdedClock(sandbox)) as client:
        run = client.create_agent_run(323, "mine", metadata={"mine": True})
    assert (len(sandbox.runs), run.id, run.metadata) == (251, 1, {"mine": True})


def test_the_search_ends_at_runs_that_are_older_than_the_attempt(
    sandbox: Sandbox, connect: Connect, clock: FakeClock
) -> None:
    client = connect()
    fill(sandbox, 201)
    clock.advance(10 * LOOK_BACK)
    sandbox.inject("create_agent_run", Fault.reset_before(), times=1)
    client.create_agent_run(323, "new")
    lists = [record.query for record in sandbox.requests if record.operation == "list_agent_runs"]
    assert lists
    assert not [query for query in lists if "skip=100" in query]


def test_a_request_id_that_the_caller_chose_is_kept(sandbox: Sandbox, connect: Connect) -> None:
    client = connect()
    client.create_agent_run(323, "x", metadata={RESERVED_METADATA: {"request_id": "mine", "tags": ["a"]}})
    assert sandbox.runs[0].metadata == {RESERVED_METADATA: {"request_id": "mine", "tags": ["a"]}}
    assert client.find_agent_run(323, "mine").id == 1


@pytest.mark.parametrize("wrong", [None, "", 5])
def test_what_is_no_request_id_is_refused(client: Any, sandbox: Sandbox, wrong: Any) -> None:
    with pytest.raises(ValidationError, match="AmbiguousRequestError") as caught:
        client.find_agent_run(323, wrong)
    assert caught.value.field == "request_id"
    assert sandbox.requests == []


def test_it_can_be_switched_off(sandbox: Sandbox, connect: Connect) -> None:
    sandbox.inject("create_agent_run", Fault.status(500, processed=True), times=1)
    client = connect(exactly_once=False, max_retries=3)
    with pytest.raises(ServerError):
        client.create_agent_run(323, "x")
    assert client.create_agent_run(323, "x").id == 2
    assert sandbox.runs[-1].metadata is None


@pytest.mark.parametrize("name", ["resume_agent_run", "generate_setup_commands", "analyze_sandbox_logs"])
def test_what_carries_no_metadata_is_not_repeated_and_names_the_candidates(
    sandbox: Sandbox, connect: Connect, clock: FakeClock, name: str
) -> None:
    client = connect(max_retries=3)
    old = client.create_agent_run(323, "old [[outcome=paused]]")
    clock.advance(60)
    arguments: dict[str, dict[str, Any]] = {
        "resume_agent_run": {"agent_run_id": old.id, "prompt": "go on"},
        "generate_setup_commands": {"repo_id": client.get_repositories(323).items[0].id},
        "analyze_sandbox_logs": {"sandbox_id": 1},
    }
    sandbox.inject(name, Fault.reset_after(), times=1)
    with pytest.raises(AmbiguousRequestError) as caught:
        getattr(client, name)(323, **arguments[name])
    expected = [old.id] if name == "resume_agent_run" else [sandbox.runs[-1].id]
    assert [run.id for run in caught.value.candidates] == expected
    assert str(expected[0]) in str(caught.value)
    assert sum(record.operation == name for record in sandbox.requests) == 1


def test_a_request_id_tells_when_it_was_made(clock: FakeClock) -> None:
    request_id = new_request_id(clock)
    assert made_at(request_id) == pytest.approx(clock.time(), abs=0.001)
    assert made_at("mine") is None
    assert made_at("z" * 32) is None
    assert new_request_id(clock) != new_request_id(clock)
