"""Who is woken when and with what, for any runs, waiters and failures; the tests play the service and the clock."""

import gc
import math
import random
import weakref
from itertools import pairwise
from typing import Any

import pytest
from codegen_api.models import AgentRunResponse
from codegen_ext.watching.plan import GetRun, ListRuns, ReadLog, Rest, budgets, request_of
from codegen_ext.watching.state import Watch
from codegen_ext.watching.tickets import News, Order, Waiter
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen_ext import (
    AuthenticationError,
    InvalidResponseError,
    NetworkError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    WaitTimeoutError,
)

from ..support.driving import answer, page

ORG = 323
PASSING: list[Exception] = [NetworkError("x"), ServerError("x", 503), RateLimitError("x", 429, retry_after=7.0)]


def run_of(run_id: int, word: str | None, summary: str | None = None) -> AgentRunResponse:
    return AgentRunResponse.from_dict({"id": run_id, "organization_id": ORG, "status": word, "summary": summary})


class Service:
    """Runs that end at known moments, in a list of which some ids are others' runs."""

    def __init__(self, ends: dict[int, float], others: int = 0) -> None:
        self.now = 0.0
        self.ends = ends
        self.ids = sorted([*ends, *range(10_000, 10_000 + others)], reverse=True)
        self.words: dict[int, str | None] = {}
        self.summaries: dict[int, str] = {}
        self.faults: list[Exception | None] = []
        self.headers: dict[str, str] = {}
        self.log_count = 0
        self.requests: list[tuple[float, Any]] = []

    def show(self, run_id: int) -> AgentRunResponse:
        done = run_id in self.ends and self.now >= self.ends[run_id]
        word = "COMPLETE" if done else self.words.get(run_id, "RUNNING")
        return run_of(run_id, word, self.summaries.get(run_id))

    def answer(self, action: Any) -> Any:
        self.requests.append((self.now, action))
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        if isinstance(action, ReadLog):
            shown = page([], self.log_count, "logs", "total_logs")
        elif isinstance(action, GetRun):
            if action.run_id not in self.ids:
                raise NotFoundError("gone", 404)
            shown = self.show(int(action.run_id))
        else:
            shown = page([self.show(one) for one in self.ids[action.skip : action.skip + 100]], len(self.ids))
        return answer(shown, self.headers)


class Scene:
    """A watch against a service, on a clock of their own."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.watch = Watch(budgets())
        self.got: dict[Waiter, list[News]] = {}
        self.woken_at: dict[Waiter, float] = {}

    def join(self, *orders: Order) -> Waiter:
        waiter = Waiter(lambda: None)
        self.got[waiter] = []
        self.watch.join(waiter, orders, self.service.now)
        return waiter

    def step(self) -> Any:
        action = self.watch.next(self.service.now)
        self.collect()
        if isinstance(action, Rest):
            assert action.seconds >= 0
            if action.seconds < 1e9:
                self.service.now += action.seconds
        else:
            try:
                response = self.service.answer(action)
            except Exception as error:  # noqa: BLE001 - the watch decides
                self.watch.failed(action, error, self.service.now)
            else:
                self.watch.answered(action, response, self.service.now)
        self.collect()
        return action

    def collect(self) -> None:
        for waiter, got in self.got.items():
            while waiter.mail:
                got.append(waiter.mail.popleft())
                self.woken_at[waiter] = self.service.now

    def run(self, most: int = 20_000) -> None:
        for _ in range(most):
            if self.watch.is_idle:
                return
            self.step()
        raise AssertionError("the waits did not end")

    def final(self, waiter: Waiter) -> News:
        assert [news.final for news in self.got[waiter]][:-1] == [False] * (len(self.got[waiter]) - 1)
        return self.got[waiter][-1]


@settings(max_examples=40)
@given(
    ends=st.dictionaries(st.integers(1, 300), st.floats(0, 300), min_size=1, max_size=20),
    timeouts=st.lists(st.none() | st.just(0.0) | st.floats(1, 200), min_size=20, max_size=20),
    joins=st.lists(st.floats(0, 50), min_size=20, max_size=20),
    faults=st.lists(st.sampled_from([None, None, None, *PASSING]), max_size=20),
    others=st.integers(0, 300),
    interval=st.floats(1, 60),
)
def test_each_waiter_gets_its_own_result_or_its_own_time_out(
    ends: dict[int, float],
    timeouts: list[float | None],
    joins: list[float],
    faults: list[Exception | None],
    others: int,
    interval: float,
) -> None:
    service = Service(ends, others)
    service.faults = faults
    scene = Scene(service)
    waiters: list[tuple[Waiter, int, float, float | None]] = []
    for (run_id, _), timeout, pause in zip(ends.items(), timeouts, joins, strict=False):
        until = service.now + pause / 10
        while service.now < until and not scene.watch.is_idle:
            scene.step()
        waiters.append((scene.join(Order(ORG, run_id, interval, timeout)), run_id, service.now, timeout))
    scene.run()
    for waiter, run_id, start, timeout in waiters:
        news = scene.final(waiter)
        woken = scene.woken_at[waiter]
        if news.error is None:
            assert (news.run_id, news.run.id, news.run.status) == (run_id, run_id, "completed")
            assert woken >= ends[run_id]
        else:
            assert isinstance(news.error, WaitTimeoutError)
            assert (news.error.run_id, news.error.timeout_duration) == (run_id, timeout)
            if timeout:
                assert woken == pytest.approx(start + timeout)
    asked = [moment for moment, _ in service.requests]
    for start in asked:
        assert sum(start <= moment < start + 30 for moment in asked) <= 40


@given(st.floats(1, 900), st.floats(1, 60))
def test_one_run_is_looked_at_after_pauses_that_double_to_the_interval(end: float, interval: float) -> None:
    service = Service({1: end})
    scene = Scene(service)
    scene.join(Order(ORG, 1, interval, known=run_of(1, "RUNNING")))
    scene.run()
    assert all(action == GetRun(ORG, 1) for _, action in service.requests)
    times = [0.0, *(moment for moment, _ in service.requests)]
    pauses = [later - sooner for sooner, later in pairwise(times)]
    bounds = [min(interval, 2.0 * 2**index) for index in range(len(pauses))]
    assert pauses == pytest.approx(bounds)
    if 4 <= interval <= 6:
        assert len(service.requests) <= math.ceil(end / interval) + 1  # a loop asks at once, then every interval


def test_whoever_joins_makes_looks_as_quick_as_it_wants_them() -> None:
    scene = Scene(Service({1: 100.0}))
    scene.join(Order(ORG, 1, poll_interval=60.0))
    while not scene.service.requests or scene.service.requests[-1][0] < 10:
        scene.step()
    hasty = scene.join(Order(ORG, 1, poll_interval=0.5, timeout=3.0))
    before = len(scene.service.requests) - 1
    while not scene.got[hasty] or not scene.got[hasty][-1].final:
        scene.step()
    looks = [at for at, _ in scene.service.requests[before:]]
    assert len(looks) > 5
    assert all(later - earlier <= 0.501 for earlier, later in pairwise(looks))


def test_a_thousand_runs_are_read_by_pages_and_inside_half_of_the_limit() -> None:
    service = Service({run_id: 100.0 + run_id / 10 for run_id in range(1, 1001)})
    scene = Scene(service)
    waiter = scene.join(*(Order(ORG, run_id) for run_id in range(1, 1001)))
    scene.run()
    assert len([news for news in scene.got[waiter] if news.final]) == 1000
    assert len(service.requests) < 200
    singles = sum(isinstance(action, GetRun) for _, action in service.requests)
    assert singles < 10


def test_two_old_runs_far_apart_are_read_alone_once_the_list_is_known() -> None:
    service = Service({5: 300.0, 4000: 300.0}, others=500)
    scene = Scene(service)
    scene.join(Order(ORG, 5), Order(ORG, 4000))
    scene.run()
    kinds = [type(action) for _, action in service.requests]
    assert kinds[-20:] == [GetRun] * 20


def test_runs_that_the_list_does_not_show_are_read_alone() -> None:
    service = Service(dict.fromkeys(range(1, 50), 60.0))
    service.ids = []
    scene = Scene(service)
    real = service.answer

    def answer_hidden(action: Any) -> Any:
        if isinstance(action, GetRun):
            service.requests.append((service.now, action))
            return answer(service.show(int(action.run_id)))
        return real(action)

    service.answer = answer_hidden  # type: ignore[method-assign]
    waiter = scene.join(*(Order(ORG, run_id) for run_id in range(1, 50)))
    scene.run()
    assert all(news.error is None for news in scene.got[waiter])
    assert sum(isinstance(action, ListRuns) for _, action in service.requests) <= 100


def test_a_run_that_does_not_exist_wakes_its_own_waiter_alone() -> None:
    service = Service({1: 60.0, 2: 60.0})
    scene = Scene(service)
    lost, one, two = (scene.join(Order(ORG, run_id)) for run_id in (77, 1, 2))
    scene.run()
    assert isinstance(scene.final(lost).error, NotFoundError)
    assert scene.woken_at[lost] < 20
    assert [scene.final(waiter).run.status for waiter in (one, two)] == ["completed", "completed"]


def test_a_refused_token_wakes_everybody_with_one_request() -> None:
    service = Service(dict.fromkeys(range(1, 300), 60.0))
    service.faults = [AuthenticationError("no", 401)]
    scene = Scene(service)
    waiters = [scene.join(Order(ORG, run_id)) for run_id in service.ends]
    scene.run()
    errors = [scene.final(waiter).error for waiter in waiters]
    assert all(isinstance(error, AuthenticationError) and error.status_code == 401 for error in errors)
    assert len({id(error) for error in errors}) == len(waiters)
    assert len(service.requests) == 1


def test_an_organisation_that_is_forbidden_wakes_its_waiters_alone() -> None:
    service = Service(dict.fromkeys(range(1, 300), 60.0))
    scene = Scene(service)
    real = service.answer

    def forbid(action: Any) -> Any:
        if action.org_id == 9:
            service.requests.append((service.now, action))
            raise PermissionDeniedError("no", 403)
        return real(action)

    service.answer = forbid  # type: ignore[method-assign]
    lost = scene.join(Order(ORG, 999))
    theirs = [scene.join(Order(9, run_id)) for run_id in range(1, 50)]
    ours = scene.join(*(Order(ORG, run_id) for run_id in range(1, 50)))
    scene.run()
    assert all(isinstance(scene.final(waiter).error, PermissionDeniedError) for waiter in theirs)
    assert isinstance(scene.final(lost).error, NotFoundError)
    assert all(news.error is None for news in scene.got[ours])
    assert sum(action.org_id == 9 for _, action in service.requests) == 2


def test_an_organisation_that_does_not_exist_costs_two_requests_however_many_wait() -> None:
    service = Service({})
    scene = Scene(service)
    real = service.answer

    def unknown(action: Any) -> Any:
        if isinstance(action, ListRuns):
            service.requests.append((service.now, action))
            raise NotFoundError("no such organisation", 404)
        return real(action)

    service.answer = unknown  # type: ignore[method-assign]
    waiter = scene.join(*(Order(ORG, run_id) for run_id in range(1, 300)))
    scene.run()
    assert all(isinstance(news.error, NotFoundError) for news in scene.got[waiter])
    assert len(service.requests) == 2


def test_whoever_may_not_list_may_still_wait() -> None:
    service = Service({1: 30.0, 2: 30.0})
    service.faults = [PermissionDeniedError("no lists", 403)]
    scene = Scene(service)
    waiter = scene.join(Order(ORG, 1), Order(ORG, 2))
    scene.run()
    assert [news.error for news in scene.got[waiter] if news.final] == [None, None]
    assert sum(isinstance(action, ListRuns) for _, action in service.requests) == 1


def test_a_page_that_cannot_be_read_does_not_keep_its_runs_waiting() -> None:
    service = Service(dict.fromkeys(range(1, 4), 20.0))
    scene = Scene(service)
    real = service.answer

    def spoil(action: Any) -> Any:
        if isinstance(action, ListRuns):
            service.requests.append((service.now, action))
            raise InvalidResponseError("x")
        return real(action)

    service.answer = spoil  # type: ignore[method-assign]
    waiter = scene.join(*(Order(ORG, run_id) for run_id in (1, 2, 3)))
    scene.run()
    assert [news.run.status for news in scene.got[waiter] if news.final] == ["completed"] * 3


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: type(fault).__name__)
def test_a_failure_in_passing_delays_a_round_and_wakes_nobody(fault: Exception) -> None:
    service = Service(dict.fromkeys(range(1, 51), 5.0))
    service.faults = [fault]
    scene = Scene(service)
    waiter = scene.join(*(Order(ORG, run_id) for run_id in range(1, 51)))
    scene.step()
    assert scene.got[waiter] == []
    scene.run()
    assert all(news.error is None for news in scene.got[waiter])
    delay = service.requests[1][0]
    assert delay == pytest.approx(7.0 if isinstance(fault, RateLimitError) else 2.0)


def test_an_error_that_is_none_of_ours_wakes_everybody() -> None:
    service = Service({1: 60.0, 2: 60.0})
    service.faults = [RuntimeError("the client has been closed")]
    scene = Scene(service)
    waiters = [scene.join(Order(ORG, run_id)) for run_id in (1, 2)]
    scene.run()
    assert all(isinstance(scene.final(waiter).error, RuntimeError) for waiter in waiters)


def test_nothing_is_kept_of_waits_that_are_over() -> None:
    scene = Scene(Service({1: 5.0, 2: 9.0}))
    waiter = scene.join(Order(ORG, 1, progress=True), Order(ORG, 2, timeout=3600.0))
    scene.run()
    scene.got.clear()
    scene.woken_at.clear()
    kept = weakref.ref(waiter)
    del waiter
    gc.collect()
    assert kept() is None


def test_a_waiter_that_leaves_takes_nothing_from_the_others_and_costs_nothing_more() -> None:
    service = Service({1: 1e6, 2: 60.0})
    scene = Scene(service)
    leaving, staying, same = scene.join(Order(ORG, 1)), scene.join(Order(ORG, 2)), scene.join(Order(ORG, 2))
    scene.step()
    scene.watch.leave(leaving)
    scene.watch.leave(same)
    before = len(service.requests)
    scene.run()
    assert scene.final(staying).run.status == "completed"
    assert not [news for news in scene.got[leaving] + scene.got[same] if news.final]
    assert all(action == GetRun(ORG, 2) for _, action in service.requests[before:])


@pytest.mark.parametrize("word", ["SOMETHING_NEW", None])
def test_an_unknown_state_that_does_not_change_for_an_hour_ends_a_wait_without_deadline(word: str | None) -> None:
    service = Service({1: 1e9})
    service.words[1] = word
    scene = Scene(service)
    patient, limited = scene.join(Order(ORG, 1)), scene.join(Order(ORG, 1, timeout=9000))
    scene.run()
    error = scene.final(patient).error
    assert isinstance(error, WaitTimeoutError)
    assert "no known state for 3600 s" in str(error)
    assert (error.timeout_duration, error.run.raw_status) == (None, word)
    assert 3600 <= scene.woken_at[patient] <= 3610
    assert "not finished after 9000 s" in str(scene.final(limited).error)
    assert scene.woken_at[limited] == pytest.approx(9000)


def test_an_hour_of_failures_ends_a_wait_without_deadline() -> None:
    service = Service({1: 1e9})
    service.faults = [NetworkError("x")] * 20_000
    scene = Scene(service)
    waiter = scene.join(Order(ORG, 1))
    scene.run()
    error = scene.final(waiter).error
    assert isinstance(error, WaitTimeoutError)
    assert "state unknown" in str(error)
    assert error.run is None
    assert 3600 <= scene.woken_at[waiter] <= 3610


def test_a_known_state_or_a_change_of_unknown_words_starts_the_hour_anew() -> None:
    service = Service({1: 4 * 3600.0})
    scene = Scene(service)
    waiter = scene.join(Order(ORG, 1))
    while not scene.watch.is_idle:
        service.words[1] = f"NEW_{int(service.now // 3000)}"
        scene.step()
    assert scene.final(waiter).run.status == "completed"


@given(st.lists(st.one_of(st.none(), st.integers(0, 600)), min_size=1, max_size=15), st.randoms())
def test_the_services_wish_is_the_least_pause_and_is_read_anew_each_time(
    wishes: list[int | None], chance: random.Random
) -> None:
    service = Service({1: 1e9})
    scene = Scene(service)
    scene.join(Order(ORG, 1))
    for index, wish in enumerate(wishes):
        service.headers = {} if wish is None else {"retry-after": str(wish)}
        before = service.now
        while len(service.requests) == index:
            scene.step()
        while not isinstance(scene.step(), Rest):
            pass
        assert service.now - before >= (wish or 0)
        assert service.now - before == pytest.approx(max(min(5.0, 2.0 * 2**index), wish or 0))


def test_looks_are_quick_again_when_the_summary_moves() -> None:
    service = Service({1: 1e9})
    scene = Scene(service)
    scene.join(Order(ORG, 1, 20.0))
    while service.now < 100:
        scene.step()
    service.summaries[1] = "getting on"
    asked = len(service.requests)
    while len(service.requests) < asked + 4:
        scene.step()
    times = [moment for moment, _ in service.requests[asked:]]
    assert [b - a for a, b in pairwise(times)] == pytest.approx([2, 4, 8])


def test_looks_are_quick_again_when_the_log_grows() -> None:
    service = Service({1: 1e9})
    scene = Scene(service)
    waiter = scene.join(Order(ORG, 1, 20.0, progress=True))
    while service.now < 100:
        scene.step()
    service.log_count = 3
    asked = len(service.requests)
    while len(service.requests) < asked + 6:
        scene.step()
    times = [moment for moment, action in service.requests[asked:] if isinstance(action, GetRun)]
    assert [b - a for a, b in pairwise(times)] == pytest.approx([2, 4])
    assert scene.got[waiter][-1].progress["log_count"] == 3


def test_logs_are_read_for_callbacks_from_spare_budget_only() -> None:
    service = Service(dict.fromkeys(range(1, 1001), 60.0))
    scene = Scene(service)
    waiters = [scene.join(Order(ORG, run_id, progress=run_id <= 200)) for run_id in service.ends]
    scene.run()
    looks = [action for _, action in service.requests]
    with_callback = [news for waiter in waiters[:200] for news in scene.got[waiter]]
    assert {news.progress is None for news in with_callback} == {False}
    assert any(news.progress["log_count"] is None for news in with_callback)
    assert {news.progress for waiter in waiters[200:] for news in scene.got[waiter]} == {None}
    logs = [action for action in looks if isinstance(action, ReadLog)]
    assert len(logs) < len(with_callback) / 10
    assert all(action.run_id <= 200 for action in logs)


def test_only_what_is_new_is_sent_to_those_without_a_callback() -> None:
    service = Service({1: 100.0})
    service.words[1] = "PENDING"
    scene = Scene(service)
    waiter = scene.join(Order(ORG, 1))
    while service.now < 40:
        scene.step()
    service.words[1] = "RUNNING"
    scene.run()
    assert [news.run.status for news in scene.got[waiter]] == ["pending", "running", "completed"]


def test_what_a_webhook_brings_ends_a_wait_at_once_and_keeps_what_it_does_not_say() -> None:
    service = Service({1: 1e9, 2: 1e9})
    service.summaries[1] = "half done"
    scene = Scene(service)
    told, other = scene.join(Order(ORG, 1)), scene.join(Order(ORG, 2))
    while service.now < 20:
        scene.step()
    scene.watch.notice({"id": 1, "status": "FAILED", "result": "no luck"}, service.now)
    (final,) = [news for news in told.mail if news.final]
    assert (final.run.status, final.run.result, final.run.summary) == ("failed", "no luck", "half done")
    scene.watch.notice({"id": 2, "organization_id": 999, "status": "FAILED"}, service.now)
    scene.watch.notice({"id": 3, "status": "FAILED"}, service.now)
    scene.watch.notice({}, service.now)
    assert not other.mail
    scene.watch.notice({"id": "2", "status": "RUNNING"}, service.now)
    assert not [news for news in other.mail if news.final]


@pytest.mark.parametrize("field", [{"github_pull_requests": 5}, {"metadata": 7}])
def test_what_a_webhook_brings_that_is_no_run_makes_the_watcher_look_itself(field: dict[str, Any]) -> None:
    service = Service({1: 30.0})
    scene = Scene(service)
    waiter = scene.join(Order(ORG, 1, 60.0))
    while service.now < 20:
        scene.step()
    service.now = 31.0
    scene.watch.notice({"id": 1, "status": "COMPLETE", **field}, service.now)
    scene.run()
    assert scene.final(waiter).run.status == "completed"
    assert scene.woken_at[waiter] == 31.0


@given(st.floats(0.01, 500))
def test_a_request_gets_the_time_that_is_left(left: float) -> None:
    effect = request_of(GetRun(ORG, 1), left, 0.0)
    assert 0 < effect.timeout <= left
    assert request_of(ListRuns(ORG, 200), float("inf"), 0.0).timeout is None
    assert effect.arguments == {"org_id": ORG, "agent_run_id": 1}
