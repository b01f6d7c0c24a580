"""From a run of the sandbox to a handler, over real HTTP."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from codegen_ext import WebhookHandler
from codegen_ext.testing import FakeClock, Sandbox, webhook_call

from ..support import serving
from ..support.loopback import HANG, reply
from ..support.waiting import until
from .calls import SECRET
from .conftest import Handle


@pytest.fixture
def sandbox(clock: FakeClock) -> Any:
    with Sandbox(rate_limits=False, run_seconds=10, clock=clock, webhook_secret=SECRET, token=None) as running:
        yield running


def test_a_run_reports_what_happens_to_it(
    agent: Any, sandbox: Sandbox, clock: FakeClock, make: Callable[..., WebhookHandler]
) -> None:
    handler = make()
    seen: list[tuple[str, Any]] = []
    handler.on("*")(lambda payload, event: seen.append((event.type, payload)))
    with serving.asgi(handler.asgi_app()) as address:
        agent.run("Fix the bug", metadata={"ticket": 7}, webhook_url=address)
        until(lambda: len(seen) == 1)
        assert seen[0][0] == "agent_run.created"
        clock.advance(5)
        until(lambda: len(seen) == 2)
        clock.advance(5)
        until(lambda: len(seen) == 3)
        agent.run("Upgrade [[status=TIMEOUT seconds=0]]", webhook_url=address)
        until(lambda: len(seen) >= 4 and seen[-1][0] == "agent_run.failed")
    names = [name for name, payload in seen if payload["id"] == 1]
    assert names == ["agent_run.created", "agent_run.running", "agent_run.completed"]
    payload = seen[2][1]
    assert (payload["status"], payload["raw_status"]) == ("completed", "COMPLETE")
    assert payload["result"] == "Done: Fix the bug"
    assert payload["organization_id"] == sandbox.org_id
    assert payload["metadata"]["ticket"] == 7
    assert seen[0][1]["result"] is None
    assert seen[-1][1]["error"] == "The run ended with TIMEOUT."
    assert {delivery.status for delivery in sandbox.deliveries} == {200}
    assert [delivery.event for delivery in sandbox.deliveries if delivery.run_id == 1] == names


def test_later_changes_are_reported_too(
    agent: Any, sandbox: Sandbox, clock: FakeClock, make: Callable[..., WebhookHandler]
) -> None:
    handler = make()
    seen: list[str] = []
    handler.on("*")(lambda payload, event: seen.append(event.type.partition(".")[2]))
    with serving.asgi(handler.asgi_app()) as address:
        task = agent.run("Ask me [[outcome=paused seconds=0]]", webhook_url=address)
        until(lambda: "paused" in seen)
        task.resume("Go on [[outcome=never]]")
        until(lambda: seen[-1] == "running")
        task.cancel()
        until(lambda: seen[-1] == "cancelled")
        agent.run("Odd [[states=ODD_WORD:0,COMPLETE:0]]", webhook_url=address)
        until(lambda: seen[-1] == "completed")
    assert seen[-4:] == ["paused", "running", "cancelled", "completed"]


def test_a_failed_delivery_is_repeated_a_little(agent: Any, sandbox: Sandbox, serve: Callable[..., Any]) -> None:
    receiver = serve(reply(status=500), reply(status=503), reply(status=204))
    agent.run("Hello [[outcome=never]]", webhook_url=receiver.base_url + "/hook")
    until(lambda: sandbox.deliveries and sandbox.deliveries[0].status == 204)
    first = receiver.requests[:3]
    assert sandbox.deliveries[0].attempts == 3
    assert len({request.headers["webhook-id"] for request in first}) == 1
    assert {request.path for request in first} == {"/hook"}
    assert first[0].json()["type"] == "agent_run.created"
    assert sorted(first[0].json()) == ["data", "timestamp", "type"]


def test_a_receiver_that_is_away_or_hangs_does_not_hold_the_sandbox(
    agent: Any, clock: FakeClock, sandbox: Sandbox, serve: Callable[..., Any]
) -> None:
    agent.run("Hello [[seconds=0]]", webhook_url="http://127.0.0.1:9/")
    until(lambda: len(sandbox.deliveries) > 1)
    assert sandbox.deliveries[0].status is None
    receiver = serve(HANG)
    task = agent.run("Hello [[seconds=0]]", webhook_url=receiver.base_url)
    until(lambda: receiver.requests)
    assert task.wait().status == "completed"
    sandbox.stop()


@pytest.mark.parametrize("url", [7, "ftp://x", "", "http://", "http://[", None])
def test_an_address_that_is_none_is_passed_over(agent: Any, sandbox: Sandbox, url: Any) -> None:
    assert agent.run("Hello [[seconds=0]]", metadata={"webhook_url": url}).wait().status == "completed"


def test_the_sandbox_signs_by_the_standard(agent: Any, sandbox: Sandbox, serve: Callable[..., Any]) -> None:
    assert sandbox.webhook_secret == SECRET
    receiver = serve(reply(status=200))
    agent.run("Hello [[seconds=0]]", webhook_url=receiver.base_url)
    until(lambda: receiver.requests)
    received = receiver.requests[0]
    handler = WebhookHandler(SECRET, clock=sandbox._clock)
    assert handler.handle_request(received.body, received.headers).event.data["id"] == 1
    assert json.loads(received.body)["data"]["status"] == "PENDING"


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


def test_calls_for_users_tests(handle: Handle, make: Callable[..., WebhookHandler], clock: FakeClock) -> None:
    handler = make()
    seen: list[Any] = []
    handler.on("agent_run.failed")(seen.append)
    for _ in range(2):
        assert handle(handler, *webhook_call(SECRET, "agent_run.failed", {"id": 7, "error": "E"}, clock=clock)).ok
    assert [payload["error"] for payload in seen] == ["E", "E"]
    assert webhook_call(SECRET, "*", {}, message_id="msg_9", clock=clock)[1]["webhook-id"] == "msg_9"
