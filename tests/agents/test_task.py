"""A task: what it shows of its run, and how it is followed, resumed and cancelled."""

import asyncio
import datetime
import pickle
from types import SimpleNamespace

import pytest

from codegen_ext import AgentRunResponse, AsyncTask, Task, TaskError, WaitTimeoutError
from codegen_ext.testing import FakeClock

from ..support.blocking import real


def state(clock=None, **fields):
    """A task without a client."""
    run = AgentRunResponse.from_dict({"id": 7, "organization_id": 323, **fields})
    client = SimpleNamespace(clock=clock or FakeClock())
    return Task(client, 323, run)


def test_a_task_shows_its_run(agent, sandbox, clock):
    sandbox.script(pull_request=True, result="All done", logs=12)
    task = agent.run("hello", metadata={"a": 1})
    assert (task.id, task.org_id, task.status, task.raw_status) == (1, 323, "pending", "PENDING")
    assert (task.result, task.summary, task.metadata) == (None, None, {"a": 1})
    assert task.web_url == "https://sandbox.invalid/323/1"
    assert task.created_at == "2023-11-14T22:13:20.000+00:00"
    assert task.github_pull_requests == []
    assert (task.is_terminal, task.is_running, task.error, task.duration) == (False, False, None, None)
    clock.advance(15)
    assert task.refresh() == task
    assert (task.status, task.is_terminal, task.is_running) == ("completed", True, False)
    assert (task.result, task.summary) == ("All done", "Completed in 12 steps.")
    assert [pull.title for pull in task.github_pull_requests] == ["Change 1"]
    assert task.run.id == 1
    with pytest.raises(TypeError, match="keep its id"):
        pickle.dumps(real(task))


@pytest.mark.parametrize(
    ("word", "status", "problem"),
    [
        ("COMPLETE", "completed", None),
        ("ERROR", "failed", "agent run 7 failed: the result"),
        ("STOPPED", "cancelled", "agent run 7 cancelled"),
        ("PAUSED", "paused", r"agent run 7 .*resume\(\)"),
        ("EVALUATION", "running", "agent run 7 has not ended"),
        ("NEW", "NEW", "has not ended, its status is NEW"),
        (None, None, "has not ended, its status is None"),
    ],
)
def test_what_a_status_means_for_a_task(word, status, problem):
    task = state(status=word, result="the result", summary="the summary")
    assert (task.status, task.raw_status) == (status, word)
    assert task.is_terminal is (status in {"completed", "failed", "cancelled"})
    assert task.is_running is (status == "running")
    assert task.error == ("the result" if status == "failed" else None)
    assert state(status=word, summary="the summary").error == ("the summary" if status == "failed" else None)
    if problem is None:
        assert task.raise_for_status() is task
        return
    with pytest.raises(TaskError, match=problem) as caught:
        task.raise_for_status()
    assert (caught.value.task_id, caught.value.task_status) == (7, status)
    assert ("the result" in str(caught.value)) is (status == "failed")


def test_the_duration_ends_with_the_run_and_goes_on_with_it(agent, clock):
    task = agent.run("[[seconds=30]]")
    seen = []
    for seconds in (25, 15, 100):
        clock.advance(seconds)
        seen.append(task.refresh().duration)
    assert seen == [None, pytest.approx(40), pytest.approx(40)]
    task.resume("[[seconds=50]] go on")
    assert task.duration is None
    clock.advance(50)
    assert task.refresh().duration == pytest.approx(190)


@pytest.mark.parametrize("created_at", [None, "", "yesterday", "9999-12-31T23:59:59Z"])
def test_without_a_usable_time_of_creation_the_first_look_counts(created_at):
    clock = FakeClock()
    task, ended = state(clock, created_at=created_at), state(clock, status="COMPLETE", created_at=created_at)
    clock.advance(5)
    assert (task.created_at, ended.duration) == (created_at, 0)
    assert task.progress["elapsed"] == (0 if created_at == "9999-12-31T23:59:59Z" else 5)
    zoned = state(clock, created_at=datetime.datetime.fromtimestamp(clock.time() - 9, datetime.UTC).isoformat())
    assert zoned.progress["elapsed"] == 9


def test_artifacts_are_pull_requests_and_the_links_of_the_result():
    result = (
        "See [the PR](https://github.com/o/r/pull/1), [a doc](https://docs.example/a_b) and https://example.com/x. "
        "Twice: https://example.com/x! Also <http://example.org/y?z=1>, (https://example.net/p) not ftp://no."
    )
    pulls = [
        {"id": 1, "created_at": "x", "title": "The change", "url": "https://github.com/o/r/pull/1"},
        {"id": 2, "created_at": "x", "title": None, "url": None},
    ]
    found = state(result=result, github_pull_requests=pulls).get_artifacts()
    assert [tuple(artifact) for artifact in found] == [("kind", "title", "url")] * 6
    assert [tuple(artifact.values()) for artifact in found] == [
        ("pull_request", "The change", "https://github.com/o/r/pull/1"),
        ("pull_request", None, None),
        ("link", "a doc", "https://docs.example/a_b"),
        ("link", "https://example.com/x", "https://example.com/x"),
        ("link", "http://example.org/y?z=1", "http://example.org/y?z=1"),
        ("link", "https://example.net/p", "https://example.net/p"),
    ]


def test_progress_and_monitoring_cost_no_request(agent, sandbox, clock):
    sandbox.script(pull_request=True, logs=12)
    task = agent.run("see https://example.com")
    clock.advance(4)
    progress = {"status": "pending", "elapsed": pytest.approx(4), "log_count": None, "last_thought": None}
    assert (task.progress, task.get_monitoring_info()["progress"], len(sandbox.requests)) == (progress, progress, 1)
    clock.advance(6)
    task.refresh()
    task.wait_for_completion(progress_callback=lambda progress: None)
    before = len(sandbox.requests)
    clock.advance(100)
    assert task.get_monitoring_info() == {
        "task_id": 1,
        "status": "completed",
        "creation_time": "2023-11-14T22:13:20.000+00:00",
        "refresh_count": 2,
        "last_refresh_time": pytest.approx(1_700_000_010),
        "duration": pytest.approx(10),
        "is_terminal": True,
        "is_running": False,
        "artifacts_count": 2,
        "logs_count": 12,
        "progress": {
            "status": "completed",
            "elapsed": pytest.approx(10),
            "log_count": 12,
            "last_thought": "The task is done.",
        },
    }
    assert len(sandbox.requests) == before


def test_status_callbacks_hear_of_each_change_once_however_it_was_seen(agent, sandbox, clock, flavour, caplog):
    sandbox.script(states=[("PENDING", 1), ("ACTIVE", 1), ("RUNNING", 1), ("NEW", 1), ("PAUSED", 0)])
    task = agent.run("hello")
    changes = []

    def fail(old, new):
        raise LookupError(f"mine: {new}")

    async def note(old, new):
        await asyncio.sleep(0)
        changes.append((old, new))

    task.add_status_callback(fail)
    task.add_status_callback(note if flavour.is_async else lambda old, new: changes.append((old, new)))
    for _ in range(4):
        clock.advance(1)
        task.refresh()
    assert changes == [("pending", "running"), ("running", "NEW"), ("NEW", "paused")]
    sandbox.script(outcome="never")
    assert task.resume("go on", images=["data:image/png;base64,AAAA"]).status == "running"
    assert [record.operation for record in sandbox.requests].count("resume_agent_run") == 1
    task.cancel()
    assert changes[3:] == [("paused", "running"), ("running", "cancelled")]
    assert caplog.text.count("LookupError: mine: ") == 5
    waited = agent.run("[[outcome=failed]]")
    waited.add_status_callback(lambda old, new: changes.append(new))
    waited.wait()
    assert changes[5:] == ["running", "failed"]


def test_the_timeout_of_the_run_is_the_default_of_its_wait(agent, sandbox, clock):
    task = agent.run("[[outcome=never seconds=10]]", timeout=20)
    with pytest.raises(WaitTimeoutError) as caught:
        task.wait()
    assert (caught.value.timeout_duration, caught.value.run) == (20, task.run)
    assert (clock.monotonic(), task.status) == (pytest.approx(20), "running")
    with pytest.raises(WaitTimeoutError) as caught:
        task.wait_for_completion(timeout=5, cancel_on_timeout=True)
    assert caught.value.timeout_duration == 5
    assert clock.monotonic() == pytest.approx(25)
    assert sandbox.runs[0].status == "CANCELLED"


def test_cancelling_bans_the_run_and_reads_it_again(agent, sandbox):
    task = agent.run("[[outcome=never]]")
    assert task.cancel() == task
    assert (task.status, sandbox.runs[0].banned) == ("cancelled", True)
    assert [record.operation for record in sandbox.requests][1:] == ["ban_agent_run", "get_agent_run"]


@pytest.mark.parametrize(("options", "count"), [({"limit": 0}, 0), ({"limit": 230}, 230), ({}, 100)])
def test_the_oldest_entries_of_a_log_come_first(agent, sandbox, options, count):
    logs = agent.run("[[seconds=0 logs=250]]").get_logs(**options)
    assert type(logs) is list
    assert [entry.thought for entry in logs] == [entry["thought"] for entry in sandbox.runs[0].logs[:count]]
    assert len(sandbox.requests) - 1 == -(-count // 100)


def test_tasks_of_one_run_are_equal(agent):
    task, other, same = map(real, (agent.run("hello"), agent.run("hello"), agent.get_task(1)))
    assert task == same
    assert {task, same} == {task}
    assert task != other
    assert task != 1


def test_what_a_run_was_created_with_can_be_read_back(agent):
    agent.run("hello")
    task = agent.run("hello", tags=["ci", "x"], priority="high", repository="owner/repo", metadata={"a": 1})
    made = (["ci", "x"], "high", "owner/repo", {"a": 1})
    for seen in (task, agent.get_task("2"), agent.list_tasks()[0], task.refresh()):
        assert (seen.tags, seen.priority, seen.repository, seen.metadata) == made
    plain = agent.get_task(1)
    assert (plain.tags, plain.priority, plain.repository) == ([], None, None)


def test_tasks_of_several_clients_are_waited_for_together(flavour, agent, connect):
    other = flavour.agent(323, client=connect())
    tasks = [agent.run("[[seconds=30]]"), other.run("[[seconds=50]]"), agent.run("[[seconds=10 outcome=failed]]")]
    inner = [real(task) for task in tasks]
    kind = AsyncTask if flavour.is_async else Task
    assert flavour.settle(kind.wait_all(inner)) == inner
    assert [task.status for task in tasks] == ["completed", "completed", "failed"]
    late = agent.run("[[outcome=never]]")
    with pytest.raises(WaitTimeoutError):
        flavour.settle(kind.wait_all([real(late), *inner], timeout=10))
    assert late.status == "running"
