"""How a followed log decides, for any sequence of answers; the tests play service, clock and chance."""

from types import SimpleNamespace
from typing import Any

import pytest
from codegen_api.models import AgentRunResponse
from hypothesis import given
from hypothesis import strategies as st

from codegen_ext import NetworkError, RateLimitError, ServerError, waiting
from codegen_ext.testing import FakeClock

from ..support.driving import answer, drive

SETTLED = ["COMPLETE", "FAILED", "STOPPED", "PAUSED"]
PASSING = [NetworkError("x"), ServerError("x", 503), RateLimitError("x", 429, retry_after=7.0)]


def state(word: str | None) -> AgentRunResponse:
    return AgentRunResponse.from_dict({"id": 1, "organization_id": 323, "status": word})


class Log:
    """A log that grows with each look, until its run settles."""

    def __init__(self, growth: list[int], faults: list[Exception | None], word: str = "COMPLETE") -> None:
        self.growth = growth
        self.faults = faults
        self.word = word
        self.entries: list[int] = []
        self.looks = 0

    def __call__(self, effect: Any) -> Any:
        self.looks += 1
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        status = "RUNNING" if self.growth else self.word
        for _ in range(self.growth.pop(0) if self.growth else 0):
            self.entries.append(len(self.entries))
        skip, limit = effect.arguments["skip"], effect.arguments["limit"]
        shown = self.entries[skip : skip + limit]
        return answer(
            SimpleNamespace(logs=shown, total_logs=len(self.entries), status=state(status).status, page=1),
        )


@given(
    growth=st.lists(st.integers(0, 250), max_size=12),
    faults=st.lists(st.sampled_from([None, None, *PASSING]), max_size=10),
    word=st.sampled_from(SETTLED),
)
def test_each_entry_comes_once_and_in_order_however_the_log_grows(
    growth: list[int], faults: list[Exception | None], word: str
) -> None:
    log = Log(growth, faults, word)
    steps = waiting.logs(323, 1, clock=FakeClock(), follow=True, poll_interval=5.0)
    emitted, slept, _ = drive(steps, log, FakeClock())
    assert emitted == list(range(len(log.entries)))
    assert all(0 <= pause <= 7 for pause in slept)


def test_entries_that_are_written_as_the_run_ends_are_not_missed() -> None:
    looks = iter([([0], 1, "running"), ([], 1, "completed"), ([1, 2], 3, "completed"), ([], 3, "completed")])

    def perform(effect: Any) -> Any:
        shown, total, status = next(looks)
        word = {"running": "RUNNING", "completed": "COMPLETE"}[status]
        return answer(SimpleNamespace(logs=shown, total_logs=total, status=state(word).status))

    clock = FakeClock()
    steps = waiting.logs(323, 1, clock=clock, follow=True, poll_interval=5.0)
    assert drive(steps, perform, clock)[0] == [0, 1, 2]


def test_a_log_without_following_is_read_to_its_present_end_without_a_pause() -> None:
    log = Log([250, 1000], [])
    clock = FakeClock()
    emitted, slept, _ = drive(waiting.logs(323, 1, clock=clock, follow=False, poll_interval=5.0), log, clock)
    assert emitted[:250] == list(range(250))
    assert slept == []


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: type(fault).__name__)
def test_a_failure_is_not_tolerated_without_following(fault: Exception) -> None:
    clock = FakeClock()
    steps = waiting.logs(323, 1, clock=clock, follow=False, poll_interval=5.0)
    with pytest.raises(type(fault)):
        drive(steps, Log([1], [fault]), clock)


def test_a_service_that_fails_for_an_hour_ends_a_followed_log() -> None:
    clock = FakeClock()
    steps = waiting.logs(323, 1, clock=clock, follow=True, poll_interval=5.0)
    with pytest.raises(ServerError):
        drive(steps, Log([1], [ServerError("x", 503)] * 10_000), clock)
    assert 3600 <= clock.monotonic() <= 3610


def test_a_quiet_log_is_asked_more_and_more_rarely_and_again_often_after_news() -> None:
    clock = FakeClock()
    log = Log([*[0] * 6, 3, 0, 0, 0], [])
    steps = waiting.logs(323, 1, clock=clock, follow=True, poll_interval=5.0, draw=lambda: 1.0)
    _, slept, _ = drive(steps, log, clock)
    assert slept == [1, 2, 4, 5, 5, 5, 1, 2, 4, 5]


def test_a_followed_log_heeds_the_services_wish() -> None:
    clock = FakeClock()
    log = Log([0, 0], [RateLimitError("x", 429, retry_after=30.0)])

    def perform(effect: Any) -> Any:
        given = log(effect)
        return answer(given.parsed, {"retry-after": "9"})

    steps = waiting.logs(323, 1, clock=clock, follow=True, poll_interval=5.0, draw=lambda: 0.0)
    assert drive(steps, perform, clock)[1] == [30, 9, 9]
