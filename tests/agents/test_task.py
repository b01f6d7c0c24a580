"""A task: what it shows of its run, and how it is followed, resumed and cancelled; each entry of its log once."""

import asyncio
import datetime
import pickle
from types import SimpleNamespace

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen_ext import AgentRunResponse, AsyncTask, ClientConfig, CodegenClient, Task, errors
from codegen_ext.testing import FakeClock, Fault

from ..conftest import TOKEN, ImpatientClock
from ..support.blocking import real
from ..support.waiting import until


def state(clock=None, **fields):
    """A task without a client."""
    run = AgentRunResponse.from_dict({"id": 7, "organization_id": 323, **fields})
    client = SimpleNamespace(clock=clock or FakeClock())
    return Task(client, 323, run)


def test_a_task_shows_what_was_last_read_of_its_run_and_needs_no_request_for_it(agent, sandbox, clock):
    sandbox.script(pull_request=True, result="See https://example.com", logs=12)
    task = agent.run("hello", metadata={"a": 1})
    assert (task.id, task.org_id, task.status, task.raw_status) == (1, 323, "pending", "PENDING")
    assert (task.result, task.summary, task.metadata) == (None, None, {"a": 1})
    assert task.web_url == "https://sandbox.invalid/323/1"
    assert task.created_at == "2023-11-14T22:13:20.000+00:00"
    assert task.github_pull_requests == []
    assert (task.is_terminal, task.is_running, task.error, task.duration) == (False, False, None, None)
    clock.advance(4)
    progress = {"status": "pending", "elapsed": pytest.approx(4), "log_count": None, "last_thought": None}
    assert (task.progress, task.get_monitoring_info()["progress"], len(sandbox.requests)) == (progress, progress, 1)
    clock.advance(6)
    assert task.refresh() == task
    assert (task.status, task.is_terminal, task.is_running) == ("completed", True, False)
    assert (task.result, task.summary) == ("See https://example.com", "Completed in 12 steps.")
    assert [pull.title for pull in task.github_pull_requests] == ["Change 1"]
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
        "progress": task.progress,
    }
    ended = {"status": "completed", "elapsed": pytest.approx(10), "log_count": 12, "last_thought": "The task is done."}
    assert (task.progress, len(sandbox.requests)) == (ended, before)
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
    with pytest.raises(errors.TaskError, match=problem) as caught:
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


def test_the_timeout_of_the_run_is_the_default_of_its_wait(agent, sandbox, clock):
    task = agent.run("[[outcome=never seconds=10]]", timeout=20)
    with pytest.raises(errors.WaitTimeoutError) as caught:
        task.wait()
    assert (caught.value.timeout_duration, caught.value.run) == (20, task.run)
    assert (clock.monotonic(), task.status) == (pytest.approx(20), "running")
    with pytest.raises(errors.WaitTimeoutError) as caught:
        task.wait_for_completion(timeout=5, cancel_on_timeout=True)
    assert caught.value.timeout_duration == 5
    assert clock.monotonic() == pytest.approx(25)
    assert sandbox.runs[0].status == "CANCELLED"


def test_a_run_is_read_back_as_the_same_task_with_what_it_was_created_with(agent):
    agent.run("hello")
    task = agent.run("hello", tags=["ci", "x"], priority="high", repository="owner/repo", metadata={"a": 1})
    made = (["ci", "x"], "high", "owner/repo", {"a": 1})
    for seen in (task, agent.get_task("2"), agent.list_tasks()[0], task.refresh()):
        assert (seen.tags, seen.priority, seen.repository, seen.metadata) == made
        assert {real(seen)} == {real(task)}
    plain = agent.get_task(1)
    assert real(plain) != real(task)
    assert (plain.tags, plain.priority, plain.repository) == ([], None, None)


def test_tasks_of_several_clients_are_waited_for_together(flavour, agent, connect):
    other = flavour.agent(323, client=connect())
    tasks = [agent.run("[[seconds=30]]"), other.run("[[seconds=50]]"), agent.run("[[seconds=10 outcome=failed]]")]
    inner = [real(task) for task in tasks]
    kind = AsyncTask if flavour.is_async else Task
    assert flavour.settle(kind.wait_all(inner)) == inner
    assert [task.status for task in tasks] == ["completed", "completed", "failed"]
    late = agent.run("[[outcome=never]]")
    with pytest.raises(errors.WaitTimeoutError):
        flavour.settle(kind.wait_all([real(late), *inner], timeout=10))
    assert late.status == "running"
    with pytest.raises(errors.WaitTimeoutError) as caught:
        flavour.settle(kind.wait_all([real(agent.run("hello")), real(other.run("[[outcome=never]]"))], timeout=20))
    assert (str(caught.value).count("after 20 s"), caught.value.timeout_duration) == (1, 20)
    with pytest.raises(errors.ConfigurationError, match="timeout must be a number of seconds"):
        flavour.settle(kind.wait_all(inner, timeout="5"))


def test_tasks_of_several_clients_are_waited_for_at_the_same_time(flavour, connect):
    asked = []

    def answer(request):
        asked.append(request.url.host)
        if asked.count("first.invalid") > 1 and not flavour.is_async:
            until(lambda: asked.count("second.invalid") > 1)  # or one thread could spend the hour on its own
        has_ended = request.url.host == "second.invalid" or asked.count("second.invalid") > 1
        status = "COMPLETE" if has_ended else "ACTIVE"
        return httpx.Response(200, json={"id": 1, "organization_id": 323, "status": status})

    transport = httpx.MockTransport(answer)
    clients = [connect(f"http://{name}.invalid", transport=transport) for name in ("first", "second")]
    tasks = [flavour.agent(323, client=client).get_task(1) for client in clients]
    flavour.settle((AsyncTask if flavour.is_async else Task).wait_all(map(real, tasks), timeout=3600))
    assert [task.status for task in tasks] == ["completed"] * 2


def test_a_log_brings_its_task_up_to_date_and_can_be_followed_again_and_read(agent, sandbox):
    task = agent.run("[[outcome=paused seconds=5 logs=101]]")
    sandbox.inject("get_agent_run", Fault.reset_before(), times=2)
    assert len(list(task.stream_logs())) == 101
    assert task.status == "paused"
    task.resume("[[seconds=5 logs=7]] go on")
    written = [entry.created_at for entry in task.stream_logs()]
    assert written == [entry["created_at"] for entry in sandbox.runs[0].logs]
    assert (len(written), task.status) == (108, "completed")
    oldest = [
        [entry.created_at for entry in task.get_logs(**options)] for options in ({}, {"limit": 105}, {"limit": 0})
    ]
    assert oldest == [written[:100], written[:105], []]


def test_entries_come_as_they_are_written_and_without_a_pause_where_the_log_is_not_followed(agent, sandbox, clock):
    task = agent.run("[[seconds=100 logs=101]]")
    clock.advance(20)
    assert len(list(task.stream_logs(follow=False))) == 21
    assert (task.status, clock.slept) == ("pending", [])
    stream = task.stream_logs(poll_interval=3)
    for entry, _ in zip(stream, range(40), strict=False):
        assert entry.created_at <= sandbox.runs[0].logs[-1]["created_at"]
    assert clock.monotonic() < 60
    stream.close()
    before = len(sandbox.requests)
    assert agent.get_task(1).status == "running"
    assert len(sandbox.requests) == before + 1


@pytest.mark.parametrize(("status", "follow"), [(404, True), (503, False)])
def test_a_failure_that_is_not_waited_out_is_raised(agent, sandbox, status, follow):
    task = agent.run("hello")
    sandbox.inject("get_agent_run_logs", Fault.status(status))
    with pytest.raises((errors.NotFoundError, errors.ServerError)) as caught:
        list(task.stream_logs(follow=follow))
    assert caught.value.status_code == status


CUT = httpx.ReadError("cut")


class Log:
    """A log in process that grows with each request by the next of `growth`, until its run settles.

    `late` entries are written after the end of the run was seen. A fault is a status or an exception. `fields` are put
    into every answer.
    """

    def __init__(self, growth, faults, word="COMPLETE", **headers):
        self.clock = ImpatientClock()
        self.growth, self.faults, self.word, self.headers = growth, faults, word, headers
        self.written = self.late = 0
        self.was_settled = False
        self.heeds_skip = True
        self.fields = {}

    def __call__(self, request):
        if self.faults and (fault := self.faults.pop(0)):
            if isinstance(fault, Exception):
                raise fault
            return httpx.Response(fault, json={}, headers={"Retry-After": "7"})
        if self.was_settled:
            self.written, self.late = self.written + self.late, 0
        self.was_settled = not self.growth
        self.written += self.growth.pop(0) if self.growth else 0
        skip = int(request.url.params["skip"]) if self.heeds_skip else 0
        shown = range(skip, min(self.written, skip + int(request.url.params["limit"])))
        body = {
            "id": 1,
            "organization_id": 323,
            "status": self.word if self.was_settled else "RUNNING",
            "logs": [{"agent_run_id": 1, "thought": str(number)} for number in shown],
            "total_logs": self.written,
            **self.fields,
        }
        return httpx.Response(200, json=body, headers=self.headers)

    def read(self, **options):
        settings = {"rate_limits": False, "max_retries": 0, "enable_caching": False}
        config = ClientConfig(api_token=TOKEN, transport=httpx.MockTransport(self), **settings)
        with CodegenClient(config, clock=self.clock) as client:
            return [int(entry.thought or "") for entry in client.stream_logs(323, 1, **options)]


@settings(max_examples=25)
@given(
    growth=st.lists(st.integers(0, 250), max_size=8),
    faults=st.lists(st.sampled_from([0, 0, 429, 503, CUT]), max_size=8),
    word=st.sampled_from(["COMPLETE", "FAILED", "STOPPED", "PAUSED"]),
    late=st.integers(0, 150),
)
def test_each_entry_comes_once_and_in_order(growth, faults, word, late):
    log, written = Log(growth, faults, word), sum(growth) + late
    log.late = late
    assert log.read() == list(range(written))
    assert all(0 <= pause <= 7 for pause in log.clock.slept)


def test_a_service_that_fails_for_an_hour_ends_a_followed_log():
    log = Log([1], [503] * 10_000)
    with pytest.raises(errors.ServerError):
        log.read()
    assert 3600 <= log.clock.monotonic() <= 3610


def test_a_quiet_log_is_read_more_and_more_rarely_and_often_again_when_it_grows():
    slept = []
    for _ in range(20):
        log = Log([*[0] * 5, 3, 0, 0, 0], [])
        log.read()
        slept.append(log.clock.slept)
    longest = [max(pauses) for pauses in zip(*slept, strict=True)]
    assert all(most <= bound for most, bound in zip(longest, [1, 2, 4, 5, 5, 1, 2, 4, 5], strict=True))
    assert longest[4] > 1


def test_a_followed_log_pauses_as_the_service_asks_but_not_for_years():
    for status in (429, 503):
        log = Log([0, 0], [status], **{"Retry-After": "9"})
        log.read()
        assert log.clock.slept == [7, 9, 9]
    for faults in ([], [429]):
        log = Log([0], faults, **{"Retry-After": "1767225600"})
        log.read()
        assert log.clock.monotonic() <= 3600 + 7


def test_a_log_that_does_not_heed_skip_ends_or_is_refused():
    log = Log([40], [])
    log.heeds_skip = False
    assert log.read() == list(range(40))
    for written, total in [(250, 10**6), (250, None), (40, 50), (40, None)]:
        log = Log([written], [])
        log.heeds_skip, log.fields = False, {"total_logs": total}
        with pytest.raises(errors.InvalidResponseError, match="the log does not go on"):
            log.read()


@pytest.mark.parametrize("follow", [True, False])
@pytest.mark.parametrize("total", [None, -1, 0, 1, 10**6])
def test_a_total_that_is_wrong_hides_no_entry(total, follow):
    log = Log([250], [])
    log.fields = {"total_logs": total}
    assert log.read(follow=follow) == list(range(250))


@pytest.mark.parametrize("status", ["EXPIRED", None])
def test_a_log_ends_when_its_run_stays_in_an_unknown_status_for_an_hour_and_writes_nothing(status):
    log = Log([1] * 10, [], **{"Retry-After": "600"})
    log.fields = {"status": status}
    with pytest.raises(
        errors.WaitTimeoutError, match=f"run 1: no known state for 3600 s, last state {status}"
    ) as caught:
        log.read()
    assert caught.value.run_id == 1
    assert log.written == 10
    assert 9 * 600 + 3600 <= log.clock.monotonic() <= 10 * 600 + 3600
