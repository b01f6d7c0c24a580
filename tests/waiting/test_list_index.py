"""Positions in a list of any ids, also while runs arrive and vanish."""

import random

from hypothesis import given
from hypothesis import strategies as st

from codegen_ext.list_index import PAGE_SIZE, ListIndex


def read_all(ids, wanted, changes=None):
    """Read every wanted run once, alone where a page does not show it; return the number of requests."""
    index, listed, left, requests = ListIndex(), sorted(ids, reverse=True), sorted(wanted), 0
    skip = 0
    while left:
        asked = left[-1]
        if changes is not None:
            for _ in range(changes.randrange(4)):
                listed.insert(0, listed[0] + changes.randint(1, 3))
            if changes.random() < 0.1 and len(listed) > 1:
                listed.pop(changes.randrange(len(listed)))
        page = listed[skip : skip + PAGE_SIZE]
        index.learn(skip, page, len(listed), set(left))
        requests += 1 if asked in page or not index.total else 2
        left = [run_id for run_id in left if run_id not in page and run_id != asked]
        if left:
            skip, count = index.best_page(left[-1], dict.fromkeys(left, 1.0))
            assert 1 <= count <= len(left)
            assert skip >= 0
    return requests


@given(st.sets(st.integers(1, 1500), min_size=2, max_size=600), st.integers(0, 1000), st.floats(0.01, 1), st.booleans())
def test_every_run_is_read_and_never_at_more_than_twice_the_cost_of_single_reads(ids, seed, share, changes):
    chance = random.Random(seed)
    wanted = [run_id for run_id in sorted(ids) if chance.random() < share] or [min(ids)]
    assert read_all(list(ids), wanted, chance if changes else None) <= 2 * len(wanted) + 1
