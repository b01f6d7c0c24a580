"""A task: what it shows of its run, and how it is followed, resumed and cancelled."""

import asyncio
import datetime
import pickle
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_ext import (
    AgentRunResponse,
    AsyncAgent,
    AsyncTask,
    Task,
    TaskError,
    ValidationError,
    WaitTimeoutError,
)
from codegen_ext.testing import FakeClock, Sandbox

from ..conftest import TOKEN, Flavour
from ..unit.test_words import WORDS


def state(clock: FakeClock | None = None, **fields: Any) -> Task:
    """A task without a client."""
    run = AgentRunResponse.from_dict({"id": 7, "organization_id": 323, **fields})
    client: Any = SimpleNamespace(clock=clock or FakeClock())
    return Task(client, 323, run)


def test_a_task_shows_its_run(agent: Any, sandbox: Sandbox, clock: FakeClock) -> None:
    sandbox.script(pull_request=True, result="All done", logs=12)
    task = agent.run("hello", metadata={"a": 1})
    assert (task.id, task.org_id, task.status, task.raw_status) == (1, 323, "pending", "PENDING")
    assert (task.result, task.summary, task.metadata) == (None, None, {"a": 1})
    assert task.web_url == "https://sandbox.invalid/323/1"
    assert task.created_at == "2023-11-14T22:13:20.000+00:00"
    assert task.github_pull_requests == []
    assert (task.is_terminal, task.is_running, task.error, task.duration) == (False, False, None, None)
    clock.advance(5)
    task.refresh()
    assert (task.status, task.is_running) == ("running", True)
    clock.advance(10)
    assert task.refresh() == task
    assert (task.status, task.is_terminal, task.is_running) == ("completed", True, False)
    assert (task.result, task.summary) == ("All done", "Completed in 12 steps.")
    assert [pull.title for pull in task.github_pull_requests] == ["Change 1"]
    assert task.run.id == 1
    inner = getattr(task, "_target", task)
    assert repr(task) == str(task) == f"{type(inner).__name__}(id=1, status='completed')"
    with pytest.raises(TypeError, match="keep its id"):
        pickle.dumps(inner)


@pytest.mark.parametrize("word", ["NEW", None])
def test_an_unknown_status_is_shown_as_it_came_and_is_no_success(word: str | None) -> None:
    task = state(status=word)
    assert repr(task) == f"Task(id=7, status={word!r})"
    assert (task.status, task.raw_status, task.is_terminal, task.is_running) == (word, word, False, False)
    with pytest.raises(TaskError, match=f"has not ended, its status is {word}"):
        task.raise_for_status()


@pytest.mark.parametrize(("word", "status"), WORDS.items())
def test_what_a_status_means_for_a_task(word: str, status: str) -> None:
    task = state(status=word, result="the result", summary="the summary")
    assert task.is_terminal is (status in {"completed", "failed", "cancelled"})
    assert task.is_running is (status == "running")
    assert task.error == ("the result" if status == "failed" else None)
    if status == "completed":
        assert task.raise_for_status() is task
        return
    with pytest.raises(TaskError) as caught:
        task.raise_for_status()
    assert (caught.value.task_id, caught.value.task_status) == (7, status)
    assert "agent run 7" in str(caught.value)
    assert ("the result" in str(caught.value)) is (status == "failed")
    assert ("resume()" in str(caught.value)) is (status == "paused")


def test_the_summary_explains_a_failure_without_result() -> None:
    assert state(status="FAILED", summary="the summary").error == "the summary"
    assert state(status="FAILED").error is None
    with pytest.raises(TaskError, match=r"^agent run 7 failed$"):
        state(status="FAILED").raise_for_status()


def test_the_duration_ends_with_the_first_look_at_the_end_and_goes_on_with_the_run(
    agent: Any, clock: FakeClock
) -> None:
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


@given(st.one_of(st.none(), st.text(), st.sampled_from(["yesterday", "2023-11-14", "9999-12-31T23:59:59Z"])))
def test_any_time_of_creation_gives_a_duration(created_at: str | None) -> None:
    task = state(status="COMPLETE", created_at=created_at)
    assert task.created_at == created_at
    assert task.duration is not None
    assert task.duration >= 0


def test_without_a_readable_time_of_creation_the_first_look_counts() -> None:
    clock = FakeClock()
    task = state(clock, created_at="some time ago")
    clock.advance(5)
    assert task.progress["elapsed"] == 5
    zoned = state(clock, created_at=datetime.datetime.fromtimestamp(clock.time() - 9, datetime.UTC).isoformat())
    assert zoned.progress["elapsed"] == 9


def test_artifacts_are_pull_requests_and_the_links_of_the_result() -> None:
    result = (
        "See [the PR](https://github.com/o/r/pull/1), [a doc](https://docs.example/a_b) and https://example.com/x. "
        "Twice: https://example.com/x! Also <http://example.org/y?z=1>, (https://example.net/p) not ftp://no."
    )
    pulls = [
        {"id": 1, "created_at": "x", "title": "The change", "url": "https://github.com/o/r/pull/1"},
        {"id": 2, "created_at": "x", "title": None, "url": None},
    ]
    assert state(result=result, github_pull_requests=pulls).get_artifacts() == [
        {"kind": "pull_request", "title": "The change", "url": "https://github.com/o/r/pull/1"},
        {"kind": "pull_request", "title": None, "url": None},
        {"kind": "link", "title": "a doc", "url": "https://docs.example/a_b"},
        {"kind": "link", "title": "https://example.com/x", "url": "https://example.com/x"},
        {"kind": "link", "title": "http://example.org/y?z=1", "url": "http://example.org/y?z=1"},
        {"kind": "link", "title": "https://example.net/p", "url": "https://example.net/p"},
    ]


def test_progress_and_monitoring_information_are_known_without_a_request(
    agent: Any, sandbox: Sandbox, clock: FakeClock
) -> None:
    sandbox.script(pull_request=True, logs=12)
    task = agent.run("see https://example.com")
    clock.advance(4)
    progress = {"status": "pending", "elapsed": pytest.approx(4), "log_count": None, "last_thought": None}
    assert task.get_monitoring_info() == {
        "task_id": 1,
        "status": "pending",
        "creation_time": "2023-11-14T22:13:20.000+00:00",
        "refresh_count": 0,
        "last_refresh_time": None,
        "duration": None,
        "is_terminal": False,
        "is_running": False,
        "artifacts_count": 0,
        "logs_count": None,
        "progress": progress,
    }
    assert (task.progress, len(sandbox.requests)) == (progress, 1)
    clock.advance(6)
    task.refresh()
    task.wait_for_completion(progress_callback=lambda progress: None)
    before = len(sandbox.requests)
    clock.advance(100)
    info = task.get_monitoring_info()
    assert info["refresh_count"] == 2
    assert info["last_refresh_time"] == pytest.approx(1_700_000_010)
    assert info["duration"] == pytest.approx(10) == info["progress"]["elapsed"]
    assert (info["artifacts_count"], info["logs_count"]) == (2, 12)
    assert (info["status"], info["is_terminal"], info["is_running"]) == ("completed", True, False)
    assert (task.progress["log_count"], task.progress["last_thought"]) == (12, "The task is done.")
    assert len(sandbox.requests) == before


def test_status_callbacks_hear_of_each_change_once_however_it_was_seen(
    agent: Any, sandbox: Sandbox, clock: FakeClock
) -> None:
    sandbox.script(states=[("PENDING", 1), ("ACTIVE", 1), ("RUNNING", 1), ("NEW", 1), ("PAUSED", 0)])
    task = agent.run("hello")
    changes: list[Any] = []
    task.add_status_callback(lambda old, new: changes.append((old, new)))
    task.add_status_callback(lambda old, new: changes.append("second"))
    for _ in range(4):
        clock.advance(1)
        task.refresh()
    assert changes == [("pending", "running"), "second", ("running", "NEW"), "second", ("NEW", "paused"), "second"]
    sandbox.script(outcome="never")
    task.resume("go on")
    task.cancel()
    assert changes[6::2] == [("paused", "running"), ("running", "cancelled")]
    waited = agent.run("[[outcome=failed]]")
    waited.add_status_callback(lambda old, new: changes.append(new))
    waited.wait()
    assert changes[10:] == ["running", "failed"]


def test_a_status_callback_that_fails_is_logged_and_changes_nothing(
    agent: Any, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    task = agent.run("[[outcome=paused]]").wait()
    called: list[str] = []

    def fail(old: Any, new: Any) -> None:
        called.append(new)
        raise LookupError("mine")

    task.add_status_callback(fail)
    assert task.resume("go on").status == "running"
    assert called == ["running"]
    assert [record.operation for record in sandbox.requests].count("resume_agent_run") == 1
    assert "LookupError: mine" in caplog.text


async def test_a_coroutine_function_is_awaited_by_the_async_task_and_refused_by_the_sync_one(
    sandbox: Sandbox, clock: FakeClock
) -> None:
    called: list[Any] = []

    async def callback(old: Any, new: Any) -> None:
        await asyncio.sleep(0)
        called.append((old, new))

    async with AsyncAgent(323, TOKEN, sandbox.base_url) as agent:
        task = await agent.run("hello")
        task.add_status_callback(callback)
        clock.advance(20)
        await task.refresh()
    assert called == [("pending", "completed")]
    with pytest.raises(ValidationError, match="coroutine function"):
        state().add_status_callback(callback)


@pytest.mark.parametrize("outcome", ["completed", "failed", "cancelled"])
def test_waiting_returns_the_task_whatever_the_outcome(agent: Any, outcome: str) -> None:
    task = agent.run(f"[[outcome={outcome}]]")
    assert task.wait() == task
    assert task.wait_for_completion().status == outcome


def test_the_timeout_of_the_run_is_the_default_of_its_wait(agent: Any, sandbox: Sandbox, clock: FakeClock) -> None:
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


def test_a_paused_run_goes_on_with_a_further_prompt(agent: Any, sandbox: Sandbox) -> None:
    task = agent.run("[[outcome=paused]]").wait()
    assert (task.status, task.is_terminal) == ("paused", False)
    assert task.resume("Please go on", images=["data:image/png;base64,AAAA"]) == task
    assert task.status == "running"
    assert task.wait().status == "completed"
    assert task.result == "Done: Please go on"
    assert [run.id for run in sandbox.runs] == [1]


def test_cancelling_bans_the_run_and_reads_it_again(agent: Any, sandbox: Sandbox) -> None:
    task = agent.run("[[outcome=never]]")
    assert task.cancel() == task
    assert (task.status, sandbox.runs[0].banned) == ("cancelled", True)
    assert [record.operation for record in sandbox.requests][1:] == ["ban_agent_run", "get_agent_run"]
    with pytest.raises(TaskError, match="agent run 1 cancelled"):
        task.raise_for_status()


@pytest.mark.parametrize(("limit", "count"), [(0, 0), (1, 1), (230, 230), (500, 250), (None, 100)])
def test_the_oldest_entries_of_a_log_come_first_across_pages(
    agent: Any, sandbox: Sandbox, limit: int | None, count: int
) -> None:
    task = agent.run("[[seconds=0 logs=250]]")
    logs = task.get_logs() if limit is None else task.get_logs(limit=limit)
    assert type(logs) is list
    assert [entry.thought for entry in logs] == [entry["thought"] for entry in sandbox.runs[0].logs[:count]]
    assert len(sandbox.requests) - 1 == -(-count // 100)


def test_tasks_of_one_run_are_equal(agent: Any) -> None:
    task, other = agent.run("hello"), agent.run("hello")
    task, same, far = (getattr(found, "_target", found) for found in (task, agent.get_task(1), other))
    assert task == same
    assert {task, same} == {task}
    assert task != far
    assert task != 1


def test_what_a_run_was_created_with_can_be_read_back(agent: Any) -> None:
    agent.run("hello")
    task = agent.run("hello", tags=["ci", "x"], priority="high", repository="owner/repo", metadata={"a": 1})
    made = (["ci", "x"], "high", "owner/repo", {"a": 1})
    for seen in (task, agent.get_task(2), agent.list_tasks()[0], task.refresh()):
        assert (seen.tags, seen.priority, seen.repository, seen.metadata) == made
    plain = agent.get_task(1)
    assert (plain.tags, plain.priority, plain.repository) == ([], None, None)


def test_tasks_of_several_clients_are_waited_for_together(
    flavour: Flavour, agent: Any, connect: Callable[..., Any]
) -> None:
    other = flavour.agent(323, client=connect())
    tasks = [agent.run("[[seconds=30]]"), other.run("[[seconds=50]]"), agent.run("[[seconds=10 outcome=failed]]")]
    inner = [getattr(task, "_target", task) for task in tasks]
    kind = AsyncTask if flavour.is_async else Task
    assert flavour.settle(kind.wait_all(inner)) == inner
    assert [task.status for task in tasks] == ["completed", "completed", "failed"]
    late = agent.run("[[outcome=never]]")
    with pytest.raises(WaitTimeoutError):
        flavour.settle(kind.wait_all([getattr(late, "_target", late), *inner], timeout=10))
    assert late.status == "running"
