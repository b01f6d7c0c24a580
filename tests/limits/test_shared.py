"""What a process does while the place that it shares is there, is away, and is back."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from codegen_ext.limits.plan import SECOND, Bucket, micro
from codegen_ext.limits.primary import Away, Reply
from codegen_ext.limits.shared import SharedStore
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from codegen_ext.testing import FakeClock

from .model import ModelPrimary

LIMIT, WINDOW = 8, 10
BUCKET = Bucket.of("scope", "group", LIMIT, WINDOW)


class Breakable(ModelPrimary):
    """A shared place that the test can break."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(lambda: micro(clock.monotonic() + 1_000_000))
        self.is_away = False
        self.asked = 0

    def empty(self) -> None:
        self.life += "!"
        self.logs.clear()
        self.closed.clear()
        self.peers.clear()

    def _come(self) -> None:
        self.asked += 1
        if self.is_away:
            raise Away(ConnectionError("redis://:password@host"))

    def take(self, *args: Any) -> Reply:
        self._come()
        return super().take(*args)

    def release(self, ticket: str, buckets: Sequence[Bucket]) -> None:
        self._come()
        super().release(ticket, buckets)

    def close_for(self, buckets: Sequence[Bucket], period: int) -> None:
        self._come()
        super().close_for(buckets, period)

    def replay(self, scope: str, went: Mapping[Bucket, Mapping[str, int]]) -> str:
        self._come()
        return super().replay(scope, went)

    def status(self, buckets: Sequence[Bucket]) -> Any:
        self._come()
        return super().status(buckets)


@pytest.fixture(params=[0.0, -86_400.0])
def clock(request: pytest.FixtureRequest) -> FakeClock:
    """Clocks may begin anywhere."""
    made = FakeClock()
    begin = request.param
    if begin:
        reading = made.monotonic
        made.monotonic = lambda: reading() + begin  # type: ignore[method-assign]
    return made


@pytest.fixture
def place(clock: FakeClock) -> Breakable:
    return Breakable(clock)


class Caller:
    """One process; gives each request a ticket."""

    count = 0

    def __init__(self, place: Breakable, clock: FakeClock, peers: int = 1) -> None:
        self.store = SharedStore(place, clock, peers)
        self.store.enter()

    def ask(self, *buckets: Bucket, ticket: str = "") -> float:
        """Return how long a request has to wait, which has no time for it."""
        Caller.count += 1
        return self.store.take(ticket or f"{Caller.count:06}", buckets or [BUCKET], 0.0).wait

    def use(self) -> int:
        """Send as many requests as may go."""
        used = 0
        while self.ask() == 0:
            used += 1
        return used

    def finish(self) -> None:
        self.store._errands.finish()


@pytest.fixture
def pair(place: Breakable, clock: FakeClock) -> tuple[Caller, Caller]:
    first, second = Caller(place, clock), Caller(place, clock)
    other = Bucket.of("scope", "other", 100, WINDOW)
    for caller in (first, second, first):
        assert caller.ask(other) == 0
    return first, second


def test_processes_share_what_there_is(pair: tuple[Caller, Caller]) -> None:
    first, second = pair
    assert first.ask() == 0
    assert (second.use(), first.use()) == (LIMIT - 1, 0)
    assert first.store.status([BUCKET])[0].remaining == 0


def test_away_each_uses_its_part_less_what_it_used_itself(pair: tuple[Caller, Caller], place: Breakable) -> None:
    first, second = pair
    assert [first.ask() for _ in range(2)] == [0, 0]
    assert second.ask() == 0
    place.is_away = True
    assert first.use() == LIMIT // 2 - 2
    # It had heard of three, and of these its part counts as its own, for the other may have sent all of them.
    assert second.use() == LIMIT // 2 - 2
    assert first.store.status([BUCKET])[0].remaining == 0
    assert first.store.status([BUCKET])[0].limit == LIMIT


def test_who_has_not_heard_for_a_while_counts_its_part_as_used(
    pair: tuple[Caller, Caller], place: Breakable, clock: FakeClock
) -> None:
    first, second = pair
    assert first.use() == LIMIT
    assert second.ask() > 0
    clock.advance(2)
    place.is_away = True
    assert (first.use(), second.use()) == (0, 0)
    clock.advance(WINDOW)
    assert (first.use(), second.use()) == (LIMIT // 2, LIMIT // 2)


@pytest.mark.parametrize(("peers", "most"), [(1, LIMIT), (2, LIMIT // 2), (3, LIMIT // 3), (LIMIT + 1, 0)])
def test_who_never_saw_the_place_divides_by_the_setting(
    peers: int, most: int, place: Breakable, clock: FakeClock
) -> None:
    place.is_away = True
    caller = Caller(place, clock, peers)
    assert caller.use() == most
    assert caller.store.status([BUCKET])[0].remaining == 0
    # Who has time waits until the place is back.
    verdict = caller.store.take("patient", [BUCKET], None)
    assert (verdict.booked, verdict.wait) == (True, pytest.approx(1.0))


def test_a_place_that_comes_back_learns_what_went_and_is_trusted_after_a_window(
    pair: tuple[Caller, Caller], place: Breakable, clock: FakeClock
) -> None:
    first, second = pair
    clock.advance(WINDOW + 1)
    first.ask()
    place.is_away = True
    clock.advance(WINDOW + 1)
    first.ask(), second.ask()
    clock.advance(WINDOW + 1)
    assert (first.use(), second.use()) == (LIMIT // 2, LIMIT // 2)
    place.is_away = False
    place.empty()
    clock.advance(1.5)
    # Nobody exceeds its part, though the place seems empty, for who has not come back yet is not in it.
    assert first.use() == 0
    assert place.status([BUCKET])[0].remaining == LIMIT // 2
    assert second.use() == 0
    assert place.status([BUCKET])[0].remaining == 0
    clock.advance(WINDOW + 3)
    assert first.use() + second.use() == LIMIT
    assert second.use() == 0


def test_a_place_that_lost_its_memory_between_two_questions_is_noticed(
    pair: tuple[Caller, Caller], place: Breakable, clock: FakeClock
) -> None:
    first, second = pair
    assert first.use() == LIMIT
    place.empty()
    clock.advance(2)
    assert (second.use(), first.use()) == (0, 0)
    clock.advance(WINDOW)
    assert first.use() + second.use() == LIMIT


def test_a_closure_reaches_the_others_and_outlives_an_absence(
    pair: tuple[Caller, Caller], place: Breakable, clock: FakeClock
) -> None:
    first, second = pair
    first.store.close_for([BUCKET], 30)
    first.finish()
    assert second.ask() == pytest.approx(30)
    clock.advance(5)
    place.is_away = True
    first.store.close_for([BUCKET], 60)
    first.finish()
    assert first.ask() == pytest.approx(60)
    place.is_away = False
    place.empty()
    clock.advance(2)
    first.ask()
    assert place.status([BUCKET])[0].closed == 58 * SECOND


def test_a_place_given_up_is_free_for_the_others(pair: tuple[Caller, Caller]) -> None:
    first, second = pair
    for _ in range(LIMIT - 1):
        first.ask()
    first.ask(ticket="given up")
    assert second.ask() > 0
    first.store.release("given up", [BUCKET])
    first.finish()
    assert second.ask() == 0


def test_a_part_of_nothing_waits_until_the_place_can_be_trusted_again(
    pair: tuple[Caller, Caller], place: Breakable, clock: FakeClock
) -> None:
    first, second = pair
    single = Bucket.of("scope", "single", 1, WINDOW)
    place.is_away = True
    assert (first.ask(single), second.ask(single)) == (1.0, 1.0)
    place.is_away = False
    clock.advance(1)
    assert first.ask(single) == pytest.approx(WINDOW + 3)
    clock.advance(WINDOW + 3)
    assert first.ask(single) == 0


def test_the_status_of_a_place_that_is_away_is_that_of_the_part(
    pair: tuple[Caller, Caller], place: Breakable, clock: FakeClock
) -> None:
    first, second = pair
    second.ask()
    clock.advance(WINDOW + 1)
    place.is_away = True
    usage = first.store.status([BUCKET])[0]
    assert (usage.remaining, usage.limit, usage.reset_time) == (LIMIT // 2, LIMIT, 0)


def test_who_waits_asks_again_often_enough_to_hear_of_a_loss(pair: tuple[Caller, Caller]) -> None:
    first, _ = pair
    first.use()
    verdict = first.store.take("waits", [BUCKET], None)
    assert (verdict.booked, verdict.wait) == (True, 5.0)


def test_it_warns_once_and_says_when_it_is_over(
    pair: tuple[Caller, Caller], place: Breakable, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "codegen_ext")
    first, _ = pair
    place.is_away = True
    for _ in range(30):
        first.ask()
        clock.advance(1)
    place.is_away = False
    first.ask(), first.ask()
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        (
            "WARNING",
            "the shared rate limits are away (ConnectionError): until they are back this process keeps to 1/2 of each",
        ),
        ("INFO", "the shared rate limits are back"),
    ]


def test_while_it_is_away_it_is_asked_once_a_second(place: Breakable, clock: FakeClock) -> None:
    place.is_away = True
    caller = Caller(place, clock)
    for _ in range(50):
        caller.ask()
        clock.advance(0.1)
    assert place.asked == 5


def test_several_places_behind_one_address_count_as_away(
    place: Breakable, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caller = Caller(place, clock)
    caller.ask()
    replay = place.replay

    def other_life(*args: Any) -> str:
        place.empty()
        return replay(*args) + "?"

    place.empty()
    place.replay = other_life  # type: ignore[method-assign]
    assert caller.use() == LIMIT - 1
    assert "are away" in caplog.text


def test_credentials_that_nobody_uses_any_more_are_forgotten(place: Breakable, clock: FakeClock) -> None:
    caller = Caller(place, clock)
    for number in range(500):
        caller.ask(Bucket.of(f"scope {number}", "group", 1, 1.0))
        clock.advance(10)
    assert len(caller.store._fallbacks) < 100
    assert len(caller.store._book._logs) < 130


class Fleet(RuleBasedStateMachine):
    """Three processes whose shared place goes, comes back, and forgets, but not in the second in which they asked."""

    @initialize()
    def begin(self) -> None:
        self.clock = FakeClock()
        self.place = Breakable(self.clock)
        self.callers = [Caller(self.place, self.clock) for _ in range(3)]
        self.other = Bucket.of("scope", "other", 1_000, 1.0)
        self.went: list[float] = []
        self._all_ask()
        self._all_ask()

    def _all_ask(self) -> None:
        for caller in self.callers:
            caller.ask(self.other)

    @rule(which=st.integers(0, 2), number=st.integers(1, LIMIT + 1))
    def use(self, which: int, number: int) -> None:
        self.went += [self.clock.monotonic() for _ in range(number) if self.callers[which].ask() == 0]

    @rule(seconds=st.integers(1, 12))
    def pass_time(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1)
            self._all_ask()

    @precondition(lambda self: not self.place.is_away)
    @rule()
    def go_away(self) -> None:
        self.clock.advance(1)
        self.place.is_away = True

    @precondition(lambda self: self.place.is_away)
    @rule(empty=st.booleans())
    def come_back(self, empty: bool) -> None:
        self.place.is_away = False
        if empty:
            self.place.empty()

    @precondition(lambda self: not self.place.is_away)
    @rule()
    def forget(self) -> None:
        self.clock.advance(1)
        self.place.empty()

    @invariant()
    def never_more_than_the_limit(self) -> None:
        for start in self.went[-40:]:
            assert sum(start <= moment < start + WINDOW for moment in self.went) <= LIMIT


TestFleet = Fleet.TestCase
TestFleet.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
