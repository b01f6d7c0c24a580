"""From a run of the sandbox, over real HTTP, to a handler."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from codegen_ext.testing import FakeClock, Sandbox

from ..conftest import TOKEN, once
from ..support import serving
from ..support.loopback import HANG, reply
from ..support.waiting import until
from .conftest import SECRET, Make


@pytest.fixture
def sandbox(clock: FakeClock) -> Iterator[Sandbox]:
    with Sandbox(rate_limits=False, run_seconds=10, clock=clock, webhook_secret=SECRET, token=TOKEN) as running:
        yield running


@once
def test_a_run_reports_its_changes(agent: Any, sandbox: Sandbox, clock: FakeClock, make: Make) -> None:
    handler = make()
    seen: list[tuple[str, Any]] = []
    handler.on("*")(lambda payload, event: seen.append((event.type.partition(".")[2], payload)))

    def until_seen(name: str) -> Any:
        until(lambda: seen and seen[-1][0] == name)
        return seen[-1][1]

    with serving.asgi(handler.asgi_app()) as address:
        agent.run("Fix the bug", metadata={"ticket": 7}, webhook_url=address)
        assert until_seen("created")["result"] is None
        for name in ("running", "completed"):
            clock.advance(5)
            payload = until_seen(name)
        assert (payload["status"], payload["raw_status"]) == ("completed", "COMPLETE")
        assert payload["result"] == "Done: Fix the bug"
        assert (payload["organization_id"], payload["metadata"]["ticket"]) == (sandbox.org_id, 7)
        task = agent.run("Ask me [[outcome=paused seconds=0]]", webhook_url=address)
        until_seen("paused")
        task.resume("Go on [[outcome=never]]")
        until_seen("running")
        task.cancel()
        until_seen("cancelled")
        agent.run("Upgrade [[status=TIMEOUT seconds=0]]", webhook_url=address)
        assert until_seen("failed")["error"] == "The run ended with TIMEOUT."
        agent.run("Odd [[states=ODD_WORD:0,COMPLETE:0]]", webhook_url=address)
        until_seen("completed")
        until(lambda: {delivery.status for delivery in sandbox.deliveries} == {200})
    names = [delivery.event for delivery in sandbox.deliveries if delivery.run_id == 1]
    assert names == ["agent_run.created", "agent_run.running", "agent_run.completed"]


@once
def test_a_failed_delivery_is_repeated_three_times(
    agent: Any, sandbox: Sandbox, serve: Callable[..., Any], make: Make
) -> None:
    receiver = serve(reply(status=500), reply(status=503), reply(status=204))
    agent.run("Hello [[outcome=never]]", webhook_url=receiver.base_url + "/hook")
    until(lambda: sandbox.deliveries and sandbox.deliveries[0].status == 204)
    first = receiver.requests[:3]
    assert sandbox.deliveries[0].attempts == 3
    assert len({request.headers["webhook-id"] for request in first}) == 1
    assert {request.path for request in first} == {"/hook"}
    assert sorted(first[0].json()) == ["data", "timestamp", "type"]
    assert (first[0].json()["type"], first[0].json()["data"]["status"]) == ("agent_run.created", "PENDING")
    assert make().handle_request(first[0].body, first[0].headers).event.data["id"] == 1


@once
def test_a_receiver_that_is_away_or_hangs_does_not_hold_the_sandbox(
    agent: Any, sandbox: Sandbox, serve: Callable[..., Any]
) -> None:
    agent.run("Hello [[seconds=0]]", webhook_url="http://127.0.0.1:9/")
    until(lambda: sandbox.deliveries and sandbox.deliveries[0].attempts)
    assert sandbox.deliveries[0].status is None
    receiver = serve(HANG)
    task = agent.run("Hello [[seconds=0]]", webhook_url=receiver.base_url)
    until(lambda: receiver.requests)
    assert task.wait().status == "completed"


@once
def test_an_address_that_is_none_is_passed_over(agent: Any) -> None:
    for url in (7, "ftp://x", "", "http://", "http://[", None):
        assert agent.run("Hello [[seconds=0]]", metadata={"webhook_url": url}).wait().status == "completed"


@once
def test_a_sandbox_that_was_stopped_sends_nothing(agent: Any, sandbox: Sandbox, serve: Callable[..., Any]) -> None:
    receiver = serve(reply(status=200))
    agent.run("Hello [[outcome=never]]", webhook_url=receiver.base_url)
    until(lambda: receiver.requests)
    run = sandbox.runs[0]
    sandbox.stop()
    sent = len(receiver.requests)
    run.finish()
    sandbox.start()
    until(lambda: len(receiver.requests) > sent)
