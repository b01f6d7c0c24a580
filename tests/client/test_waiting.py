"""Waiting for one run: what ends it, how often it is read, and what its callbacks get."""

import signal
import threading

import pytest

from codegen_ext import ClientConfig, CodegenClient, WaitTimeoutError
from codegen_ext.testing import Fault

from ..conftest import TOKEN
from ..support.calls import attempts
from ..support.loopback import reply

RUNNING = {"id": 1, "organization_id": 323, "status": "RUNNING"}
COMPLETE = {**RUNNING, "status": "COMPLETE"}


def wait_for(client, prompt="hello", **options):
    """Create a run and wait for it."""
    return client.wait_for_completion(323, client.create_agent_run(323, prompt).id, **options)


@pytest.mark.parametrize("word", ["COMPLETE", "FAILED", "STOPPED", "PAUSED", "QUEUED", "NEVER_HEARD_OF", None])
def test_a_wait_goes_on_until_the_run_ends_or_is_paused(client, sandbox, word):
    ends = word in ("COMPLETE", "FAILED", "STOPPED", "PAUSED")
    sandbox.script(states=[("ACTIVE", 20), (word, 60), ("COMPLETE", 0)])
    assert wait_for(client).raw_status == (word if ends else "COMPLETE")
    assert (attempts(sandbox, "get_agent_run") > 12) is not ends


def test_a_wait_without_a_deadline_ends_after_an_hour_of_unknown_state_alone(client, sandbox, clock):
    sandbox.script(states=[("NEVER_HEARD_OF", 0)])
    with pytest.raises(TimeoutError, match="3600 s"):
        wait_for(client, poll_interval=200)
    assert 3600 <= clock.monotonic() < 3900
    assert wait_for(client, "[[seconds=20000]]", poll_interval=600).status == "completed"
    assert clock.monotonic() >= 20_000


def test_a_task_that_was_just_read_is_not_read_at_once(agent, sandbox, clock):
    task = agent.run("[[seconds=60]]")
    task.wait_for_completion()
    assert clock.slept == pytest.approx([2, 4, *[5] * 11])
    assert attempts(sandbox, "get_agent_run") == 60 / 5 + 1  # what a loop that asks every five seconds needs
    assert attempts(sandbox, "get_agent_run_logs") == 0  # which are read for a callback only
    task.wait_for_completion()
    assert attempts(sandbox, "get_agent_run") == 60 / 5 + 2


def test_retry_after_is_heeded_on_success_and_on_refusal_but_not_beyond_the_deadline(serve, connect, clock):
    server = serve(
        reply(RUNNING, headers={"Retry-After": "40"}),
        reply({"message": "slow down"}, 429, {"Retry-After": "70"}),
        reply({"message": "maintenance"}, 503, {"Retry-After": "400"}),  # longer than a call may take
        reply(RUNNING),
        reply(RUNNING, headers={"Retry-After": "1767225600"}),  # which is no sleep of years
        reply(COMPLETE),
    )
    connect(server.base_url).wait_for_completion(323, 1)
    assert clock.slept[:3] == [40, 70, 400]
    assert clock.slept[3] <= 5
    assert clock.slept[4:] == [3600]
    server = serve(reply(RUNNING, headers={"Retry-After": "4000"}))
    with pytest.raises(WaitTimeoutError):
        connect(server.base_url).wait_for_completion(323, 1, timeout=10)
    assert (clock.slept[5:], len(server.requests)) == ([10], 1)


def test_a_timeout_of_nothing_looks_once(client, clock):
    with pytest.raises(WaitTimeoutError) as caught:
        wait_for(client, timeout=0)
    assert caught.value.run.status == "pending"
    clock.advance(60)
    assert client.wait_for_completion(323, 1, timeout=0).status == "completed"


def test_the_progress_callback_gets_one_dict_after_each_poll(client, sandbox):
    seen = []
    wait_for(client, "[[seconds=30 logs=12]]", progress_callback=seen.append)
    assert len(seen) == attempts(sandbox, "get_agent_run")
    assert all(list(progress) == ["status", "elapsed", "log_count", "last_thought"] for progress in seen)
    assert (seen[0]["status"], seen[-1]["status"]) == ("pending", "completed")
    for name, last in (("log_count", 12), ("elapsed", 30)):
        numbers = [progress[name] for progress in seen]
        assert numbers == sorted(numbers)
        assert numbers[-1] >= last
    assert seen[-1]["last_thought"] == "The task is done."
    sandbox.inject("get_agent_run_logs", Fault.status(404))
    seen.clear()
    wait_for(client, progress_callback=seen.append)
    assert {(progress["log_count"], progress["last_thought"]) for progress in seen} == {(None, None)}


def test_ctrl_c_ends_a_wait_and_leaves_the_client_usable(sandbox):
    timers = [threading.Timer(0.01, signal.raise_signal, [signal.SIGINT])]

    def interrupt(progress):
        if timers:  # once: a machine that stands still may come to a second poll before the signal
            timers.pop().start()

    with CodegenClient(ClientConfig(api_token=TOKEN, base_url=sandbox.base_url)) as client:
        with pytest.raises(KeyboardInterrupt):
            wait_for(client, progress_callback=interrupt, cancel_on_timeout=True)
        assert client.get_agent_run(323, 1).status == "pending"
    assert not sandbox.runs[0].banned
