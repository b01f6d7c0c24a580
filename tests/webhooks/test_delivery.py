"""From a run of the sandbox, over real HTTP, to a handler."""

import pytest

from codegen_ext.testing import Sandbox

from ..conftest import TOKEN, once
from ..support.loopback import HANG, reply
from ..support.waiting import until
from .conftest import SECRET


@pytest.fixture
def sandbox(clock):
    with Sandbox(rate_limits=False, run_seconds=10, clock=clock, webhook_secret=SECRET, token=TOKEN) as running:
        yield running


@once
def test_runs_report_their_changes_and_what_fails_is_sent_three_times(agent, sandbox, clock, serve, make):
    receiver = serve(reply(status=500), reply(status=503), reply(status=204))
    agent.run("Fix the bug", metadata={"ticket": 7}, webhook_url=receiver.base_url + "/hook")
    until(lambda: sandbox.deliveries and sandbox.deliveries[0].status == 204)
    assert sandbox.deliveries[0].attempts == 3
    assert {request.path for request in receiver.requests} == {"/hook"}
    task = agent.run("Ask me [[outcome=paused seconds=0]]", webhook_url=receiver.base_url)
    task.resume("Go on [[outcome=never]]")
    task.cancel()
    clock.advance(10)
    for script in ("status=TIMEOUT seconds=0", "states=ODD_WORD:0,COMPLETE:0", "outcome=never"):
        agent.run(f"Hello [[{script}]]", webhook_url=receiver.base_url)
    until(lambda: any(one.run_id == 5 and one.status for one in sandbox.deliveries))
    events = [make().unwrap(request.body, request.headers) for request in receiver.requests]
    assert len({event.id for event in events[:3]}) == 1, "it is the same call"
    told = {number: [one.type[10:] for one in events[2:] if one.data["id"] == number] for number in (1, 2, 3, 4)}
    assert told == {
        1: ["created", "running", "completed"],
        2: ["created", "running", "paused", "running", "cancelled"],
        3: ["created", "running", "failed"],
        4: ["completed"],
    }
    (completed,) = (one.data for one in events if one.type == "agent_run.completed" and one.data["id"] == 1)
    assert (completed["status"], completed["raw_status"]) == ("completed", "COMPLETE")
    assert (completed["result"], completed["metadata"]["ticket"]) == ("Done: Fix the bug", 7)
    assert (events[0].data["result"], completed["organization_id"]) == (None, sandbox.org_id)
    (failed,) = (one.data for one in events if one.type == "agent_run.failed")
    assert failed["error"] == "The run ended with TIMEOUT."
    sandbox.stop()
    sent = len(receiver.requests)
    sandbox.runs[-1].finish()
    sandbox.start()
    until(lambda: len(receiver.requests) > sent)


@once
def test_a_receiver_that_is_away_or_hangs_does_not_hold_the_sandbox(agent, sandbox, serve):
    agent.run("Hello [[seconds=0]]", webhook_url="http://127.0.0.1:9/")
    until(lambda: sandbox.deliveries and sandbox.deliveries[0].attempts)
    assert sandbox.deliveries[0].status is None
    receiver = serve(HANG)
    task = agent.run("Hello [[seconds=0]]", webhook_url=receiver.base_url)
    until(lambda: receiver.requests)
    assert task.wait().status == "completed"
    for url in (7, "ftp://x", "", "http://", "http://[", None):
        assert agent.run("Hello [[seconds=0]]", metadata={"webhook_url": url}).wait().status == "completed"
