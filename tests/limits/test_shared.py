"""What a process does while the store that it shares is there, is unavailable, and is back."""

import logging

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from codegen_ext.rate_limits.shared import SharedWindows
from codegen_ext.rate_limits.window import SECOND, Limit, Slot, micro
from codegen_ext.testing import FakeClock

from .conftest import ModelStore
from .test_window import Signal

REQUESTS, WINDOW = 8, 10
LIMIT = Limit.of("group", REQUESTS, WINDOW)
OTHER = Limit.of("other", 1_000, 1)


class Process(SharedWindows):
    """One of the processes that share a store."""

    def __init__(self, store, clock, peers=1):
        super().__init__(store, "scope", peers, clock)

    def ask(self, limit=LIMIT):
        """Return the slot of a request that goes, or the seconds that it would have to wait."""
        request = self.join(self.windows([limit]), None)
        wait = self.attempt(request)
        if request.slot is None:
            self.leave(request)
        return request.slot or wait / SECOND

    def use(self):
        """Send as many requests as may go."""
        used = 0
        while isinstance(self.ask(), Slot):
            used += 1
        return used

    @property
    def left(self):
        return self.usage(self.windows([LIMIT]))[0]

    def close_for(self, seconds):
        self.close(*self.windows([LIMIT]), micro(seconds))


@pytest.fixture
def pair(store, clock):
    """Two processes that know of one another."""
    first, second = Process(store, clock), Process(store, clock)
    for process in (first, second, first):
        process.ask(OTHER)
    return first, second


def test_each_has_its_share_until_a_window_after_a_loss(pair, store, clock):
    first, second = pair
    assert isinstance(first.ask(), Slot)
    assert (second.use(), first.use(), first.left.remaining) == (REQUESTS - 1, 0, 0)
    clock.advance(WINDOW)
    store.is_away = True  # the moment of which counts as a used window
    assert (first.use(), second.use()) == (0, 0)
    assert (first.left.remaining, first.left.limit, first.left.reset_time) == (0, REQUESTS, WINDOW)
    clock.advance(WINDOW)
    assert (first.use(), second.use()) == (REQUESTS // 2, REQUESTS // 2)
    store.is_away = False
    store.empty()
    clock.advance(1.5)
    # Neither exceeds its share, though the store seems empty, for one that has not come back yet is not in it.
    assert (first.use(), first.left.remaining) == (0, REQUESTS // 2)
    assert (second.use(), first.left.remaining) == (0, 0)
    clock.advance(WINDOW + 3)
    assert first.use() + second.use() == REQUESTS
    assert second.use() == 0


@pytest.mark.parametrize(
    ("peers", "before", "most"), [(1, 0, REQUESTS), (1, 3, REQUESTS - 3), (3, 0, REQUESTS // 3), (REQUESTS + 1, 0, 0)]
)
def test_without_a_store_one_that_is_alone_goes_on_and_the_setting_divides(peers, before, most, store, clock):
    process = Process(store, clock, peers)
    for _ in range(before):
        process.ask()
    store.is_away = True
    assert process.use() == most
    assert process.left.remaining == 0


def test_the_share_stays_until_a_loss_is_over(pair, store, clock):
    store.is_away = True
    pair[0].ask()
    clock.advance(WINDOW)
    store.is_away = False
    store.empty()  # so that it knows of one process only
    assert pair[0].use() == REQUESTS // 2


def test_data_that_was_lost_between_two_tries_is_noticed(pair, store, clock, caplog):
    first, second = pair
    assert first.use() == REQUESTS
    store.empty()
    clock.advance(2)
    assert (second.use(), first.use()) == (0, 0)
    assert "unavailable (data lost)" in caplog.text
    clock.advance(WINDOW)
    assert first.use() + second.use() == REQUESTS


def test_a_closure_reaches_the_others_and_outlives_an_absence(pair, store, clock):
    first, second = pair
    first.close_for(30)
    assert second.ask() == pytest.approx(30)
    clock.advance(5)
    store.is_away = True
    first.close_for(60)
    assert first.ask() == pytest.approx(60)
    store.is_away = False
    store.empty()
    clock.advance(2)
    first.ask()
    assert second.left.closed_for == 58


def test_a_share_of_nothing_waits_until_the_store_is_trusted(pair, store, clock):
    single = Limit.of("single", 1, WINDOW)
    store.is_away = True
    assert [process.ask(single) for process in pair] == [1.0, 1.0]
    store.is_away = False
    clock.advance(1)
    assert pair[0].ask(single) == pytest.approx(WINDOW + 3)
    clock.advance(WINDOW + 3)
    assert pair[0].spare(pair[0].windows([single])) == 1
    assert isinstance(pair[0].ask(single), Slot)


def test_a_loss_is_told_once_and_the_store_asked_once_a_second(pair, store, clock, caplog):
    caplog.set_level(logging.INFO, "codegen_ext")
    store.is_away, before = True, store.asked
    for _ in range(50):
        pair[0].ask()
        clock.advance(0.1)
    assert store.asked - before == 5
    store.is_away = False
    pair[0].ask(), pair[0].ask()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "unavailable (ConnectionError): until they are back this process uses 1/2 of each" in caplog.text


def test_what_is_left_is_known_without_asking(pair, store):
    process = pair[0]
    own = process.windows([LIMIT])
    assert process.spare(own) == 1
    for _ in range(6):
        process.ask()
    asked = store.asked
    assert (process.spare(own), store.asked) == (0.25, asked)
    store.is_away = True
    process.ask()
    assert process.spare(own) == 0


def test_in_a_queue_only_the_first_tries_and_those_without_hope_are_told(store, clock):
    process = Process(store, clock)
    (window,) = process.windows([Limit.of("two", 2, 10)])
    now = process.now()
    requests = [process.join((window,), deadline and now + micro(deadline)) for deadline in (None, 25, 18, None)]
    signals = [Signal() for _ in requests]
    looks = [process.poll(*pair) for pair in zip(requests, signals, strict=True)]
    assert looks == [(0, True), (0, False), (micro(10), False), (micro(10), False)]
    process.close(window, micro(9))
    assert process.attempt(requests[0]) == micro(9)
    assert [signal.is_given for signal in signals] == [False, False, True, False]
    assert process.poll(requests[2], signals[2]) == (micro(19), False)


class Fleet(RuleBasedStateMachine):
    """Three processes whose store goes, comes back, and forgets; all together never exceed the limit."""

    @initialize()
    def begin(self):
        self.clock = FakeClock()
        self.store = ModelStore(lambda: micro(self.clock.monotonic() + 1_000_000))
        self.processes = [Process(self.store, self.clock) for _ in range(3)]
        self.went = []
        for process in self.processes * 2:
            process.ask(OTHER)

    @rule(which=st.integers(0, 2), number=st.integers(1, REQUESTS + 1))
    def use(self, which, number):
        for _ in range(number):
            if isinstance(self.processes[which].ask(), Slot):
                self.went.append(self.clock.monotonic())

    @rule(seconds=st.integers(1, 12))
    def pass_time(self, seconds):
        for _ in range(seconds):
            self.clock.advance(1)
            for process in self.processes:
                process.ask(OTHER)

    @rule()
    def go_away(self):
        self.store.is_away = True

    @precondition(lambda self: self.store.is_away)
    @rule(empty=st.booleans())
    def come_back(self, empty):
        self.store.is_away = False
        if empty:
            self.store.empty()

    @precondition(lambda self: not self.store.is_away)
    @rule()
    def forget(self):
        self.store.empty()

    @invariant()
    def never_more_than_the_limit(self):
        for start in self.went[-40:]:
            assert sum(start <= moment < start + WINDOW for moment in self.went) <= REQUESTS


TestFleet = Fleet.TestCase
TestFleet.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
