"""Which request is chosen for any set of runs in any list, also while runs arrive and where ids have gaps."""

import random

from codegen_api.operations import LIST_AGENT_RUNS
from codegen_ext.watching.budget import Budget
from codegen_ext.watching.plan import GetRun, Layout, ListRuns, choose
from hypothesis import given
from hypothesis import strategies as st

ORG = 323


class Listing:
    """An organisation's list, newest first, of which pages are asked."""

    def __init__(self, ids: list[int], chance: random.Random | None = None) -> None:
        self.ids = sorted(ids, reverse=True)
        self.chance = chance

    def page(self, skip: int) -> list[int]:
        if self.chance is not None:
            for _ in range(self.chance.randrange(4)):
                self.ids.insert(0, self.ids[0] + self.chance.randint(1, 3))
        return self.ids[skip : skip + 100]


def read_all(listing: Listing, wanted: list[int], layout: Layout) -> tuple[int, int]:
    """Read every wanted run once, as the watcher would; return how many pages and how many single runs that took."""
    pages = singles = 0
    left = sorted(wanted)
    while left:
        action = choose(ORG, left[-1], left, layout)
        if isinstance(action, GetRun):
            assert action == (ORG, left[-1])
            singles += 1
            left.pop()
            continue
        pages += 1
        shown = listing.page(action.skip)
        layout.learn(action.skip, shown, len(listing.ids), set(left))
        found = [run_id for run_id in left if run_id in shown]
        if left[-1] not in shown:
            singles += 1
            left.pop()
        left = [run_id for run_id in left if run_id not in found]
    return pages, singles


@given(
    gaps=st.lists(st.integers(1, 5), min_size=2, max_size=600),
    seed=st.integers(0, 1000),
    share=st.floats(0.01, 1),
    arrivals=st.booleans(),
)
def test_every_run_is_read_and_never_at_twice_the_cost_of_single_reads(
    gaps: list[int], seed: int, share: float, arrivals: bool
) -> None:
    chance = random.Random(seed)
    ids, last = [], 0
    for gap in gaps:
        last += gap
        ids.append(last)
    wanted = [run_id for run_id in ids if chance.random() < share] or [ids[0]]
    layout = Layout()
    pages, singles = read_all(Listing(ids, chance if arrivals else None), wanted, layout)
    assert pages + singles <= 2 * len(wanted)
    if len(wanted) == 1:
        assert (pages, singles) == (0, 1)


@given(st.integers(2, 700), st.integers(0, 500))
def test_runs_that_stand_together_cost_a_request_for_each_hundred(count: int, newer: int) -> None:
    ids = list(range(1, count + newer + 1))
    listing, layout, wanted = Listing(ids), Layout(), list(range(1, count + 1))
    layout.learn(0, listing.page(0), len(ids), set(wanted))
    pages, singles = read_all(listing, wanted, layout)
    assert pages + singles == -(-count // 100)


@given(st.lists(st.integers(1, 9), min_size=150, max_size=400), st.integers(0, 300))
def test_a_place_that_was_seen_once_stays_known_while_runs_arrive(gaps: list[int], arrivals: int) -> None:
    ids = [sum(gaps[: index + 1]) for index in range(len(gaps))]
    listing, layout = Listing(ids), Layout()
    shown = listing.page(20)
    layout.learn(20, shown, len(ids), set(shown))
    listing.ids[:0] = range(listing.ids[0] + arrivals, listing.ids[0], -1)
    layout.learn(0, listing.page(0), len(listing.ids), set())
    for run_id in shown:
        assert listing.ids[layout.place(run_id, listing.ids[0])] == run_id


def test_one_wanted_run_among_many_others_is_read_alone() -> None:
    layout = Layout()
    layout.learn(0, list(range(1000, 900, -1)), 1000, {950})
    assert choose(ORG, 950, [950], layout) == GetRun(ORG, 950)
    assert choose(ORG, 950, [5, 950], layout) == GetRun(ORG, 950)
    assert choose(ORG, 950, [940, 950], layout) == ListRuns(ORG, 50)


def test_of_the_pages_that_show_a_run_the_one_that_is_worth_most_is_read() -> None:
    layout = Layout()
    wanted = list(range(801, 1001))
    layout.learn(0, list(range(1000, 900, -1)), 1000, set(wanted))
    layout.learn(100, list(range(900, 800, -1)), 1000, set(wanted))
    stale = {run_id: 1.0 if run_id <= 900 else 0.0 for run_id in wanted}
    assert choose(ORG, 900, wanted, layout, stale.__getitem__) == ListRuns(ORG, 100)


@given(st.lists(st.tuples(st.floats(0, 2), st.sampled_from(["run", "page", "spare"])), max_size=200))
def test_no_window_of_the_limit_sees_more_than_two_thirds_of_it_used(asks: list[tuple[float, str]]) -> None:
    limit = LIST_AGENT_RUNS.rate_limit
    budget, now = Budget(limit), 0.0
    taken: list[tuple[float, str]] = []
    for pause, kind in asks:
        now += pause
        if kind == "spare":
            if budget.take_spare(now):
                taken.append((now, kind))
            continue
        while wait := budget.take(now, page=kind == "page"):
            now += wait
        taken.append((now, kind))
    for start, _ in taken:
        window = [kind for moment, kind in taken if start <= moment < start + limit.seconds]
        assert len(window) <= limit.requests * 2 / 3
        assert window.count("page") <= limit.requests / 2


def test_what_is_spare_leaves_half_of_what_there_is() -> None:
    budget = Budget(LIST_AGENT_RUNS.rate_limit)
    spare = sum(budget.take_spare(0.0) for _ in range(60))
    needed = 0
    while not budget.take(0.0):
        needed += 1
    assert (spare, needed) == (5, 5)
