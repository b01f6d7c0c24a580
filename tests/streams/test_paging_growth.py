"""Reading a list that changes meanwhile, by any amount: nothing twice, nothing left out."""

from types import SimpleNamespace
from typing import Any

from codegen_api.operations import GET_USERS, LIST_AGENT_RUNS
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen_ext import paging
from codegen_ext.testing import FakeClock

from ..support.driving import answer, drive, page


class Changing:
    """A list of which `change(items, request number)` makes another before each answer."""

    def __init__(self, count: int, change: Any) -> None:
        self.items = [SimpleNamespace(id=number) for number in range(count, 0, -1)]
        self.change = change
        self.requests = 0

    def __call__(self, effect: Any) -> Any:
        self.change(self.items, self.requests)
        self.requests += 1
        skip, limit = effect.arguments["skip"], effect.arguments["limit"]
        return answer(page(self.items[skip : skip + limit], len(self.items)))


def arrive(items: list[Any], count: int) -> None:
    newest = max(item.id for item in items)
    items[:0] = [SimpleNamespace(id=newest + number) for number in range(count, 0, -1)]


@settings(max_examples=50)
@given(st.integers(1, 1500), st.lists(st.integers(0, 1500), max_size=6))
def test_runs_that_arrive_in_any_number_repeat_and_hide_nothing(count: int, arrivals: list[int]) -> None:
    listing = Changing(count, lambda items, turn: arrive(items, arrivals[turn - 1]) if 0 < turn <= len(arrivals) else 0)
    there = [item.id for item in listing.items]
    emitted, _, _ = drive(paging.items(LIST_AGENT_RUNS, {}), listing, FakeClock())
    found = [item.id for item in emitted]
    assert len(found) == len(set(found))
    assert [one for one in found if one <= count] == there


@given(st.integers(1, 600), st.lists(st.integers(0, 120), max_size=6))
def test_items_that_are_appended_are_found_too(count: int, arrivals: list[int]) -> None:
    def append(items: list[Any], turn: int) -> None:
        there = len(items)
        if 0 < turn <= len(arrivals):
            items.extend(SimpleNamespace(id=-there - number) for number in range(arrivals[turn - 1]))

    listing = Changing(count, append)
    emitted, _, _ = drive(paging.items(GET_USERS, {}), listing, FakeClock())
    assert [item.id for item in emitted][:count] == list(range(count, 0, -1))
    assert len({item.id for item in emitted}) == len(emitted)


def test_a_list_that_grew_at_its_end_by_more_than_is_remembered_has_no_gap() -> None:
    listing = Changing(1500, lambda items, turn: None)

    def append(items: list[Any], turn: int) -> None:
        if turn == 12:
            items.extend(SimpleNamespace(id=-number) for number in range(3000))

    listing.change = append
    emitted, _, _ = drive(paging.items(GET_USERS, {}), listing, FakeClock())
    assert [item.id for item in emitted] == [item.id for item in listing.items]


@given(st.integers(150, 600), st.lists(st.integers(0, 60), max_size=4))
def test_items_that_vanish_pull_no_others_out_of_sight(count: int, removals: list[int]) -> None:
    def vanish(items: list[Any], turn: int) -> None:
        if 0 < turn <= len(removals):
            del items[: removals[turn - 1]]

    listing = Changing(count, vanish)
    emitted, _, _ = drive(paging.items(GET_USERS, {}), listing, FakeClock())
    found = [item.id for item in emitted]
    assert len(found) == len(set(found))
    assert {item.id for item in listing.items} <= set(found)
