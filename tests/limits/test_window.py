"""Windows in memory against a model that tries every moment, for random arrivals, cancellations and closures."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from codegen_ext.rate_limits.window import Limit, Slot, Windows
from codegen_ext.testing import FakeClock

from ..support.waiting import in_child


class Signal:
    """Notes that it was given; `is_dead` is one that nobody hears."""

    def __init__(self, is_dead=False):
        self.is_given = False
        self.is_dead = is_dead

    def wake(self):
        self.is_given = True
        return not self.is_dead


class Simulation(Windows):
    """Windows whose clock shows the microsecond that the test says."""

    def __init__(self):
        super().__init__(FakeClock())
        self.moment = 0

    def now(self):
        return self.moment


def fits(times, limit):
    """Whether no window, whose end does not belong to it, has too many."""
    return all(sum(start <= time < start + limit.window for time in times) <= limit.requests for start in times)


class Caller:
    """A request of the simulation: it looks when it is told to, or at the time that it was told."""

    def __init__(self, windows, limits, deadline=None):
        self.windows = windows
        self.limits = tuple(limits)
        self.waiting = windows.join(windows.windows(self.limits), deadline)
        self.bound = self.look()

    def look(self):
        self.signal = Signal()
        wait, is_first = self.windows.poll(self.waiting, self.signal)
        if is_first:
            wait = self.windows.attempt(self.waiting)
        self.due = self.windows.moment + wait if is_first else None
        return wait

    def has_to_look(self):
        return self.signal.is_given or (self.due is not None and self.due <= self.windows.moment)


class Model:
    """The rule in its plainest form: at every moment the first of each group goes if it fits, the oldest first."""

    def __init__(self):
        self.went = {}
        self.closed = {}
        self.lines = {}

    def may_go(self, caller, now):
        return all(
            self.closed.get(limit, now) <= now
            and sum(time > now - limit.window for time in self.went.get(limit, ())) < limit.requests
            for limit in caller.limits
        )

    def step(self, now, order):
        gone = []
        while heads := [line[0] for line in self.lines.values() if line and self.may_go(line[0], now)]:
            first = min(heads, key=order.index)
            self.lines[first.limits[0]].remove(first)
            for limit in first.limits:
                self.went.setdefault(limit, []).append(now)
            gone.append(first)
        return gone


def check_against_the_model(seed):
    chance = random.Random(seed)
    groups = [Limit(name, chance.randint(1, 4), chance.randint(1, 15)) for name in "abc"]
    cap = Limit("cap", chance.randint(1, 5), chance.randint(1, 15))
    windows, model = Simulation(), Model()
    order = []
    waiting = []
    for now in range(60):
        windows.moment = now
        if chance.random() < 0.08:
            limit, period = chance.choice([*groups, cap]), chance.randint(1, 12)
            model.closed[limit] = max(now + period, model.closed.get(limit, 0))
            windows.close(*windows.windows([limit]), period)
        for caller in [caller for caller in waiting if chance.random() < 0.04]:
            windows.leave(caller.waiting)
            waiting.remove(caller)
            model.lines[caller.limits[0]].remove(caller)
        gone = []
        for _ in range(chance.choice((0, 0, 1, 1, 2, 6))):
            limits = [chance.choice(groups), *([cap] if seed % 4 else [])]
            if windows.take(windows.windows(limits)) is not None:
                assert all(caller.waiting.slot for caller in waiting)  # or it would overtake
                for limit in limits:
                    model.went.setdefault(limit, []).append(now)
                continue
            caller = Caller(windows, limits)
            order.append(caller)
            waiting.append(caller)
            model.lines.setdefault(limits[0], []).append(caller)
            gone += model.step(now, order)
        while looking := [caller for caller in waiting if caller.waiting.slot or caller.has_to_look()]:
            caller = chance.choice(looking)
            if caller.look() == 0:
                waiting.remove(caller)
        gone += model.step(now, order)
        went = {caller for caller in order if caller.waiting.slot is not None and caller.waiting.slot.time == now}
        assert went == set(gone)
        assert all(fits(times, limit) for limit, times in model.went.items())


@pytest.mark.parametrize("seeds", [range(60), pytest.param(range(60, 500), marks=pytest.mark.slow)], ids=str)
def test_requests_go_exactly_when_the_model_says(seeds):
    for seed in seeds:
        check_against_the_model(seed)


@pytest.mark.parametrize("seed", range(10))
def test_the_wait_that_is_told_at_arrival_is_the_real_one_or_less(seed):
    chance = random.Random(seed)
    groups = [Limit(name, chance.randint(1, 3), chance.randint(2, 12)) for name in "ab"]
    cap = [Limit("cap", chance.randint(1, 4), chance.randint(2, 12))] if seed % 2 else []
    windows = Simulation()
    callers = [Caller(windows, [chance.choice(groups), *cap]) for _ in range(20)]
    while waiting := [caller for caller in callers if caller.waiting.slot is None]:
        while looking := [caller for caller in waiting if caller.waiting.slot is None and caller.has_to_look()]:
            looking[0].look()
        windows.moment += 1
    for caller in callers:
        assert caller.waiting.slot is not None
        assert caller.bound <= caller.waiting.slot.time if cap else caller.bound == caller.waiting.slot.time


LIMIT = Limit("group", 1, 10)


@pytest.fixture
def used():
    """Windows whose limit is used up."""
    windows = Simulation()
    own = windows.windows([LIMIT])
    assert windows.take(own) == Slot(own, 0)
    return windows


def test_a_slot_that_is_given_back_is_free_for_the_next(used):
    cancelled, second = Caller(used, [LIMIT]), Caller(used, [LIMIT])
    used.moment = 10
    assert cancelled.look() == 0
    second.signal.is_given = False
    used.leave(cancelled.waiting)  # its task was cancelled before it ran
    assert second.signal.is_given
    assert second.look() == 0


@pytest.mark.parametrize("leaves", [False, True])
def test_a_request_whose_loop_has_ended_takes_no_slot_and_holds_up_none(used, leaves):
    first, dead, alive = Caller(used, [LIMIT]), Caller(used, [LIMIT]), Caller(used, [LIMIT])
    dead.waiting.signal = Signal(is_dead=True)
    used.moment = 10
    if leaves:
        used.leave(first.waiting)
    else:
        first.waiting.signal = Signal(is_dead=True)
        used.attempt(first.waiting)
    assert alive.signal.is_given
    assert alive.look() == 0


def test_a_closure_wakes_those_that_cannot_wait_so_long(used):
    callers = [Caller(used, [LIMIT], deadline) for deadline in (25, None, 300, 45)]
    used.close(*used.windows([LIMIT]), 30)
    assert [caller.signal.is_given for caller in callers] == [True, False, False, True]
    assert callers[0].look() == 30


def test_a_forked_child_waits_neither_for_a_lock_of_its_parent_nor_behind_its_requests(used):
    waiting, own = Caller(used, [LIMIT]).waiting, used.windows([LIMIT])

    def ask():
        used.moment = 9
        is_kept = used.take(own) is None
        used.moment = 10
        is_free = used.take(own) is not None
        used.leave(waiting)
        return is_kept and is_free

    with ThreadPoolExecutor(1) as pool:
        pool.submit(used._mutex.acquire).result()
        assert in_child(ask) == 0
        pool.submit(used._mutex.release).result()
