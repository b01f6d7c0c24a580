"""How a wait and a followed log decide, for any sequence of answers; the tests play service, clock and chance."""

import random
from types import SimpleNamespace
from typing import Any

import pytest
from codegen_api.models import AgentRunResponse
from hypothesis import example, given
from hypothesis import strategies as st

from codegen_ext import NetworkError, NotFoundError, RateLimitError, ServerError, WaitTimeoutError, waiting
from codegen_ext.testing import FakeClock

from ..support.driving import answer, drive

OPEN = ["PENDING", "RUNNING", "EVALUATION", "SOMETHING_NEW", None]
SETTLED = ["COMPLETE", "FAILED", "STOPPED", "PAUSED"]
PASSING = [NetworkError("x"), ServerError("x", 503), RateLimitError("x", 429, retry_after=7.0)]
HIGHEST = 1 - 2**-53


def state(word: str | None) -> AgentRunResponse:
    return AgentRunResponse.from_dict({"id": 1, "organization_id": 323, "status": word})


class Wait:
    """One wait against a list of answers: status words, errors, or words with a Retry-After."""

    def __init__(self, answers: list[Any], **options: Any) -> None:
        self.clock = FakeClock()
        self.answers = answers
        self.performed: list[Any] = []
        settings = {"poll_interval": 5.0, "timeout": None, "with_progress": False, "cancel_on_timeout": False}
        self.steps = waiting.completion(323, 1, clock=self.clock, **{**settings, **options})

    def perform(self, effect: Any) -> Any:
        self.performed.append(effect)
        if effect.operation.id != "get_agent_run":
            return answer(SimpleNamespace(total_logs=0, logs=[]))
        given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(given, Exception):
            raise given
        word, wish = given if isinstance(given, tuple) else (given, None)
        return answer(state(word), {} if wish is None else {"retry-after": str(wish)})

    def run(self) -> tuple[list[Any], list[float], Any]:
        return drive(self.steps, self.perform, self.clock)


@given(
    before=st.lists(st.sampled_from([*OPEN, *PASSING]), max_size=20),
    last=st.sampled_from(SETTLED),
    poll_interval=st.floats(0.01, 100),
    seed=st.integers(0, 1000),
)
def test_a_wait_ends_at_the_first_settled_state_and_shows_each_poll(
    before: list[Any], last: str, poll_interval: float, seed: int
) -> None:
    draw = random.Random(seed).random
    wait = Wait([*before, last, "RUNNING"], poll_interval=poll_interval, draw=draw)
    emitted, slept, run = wait.run()
    assert run.raw_status == last
    assert [seen.run.raw_status for seen in emitted] == [word for word in [*before, last] if not is_error(word)]
    assert len(slept) == len(before)


def is_error(given: Any) -> bool:
    return isinstance(given, Exception)


@given(st.floats(0.01, 100), st.floats(0, HIGHEST), st.integers(1, 12))
@example(5.0, HIGHEST, 12)
@example(0.5, HIGHEST, 3)
def test_pauses_are_drawn_below_a_bound_that_doubles_from_one_second_to_the_interval(
    poll_interval: float, chance: float, polls: int
) -> None:
    _, slept, _ = Wait([*["RUNNING"] * polls, "COMPLETE"], poll_interval=poll_interval, draw=lambda: chance).run()
    bounds = [min(poll_interval, 1.0 * 2**step) for step in range(polls)]
    assert slept == pytest.approx([chance * bound for bound in bounds])


def test_pauses_are_random_without_being_asked() -> None:
    _, slept, _ = Wait([*["RUNNING"] * 50, "COMPLETE"]).run()
    assert len(set(slept)) > 40
    assert max(slept[10:]) > 3
    assert min(slept[10:]) < 2
    assert all(0 <= pause <= 5 for pause in slept)


@given(st.lists(st.one_of(st.none(), st.integers(0, 600)), min_size=1, max_size=15))
def test_the_services_wish_is_the_least_pause_and_is_read_anew_each_time(wishes: list[int | None]) -> None:
    answers = [*(("RUNNING", wish) for wish in wishes), "COMPLETE"]
    _, slept, _ = Wait(answers, draw=lambda: 0.5).run()
    bounds = [min(5.0, 2.0**step) for step in range(len(wishes))]
    assert slept == [max(0.5 * bound, wish or 0) for bound, wish in zip(bounds, wishes, strict=True)]


def test_a_refusal_for_too_many_requests_is_waited_out() -> None:
    answers = [RateLimitError("x", 429, retry_after=42.0), NetworkError("x"), "COMPLETE"]
    _, slept, _ = Wait(answers, draw=lambda: 0.0).run()
    assert slept == [42.0, 0.0]


@given(
    answers=st.lists(
        st.one_of(st.sampled_from([*OPEN, *PASSING]), st.tuples(st.just("RUNNING"), st.integers(0, 50))), min_size=1
    ),
    timeout=st.just(0.0) | st.floats(0.01, 500),
    poll_interval=st.floats(0.5, 60),
    seed=st.integers(0, 99),
)
@example(answers=["RUNNING"], timeout=0, poll_interval=5, seed=0)
@example(answers=[("RUNNING", 500)], timeout=3, poll_interval=5, seed=0)
def test_a_deadline_is_kept_to_the_moment(answers: list[Any], timeout: float, poll_interval: float, seed: int) -> None:
    wait = Wait(answers, timeout=timeout, poll_interval=poll_interval, draw=random.Random(seed).random)
    with pytest.raises(WaitTimeoutError) as caught:
        wait.run()
    assert wait.clock.monotonic() == pytest.approx(timeout)
    assert caught.value.timeout_duration == timeout
    assert caught.value.run_id == 1
    for effect in wait.performed:
        assert effect.timeout is None if timeout == 0 else 0 < effect.timeout <= timeout


def test_an_attempt_is_never_given_less_than_nothing_when_a_sleep_took_too_long() -> None:
    wait = Wait(["RUNNING"], timeout=10, poll_interval=8, draw=lambda: HIGHEST)
    sleep = wait.clock.sleep
    wait.clock.sleep = lambda seconds: sleep(seconds * 1.5)  # type: ignore[method-assign]
    with pytest.raises(WaitTimeoutError):
        wait.run()
    assert wait.clock.monotonic() == pytest.approx(10.5)
    assert [effect.timeout for effect in wait.performed] == pytest.approx([10, 8.5, 5.5])


def test_progress_is_read_within_the_deadline_too() -> None:
    wait = Wait(["RUNNING", "COMPLETE"], timeout=60, with_progress=True, draw=lambda: 0.0)
    emitted, _, _ = wait.run()
    assert [effect.timeout for effect in wait.performed] == [60, 60, 60, 60]
    assert [seen.progress["status"] for seen in emitted] == ["running", "completed"]


@pytest.mark.parametrize("word", ["SOMETHING_NEW", None])
def test_an_unknown_state_that_does_not_change_for_an_hour_ends_a_wait_without_deadline(word: str | None) -> None:
    wait = Wait(["RUNNING", word])
    with pytest.raises(WaitTimeoutError, match="no known state for 3600 s") as caught:
        wait.run()
    assert 3600 <= wait.clock.monotonic() <= 3610
    assert caught.value.timeout_duration is None
    assert caught.value.run.raw_status == word


def test_an_hour_of_failures_ends_a_wait_without_deadline() -> None:
    wait = Wait([NetworkError("x")])
    with pytest.raises(WaitTimeoutError, match="state unknown") as caught:
        wait.run()
    assert 3600 <= wait.clock.monotonic() <= 3610
    assert caught.value.run is None


def test_a_known_state_or_a_change_of_unknown_words_starts_the_hour_anew() -> None:
    words = [word for index in range(40) for word in [f"NEW_{index}"] * 100]
    wait = Wait([*words, "RUNNING", *["NEW"] * 300, "COMPLETE"], draw=lambda: 1.0)
    _, _, run = wait.run()
    assert run.status == "completed"
    assert wait.clock.monotonic() > 5 * 3600


def test_an_unknown_state_waits_beyond_the_hour_when_the_caller_set_the_deadline() -> None:
    wait = Wait(["NEW"], timeout=9000, draw=lambda: 1.0)
    with pytest.raises(WaitTimeoutError, match="not finished after 9000 s"):
        wait.run()
    assert wait.clock.monotonic() == pytest.approx(9000)


def test_the_run_is_cancelled_at_the_deadline_only_where_that_was_asked_for() -> None:
    for cancel in (False, True):
        wait = Wait(["RUNNING"], timeout=3, cancel_on_timeout=cancel)
        with pytest.raises(WaitTimeoutError):
            wait.run()
        bans = [effect for effect in wait.performed if effect.operation.id == "ban_agent_run"]
        assert len(bans) == cancel


def test_a_cancellation_that_fails_is_the_cause_of_the_timeout() -> None:
    wait = Wait(["RUNNING"], timeout=3, cancel_on_timeout=True)
    refused = NotFoundError("x", 404)

    def perform(effect: Any) -> Any:
        if effect.operation.id == "ban_agent_run":
            raise refused
        return wait.perform(effect)

    with pytest.raises(WaitTimeoutError) as caught:
        drive(wait.steps, perform, wait.clock)
    assert caught.value.__cause__ is refused


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
