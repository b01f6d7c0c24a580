"""What a process does while the store that it shares is there, is unavailable, and is back."""

import logging
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from codegen_ext.rate_limits.local_share import QueueEntry, RequestQueue
from codegen_ext.rate_limits.shared import SharedSlot, SharedWindows
from codegen_ext.rate_limits.window import SECOND, Limit, micro
from codegen_ext.testing import FakeClock

from .model import ModelStore

REQUESTS, WINDOW = 8, 10
LIMIT = Limit.of("group", REQUESTS, WINDOW)
OTHER = Limit.of("other", 1_000, 1)


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
def store(clock: FakeClock) -> ModelStore:
    return ModelStore(lambda: micro(clock.monotonic() + 1_000_000))


class Process:
    """One of the processes that share a store."""

    def __init__(self, store: ModelStore, clock: FakeClock, peers: int = 1) -> None:
        self.windows = SharedWindows(store, "scope", peers)
        self.clock = clock

    def attempt(self, *limits: Limit) -> int | SharedSlot:
        return self.windows.attempt(QueueEntry(None), limits or (LIMIT,), self.clock)

    def wait(self, *limits: Limit) -> float:
        """Return how long a request has to wait, 0 when it went."""
        outcome = self.attempt(*limits)
        return 0 if isinstance(outcome, SharedSlot) else outcome / SECOND

    def use(self) -> int:
        """Send as many requests as may go."""
        used = 0
        while not self.wait():
            used += 1
        return used

    @property
    def usage(self) -> Any:
        return self.windows.usage([LIMIT], self.clock)[0]

    def close_for(self, seconds: float) -> None:
        self.windows.close_for(LIMIT, micro(seconds), self.clock)


@pytest.fixture
def pair(store: ModelStore, clock: FakeClock) -> tuple[Process, Process]:
    """Two processes that know of one another."""
    first, second = Process(store, clock), Process(store, clock)
    for process in (first, second, first):
        assert process.wait(OTHER) == 0
    return first, second


def test_processes_share_what_there_is(pair: tuple[Process, Process]) -> None:
    first, second = pair
    assert first.wait() == 0
    assert (second.use(), first.use()) == (REQUESTS - 1, 0)
    assert first.usage.remaining == 0


def test_the_moment_of_a_loss_counts_as_a_used_window_and_then_each_has_its_share(
    pair: tuple[Process, Process], store: ModelStore, clock: FakeClock
) -> None:
    first, second = pair
    assert first.use() == REQUESTS
    clock.advance(WINDOW)
    store.is_away = True
    assert (first.use(), second.use()) == (0, 0)
    assert (first.usage.remaining, first.usage.limit, first.usage.reset_time) == (0, REQUESTS, WINDOW)
    clock.advance(WINDOW)
    assert (first.use(), second.use()) == (REQUESTS // 2, REQUESTS // 2)


def test_a_process_that_is_alone_goes_on(store: ModelStore, clock: FakeClock) -> None:
    process = Process(store, clock)
    assert [process.wait() for _ in range(3)] == [0, 0, 0]
    store.is_away = True
    assert process.use() == REQUESTS - 3


@pytest.mark.parametrize(("peers", "most"), [(1, REQUESTS), (2, REQUESTS // 2), (3, REQUESTS // 3), (REQUESTS + 1, 0)])
def test_a_process_that_never_saw_the_store_divides_by_the_setting(
    peers: int, most: int, store: ModelStore, clock: FakeClock
) -> None:
    store.is_away = True
    process = Process(store, clock, peers)
    assert process.use() == most
    assert process.usage.remaining == 0


def test_a_store_that_comes_back_learns_what_went_and_is_trusted_after_a_window(
    pair: tuple[Process, Process], store: ModelStore, clock: FakeClock
) -> None:
    first, second = pair
    store.is_away = True
    first.wait(), second.wait()
    clock.advance(WINDOW)
    assert (first.use(), second.use()) == (REQUESTS // 2, REQUESTS // 2)
    store.is_away = False
    store.empty()
    clock.advance(1.5)
    # Neither exceeds its share, though the store seems empty, for one that has not come back yet is not in it.
    assert first.use() == 0
    assert store.usage("scope", [LIMIT])[0].remaining == REQUESTS // 2
    assert second.use() == 0
    assert store.usage("scope", [LIMIT])[0].remaining == 0
    clock.advance(WINDOW + 3)
    assert first.use() + second.use() == REQUESTS
    assert second.use() == 0


def test_a_store_that_lost_its_data_between_two_tries_is_noticed(
    pair: tuple[Process, Process], store: ModelStore, clock: FakeClock
) -> None:
    first, second = pair
    assert first.use() == REQUESTS
    store.empty()
    clock.advance(2)
    assert (second.use(), first.use()) == (0, 0)
    clock.advance(WINDOW)
    assert first.use() + second.use() == REQUESTS


def test_a_closure_reaches_the_others_and_outlives_an_absence(
    pair: tuple[Process, Process], store: ModelStore, clock: FakeClock
) -> None:
    first, second = pair
    first.close_for(30)
    assert second.wait() == pytest.approx(30)
    clock.advance(5)
    store.is_away = True
    first.close_for(60)
    assert first.wait() == pytest.approx(60)
    store.is_away = False
    store.empty()
    clock.advance(2)
    first.wait()
    assert store.usage("scope", [LIMIT])[0].closed_for == 58


def test_a_slot_that_is_given_back_is_free_for_the_others(pair: tuple[Process, Process]) -> None:
    first, second = pair
    slots = [first.attempt() for _ in range(REQUESTS)]
    assert second.wait() > 0
    assert isinstance(slots[3], SharedSlot)
    first.windows.give_back(slots[3])
    assert second.wait() == 0


def test_a_request_that_left_while_the_store_was_asked_gives_its_slot_back(pair: tuple[Process, Process]) -> None:
    first, second = pair
    entry = QueueEntry(None)
    entry.is_left = True
    first.windows.attempt(entry, (LIMIT,), first.clock)
    assert second.use() == REQUESTS


def test_a_request_that_went_late_counts_from_then(
    pair: tuple[Process, Process], store: ModelStore, clock: FakeClock
) -> None:
    first, second = pair
    slots = [first.attempt() for _ in range(REQUESTS)]
    clock.advance(4)
    assert isinstance(slots[0], SharedSlot)
    first.windows.move(slots[0], micro(clock.monotonic() - 1), clock)
    clock.advance(WINDOW - 4)
    assert second.use() == REQUESTS - 1
    assert second.wait() == pytest.approx(3)


def test_a_share_of_nothing_waits_until_the_store_can_be_trusted_again(
    pair: tuple[Process, Process], store: ModelStore, clock: FakeClock
) -> None:
    single = Limit.of("single", 1, WINDOW)
    store.is_away = True
    assert [process.wait(single) for process in pair] == [1.0, 1.0]
    store.is_away = False
    clock.advance(1)
    assert pair[0].wait(single) == pytest.approx(WINDOW + 3)
    clock.advance(WINDOW + 3)
    assert pair[0].wait(single) == 0


def test_it_warns_once_and_says_when_it_is_over(
    pair: tuple[Process, Process], store: ModelStore, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "codegen_ext")
    first, _ = pair
    store.is_away = True
    for _ in range(30):
        first.wait()
        clock.advance(1)
    store.is_away = False
    first.wait(), first.wait()
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        (
            "WARNING",
            "the shared rate limits are unavailable (ConnectionError):"
            " until they are back this process uses 1/2 of each",
        ),
        ("INFO", "the shared rate limits are available again"),
    ]


def test_a_store_that_is_unavailable_is_asked_once_a_second(store: ModelStore, clock: FakeClock) -> None:
    store.is_away = True
    process = Process(store, clock)
    for _ in range(50):
        process.wait()
        clock.advance(0.1)
    assert store.asked == 5


def test_several_stores_behind_one_address_count_as_unavailable(
    pair: tuple[Process, Process], store: ModelStore, caplog: pytest.LogCaptureFixture
) -> None:
    attempt = store.attempt

    def another(*args: Any) -> Any:
        store.empty()
        return attempt(*args)

    store.attempt = another  # type: ignore[method-assign]
    assert pair[0].use() == 0
    assert "unavailable" in caplog.text


def test_what_is_left_is_known_without_asking(
    pair: tuple[Process, Process], store: ModelStore, clock: FakeClock
) -> None:
    first, _ = pair
    share = first.windows.share

    def spare() -> float:
        return share.spare(LIMIT, micro(clock.monotonic()))

    assert spare() == 1
    for _ in range(6):
        first.wait()
    asked = store.asked
    assert spare() == 0.25
    assert store.asked == asked
    store.is_away = True
    first.wait()
    assert spare() == 0


def test_in_a_line_only_the_first_tries_and_those_without_hope_are_told() -> None:
    class Signal:
        given = False
        heard = True

        def wake(self) -> bool:
            self.given = True
            return self.heard

    queue = RequestQueue(Limit("group", 2, 10))
    entries = [queue.join(deadline) for deadline in (None, 25, 18, None)]
    signals = [Signal() for _ in entries]
    looks = [queue.poll(entry, signal, 0) for entry, signal in zip(entries, signals, strict=True)]
    assert looks == [(0, True), (0, False), (10, False), (10, False)]
    queue.tell(5, 4)
    assert [signal.given for signal in signals] == [False, False, True, False]
    assert queue.poll(entries[2], signals[2], 5) == (14, False)
    queue.leave(entries[2])
    signals[1].heard = False  # its loop has ended
    queue.leave(entries[0])
    assert [signal.given for signal in signals[1::2]] == [True, True]
    assert queue.poll(entries[3], signals[3], 9) == (0, True)


class Fleet(RuleBasedStateMachine):
    """Three processes whose store goes, comes back, and forgets; all together never exceed the limit."""

    @initialize()
    def begin(self) -> None:
        self.clock = FakeClock()
        self.store = ModelStore(lambda: micro(self.clock.monotonic() + 1_000_000))
        self.processes = [Process(self.store, self.clock) for _ in range(3)]
        self.went: list[float] = []
        for process in self.processes * 2:
            process.wait(OTHER)

    @rule(which=st.integers(0, 2), number=st.integers(1, REQUESTS + 1))
    def use(self, which: int, number: int) -> None:
        self.went += [self.clock.monotonic() for _ in range(number) if self.processes[which].wait() == 0]

    @rule(seconds=st.integers(1, 12))
    def pass_time(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1)
            for process in self.processes:
                process.wait(OTHER)

    @rule()
    def go_away(self) -> None:
        self.store.is_away = True

    @precondition(lambda self: self.store.is_away)
    @rule(empty=st.booleans())
    def come_back(self, empty: bool) -> None:
        self.store.is_away = False
        if empty:
            self.store.empty()

    @precondition(lambda self: not self.store.is_away)
    @rule()
    def forget(self) -> None:
        self.store.empty()

    @invariant()
    def never_more_than_the_limit(self) -> None:
        for start in self.went[-40:]:
            assert sum(start <= moment < start + WINDOW for moment in self.went) <= REQUESTS


TestFleet = Fleet.TestCase
TestFleet.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
