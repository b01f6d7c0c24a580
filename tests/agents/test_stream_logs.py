"""Following a task's log: each entry exactly once and in order, whatever happens on the way."""

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen_ext import ClientConfig, CodegenClient, InvalidResponseError, NotFoundError, ServerError
from codegen_ext.testing import FakeClock, Fault

from ..conftest import TOKEN


def test_a_task_is_up_to_date_after_its_log_and_can_be_followed_again(agent, sandbox):
    task = agent.run("[[outcome=paused seconds=5 logs=101]]")
    sandbox.inject("get_agent_run", Fault.reset_before(), times=2)
    assert len(list(task.stream_logs())) == 101
    assert task.status == "paused"
    task.resume("[[seconds=5 logs=7]] go on")
    written = [entry.created_at for entry in task.stream_logs()]
    assert written == [entry["created_at"] for entry in sandbox.runs[0].logs]
    assert (len(written), task.status) == (108, "completed")


def test_a_log_that_has_ended_or_is_not_followed_is_read_without_a_pause(agent, clock):
    assert len(list(agent.run("[[seconds=0 logs=150]]").stream_logs())) == 150
    task = agent.run("[[seconds=100 logs=101]]")
    clock.advance(50)
    assert len(list(task.stream_logs(follow=False))) == 51
    assert (task.status, clock.slept) == ("pending", [])


def test_entries_come_as_they_are_written(agent, sandbox, clock):
    stream = agent.run("[[seconds=100 logs=20]]").stream_logs(poll_interval=3)
    for entry, _ in zip(stream, range(8), strict=False):
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
    with pytest.raises((NotFoundError, ServerError)) as caught:
        list(task.stream_logs(follow=follow))
    assert caught.value.status_code == status


CUT = httpx.ReadError("cut")


class Log:
    """A log in process that grows with each request by the next of `growth`, until its run settles.

    `late` entries are written after the end of the run was seen. A fault is a status or an exception.
    """

    def __init__(self, growth, faults, word="COMPLETE", **headers):
        self.clock = FakeClock()
        self.growth, self.faults, self.word, self.headers = growth, faults, word, headers
        self.written = self.late = 0
        self.was_settled = False
        self.heeds_skip = True
        self.total = None

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
            "total_logs": self.total or self.written,
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
    with pytest.raises(ServerError):
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
    log = Log([0, 0], [429], **{"Retry-After": "9"})
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
    log = Log([250], [])
    log.heeds_skip, log.total = False, 10**6
    with pytest.raises(InvalidResponseError, match="the log does not go on"):
        log.read()
