"""Windows in memory against a model that tries every moment, for random arrivals, cancellations and closures."""

import random
from collections.abc import Sequence

import pytest

from codegen_ext.rate_limits.window import Limit, QueuedRequest, Slot, Usage, Window, Windows, record


class Signal:
    """Notes that it was given; `is_dead` is one that nobody hears."""

    def __init__(self, is_dead: bool = False) -> None:
        self.is_given = False
        self.is_dead = is_dead

    def wake(self) -> bool:
        self.is_given = True
        return not self.is_dead


def fits(times: Sequence[int], limit: Limit) -> bool:
    """Whether no window, whose end does not belong to it, has too many."""
    return all(sum(start <= time < start + limit.window for time in times) <= limit.requests for start in times)


class Caller:
    """A request of the simulation: it looks when it is told to, or at the time that it was told."""

    def __init__(self, windows: Windows, limits: Sequence[Limit], now: int, deadline: int | None = None) -> None:
        self.windows = windows
        self.limits = tuple(limits)
        self.waiting = windows.join(windows.windows(limits), deadline)
        self.bound = self.look(now)

    def look(self, now: int) -> int:
        self.signal = Signal()
        wait, is_first = self.windows.poll(self.waiting, self.signal, now)
        self.due = now + wait if is_first else None
        return wait

    def has_to_look(self, now: int) -> bool:
        return self.signal.is_given or (self.due is not None and self.due <= now)


class Model:
    """The rule in its plainest form: at every moment the first of each group goes if it fits, the oldest first."""

    def __init__(self) -> None:
        self.went: dict[Limit, list[int]] = {}
        self.closed: dict[Limit, int] = {}
        self.lines: dict[Limit, list[Caller]] = {}

    def may_go(self, caller: Caller, now: int) -> bool:
        return all(
            self.closed.get(limit, now) <= now
            and sum(time > now - limit.window for time in self.went.get(limit, ())) < limit.requests
            for limit in caller.limits
        )

    def step(self, now: int, order: list[Caller]) -> list[Caller]:
        gone = []
        while True:
            heads = [line[0] for line in self.lines.values() if line and self.may_go(line[0], now)]
            if not heads:
                return gone
            first = min(heads, key=order.index)
            self.lines[first.limits[0]].remove(first)
            for limit in first.limits:
                self.went.setdefault(limit, []).append(now)
            gone.append(first)


@pytest.mark.parametrize("seed", range(500))
def test_requests_go_exactly_when_the_model_says(seed: int) -> None:
    chance = random.Random(seed)
    groups = [Limit(name, chance.randint(1, 4), chance.randint(1, 15)) for name in "abc"]
    cap = Limit("cap", chance.randint(1, 5), chance.randint(1, 15))
    is_capped = seed % 4 != 0
    windows, model = Windows(), Model()
    order: list[Caller] = []
    waiting: list[Caller] = []
    for now in range(60):
        if chance.random() < 0.08:
            limit, until = chance.choice([*groups, cap]), now + chance.randint(1, 12)
            model.closed[limit] = max(until, model.closed.get(limit, 0))
            windows.close(*windows.windows([limit]), until, now)
        for caller in [caller for caller in waiting if chance.random() < 0.04]:
            windows.leave(caller.waiting)
            waiting.remove(caller)
            model.lines[caller.limits[0]].remove(caller)
        gone = []
        for _ in range(chance.choice((0, 0, 1, 1, 2, 6))):
            limits = [chance.choice(groups), *([cap] if is_capped else [])]
            slot = windows.take(windows.windows(limits), now)
            if slot is not None:
                assert all(caller.waiting.slot for caller in waiting)  # or it would overtake
                for limit in limits:
                    model.went.setdefault(limit, []).append(now)
                continue
            caller = Caller(windows, limits, now)
            order.append(caller)
            waiting.append(caller)
            model.lines.setdefault(limits[0], []).append(caller)
            gone += model.step(now, order)
        while looking := [caller for caller in waiting if caller.waiting.slot or caller.has_to_look(now)]:
            caller = chance.choice(looking)
            if caller.look(now) == 0:
                waiting.remove(caller)
        gone += model.step(now, order)
        went = {caller for caller in order if caller.waiting.slot is not None and caller.waiting.slot.time == now}
        assert went == set(gone)
        assert all(fits(times, limit) for limit, times in model.went.items())


@pytest.mark.parametrize("seed", range(50))
def test_the_wait_that_is_told_at_arrival_is_the_real_one_or_less(seed: int) -> None:
    chance = random.Random(seed)
    groups = [Limit(name, chance.randint(1, 3), chance.randint(2, 12)) for name in "ab"]
    cap = [Limit("cap", chance.randint(1, 4), chance.randint(2, 12))] if seed % 2 else []
    windows = Windows()
    callers = [Caller(windows, [chance.choice(groups), *cap], 0) for _ in range(20)]
    for now in range(1_000):
        while looking := [caller for caller in callers if caller.has_to_look(now) and caller.waiting.slot is None]:
            looking[0].look(now)
    for caller in callers:
        assert caller.waiting.slot is not None
        assert caller.bound <= caller.waiting.slot.time if cap else caller.bound == caller.waiting.slot.time


LIMIT = Limit("group", 1, 10)


def test_a_slot_that_is_given_back_is_free_for_the_next() -> None:
    windows = Windows()
    window = windows.windows([LIMIT])
    assert windows.take(window, 0) == Slot(window, 0)
    cancelled, second = (Caller(windows, [LIMIT], 0) for _ in range(2))
    assert cancelled.look(10) == 0
    second.signal.is_given = False
    windows.leave(cancelled.waiting)  # its task was cancelled before it ran
    assert second.signal.is_given
    assert second.look(10) == 0


def test_a_request_whose_loop_has_ended_takes_no_slot() -> None:
    windows = Windows()
    windows.take(windows.windows([LIMIT]), 0)
    dead, alive = (Caller(windows, [LIMIT], 0) for _ in range(2))
    dead.waiting.signal = Signal(is_dead=True)
    assert alive.look(10) == 0


def test_a_closure_wakes_those_that_cannot_wait_so_long() -> None:
    windows = Windows()
    window = windows.windows([LIMIT])
    windows.take(window, 0)
    callers = [Caller(windows, [LIMIT], 0, deadline) for deadline in (25, None, 300, 45)]
    windows.close(window[0], 30, 0)
    assert [caller.signal.is_given for caller in callers] == [True, False, False, True]
    assert callers[0].look(0) == 30


def test_a_request_that_goes_late_makes_room_later() -> None:
    windows = Windows()
    window = windows.windows([LIMIT, Limit("cap", 5, 30)])
    slot = windows.take(window, 0)
    assert slot is not None
    windows.move(slot, 4)
    assert windows.take(window, 13) is None
    assert windows.take(window, 14) is not None
    assert list(window[1].times) == [4, 14]


def test_a_time_before_the_last_one_counts_as_the_last_one() -> None:
    windows = tuple(Window(Limit(name, 5, 10)) for name in "ab")
    record(windows[:1], 7)
    assert record(windows, 5).time == 7  # another thread read the clock earlier and came later
    assert [list(window.times) for window in windows] == [[7, 7], [7]]


@pytest.mark.parametrize(
    ("requests", "times", "closed", "waiting", "usage"),
    [
        (3, [], None, 0, (3, 0, 0)),
        (3, [92, 95], None, 0, (1, 2, 0)),
        (3, [90, 95], None, 0, (2, 5, 0)),
        (2, [92, 95], None, 0, (0, 2, 0)),
        (2, [92, 95], None, 1, (0, 5, 0)),
        (2, [92], 130, 0, (0, 30, 30)),
    ],
)
def test_usage(requests: int, times: list[int], closed: int | None, waiting: int, usage: tuple[int, ...]) -> None:
    window = Window(Limit("group", requests, 10), times)
    if closed is not None:
        window.closed = closed
    remaining, reset, closed_for = usage
    assert window.usage(100, window.wait(100, waiting), window.closed) == Usage(
        remaining, requests, reset / 1e6, closed_for / 1e6
    )


def test_limits_of_other_windows_have_other_names() -> None:
    assert len({Limit.of(group, 5, seconds).name for group in "ab" for seconds in (1, 1.5)}) == 4
    assert Limit.of("a", 5, 1.5) == ("a:1500000", 5, 1_500_000)


def test_those_that_wait_in_the_parent_do_not_wait_in_a_forked_child() -> None:
    windows = Windows()
    window = windows.windows([LIMIT])
    windows.take(window, 0)
    waiting = Caller(windows, [LIMIT], 0).waiting
    windows._mutex.acquire()  # as another thread of the parent may
    windows.after_fork()
    windows.leave(waiting)
    assert windows.take(window, 9) is None
    assert windows.take(window, 10) is not None


def test_waiting_misses_deadline_beyond_the_deadline() -> None:
    waiting = QueuedRequest((Window(LIMIT),), 20, 0)
    assert [waiting.misses_deadline(10, wait) for wait in (10, 11)] == [False, True]
