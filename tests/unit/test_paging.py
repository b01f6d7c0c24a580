"""Reading lists page by page, for any size of list and page, also while the list grows."""

from types import SimpleNamespace
from typing import Any

import pytest
from codegen_api.operations import GET_AUDIT_LOG, GET_USER, GET_USERS, LIST_AGENT_RUNS, LIST_SESSIONS, OPERATIONS
from hypothesis import given
from hypothesis import strategies as st

from codegen_ext import paging
from codegen_ext.testing import FakeClock

from ..support.driving import answer, drive, page


class Listing:
    """A list that is served in parts, as the contract says of an operation."""

    def __init__(self, operation: Any, items: list[Any], known_total: bool = True) -> None:
        self.paging = operation.paging
        self.items = items
        self.known_total = known_total
        self.requests: list[tuple[int, int]] = []

    def __call__(self, effect: Any) -> Any:
        start, size = effect.arguments[self.paging.start], effect.arguments[self.paging.size]
        self.requests.append((start, size))
        skip = (start - 1) * size if self.paging.style == "page" else start
        total = len(self.items) if self.known_total else None
        return answer(page(self.items[skip : skip + size], total, self.paging.items, self.paging.total))


def things(count: int) -> list[Any]:
    return [SimpleNamespace(id=number) for number in range(count)]


PAGED = [operation for operation in OPERATIONS.values() if operation.paging]


@pytest.mark.parametrize("operation", PAGED, ids=lambda operation: operation.id)
@given(count=st.integers(0, 60), size=st.integers(1, 25), known_total=st.booleans())
def test_every_item_comes_exactly_once_and_in_order(operation: Any, count: int, size: int, known_total: bool) -> None:
    listing = Listing(operation, things(count), known_total)
    emitted, slept, _ = drive(paging.items(operation, {}, size), listing, FakeClock())
    assert emitted == listing.items
    assert slept == []
    assert len(listing.requests) <= count // size + 1


@given(count=st.integers(0, 300), limit=st.integers(0, 300))
def test_the_first_items_cost_no_more_than_they_must(count: int, limit: int) -> None:
    listing = Listing(GET_USERS, things(count))
    _, _, found = drive(paging.first(GET_USERS, {}, limit), listing, FakeClock())
    assert found == listing.items[:limit]
    assert all(1 <= size <= 100 for _, size in listing.requests)
    assert len(listing.requests) <= max(1, -(-min(count, limit) // 100)) if limit > 0 else listing.requests == []


def test_other_arguments_go_with_every_page() -> None:
    seen: list[Any] = []

    def perform(effect: Any) -> Any:
        seen.append(effect.arguments)
        return answer(page(things(2)[len(seen) - 1 : len(seen)], 2))

    drive(paging.items(LIST_AGENT_RUNS, {"org_id": 5, "user_id": 1}, 1), perform, FakeClock())
    assert seen == [
        {"org_id": 5, "user_id": 1, "skip": 0, "limit": 1},
        {"org_id": 5, "user_id": 1, "skip": 1, "limit": 1},
    ]


@given(arrivals=st.lists(st.integers(0, 3), min_size=1, max_size=12), size=st.integers(1, 10))
def test_items_that_arrive_meanwhile_repeat_nothing_and_hide_nothing(arrivals: list[int], size: int) -> None:
    listing = Listing(LIST_AGENT_RUNS, [SimpleNamespace(id=-number) for number in range(40)])
    original = list(listing.items)
    pending = list(arrivals)
    newest = 0

    def perform(effect: Any) -> Any:
        nonlocal newest
        result = listing(effect)
        for _ in range(pending.pop() if pending else 0):
            newest += 1
            listing.items.insert(0, SimpleNamespace(id=newest))
        return result

    emitted, _, _ = drive(paging.items(LIST_AGENT_RUNS, {}, size), perform, FakeClock())
    identities = [item.id for item in emitted]
    assert len(set(identities)) == len(identities)
    assert [item for item in emitted if item in original] == original


def test_items_without_an_id_are_all_kept() -> None:
    entries = [SimpleNamespace(action="same") for _ in range(5)]
    emitted, _, _ = drive(paging.items(GET_AUDIT_LOG, {}, 2), Listing(GET_AUDIT_LOG, entries), FakeClock())
    assert emitted == entries


def test_a_total_that_is_too_high_does_not_read_for_ever() -> None:
    listing = Listing(GET_USERS, things(3))

    def perform(effect: Any) -> Any:
        result = listing(effect)
        result.parsed.total = 1000
        return result

    emitted, _, _ = drive(paging.items(GET_USERS, {}, 2), perform, FakeClock())
    assert emitted == listing.items
    assert len(listing.requests) == 3


def test_pages_are_counted_from_one_where_the_contract_counts_pages() -> None:
    listing = Listing(LIST_SESSIONS, things(5))
    drive(paging.items(LIST_SESSIONS, {}, 2), listing, FakeClock())
    assert listing.requests == [(1, 2), (2, 2), (3, 2)]


def test_an_operation_without_pages_is_refused() -> None:
    with pytest.raises(TypeError, match="get_user does not page"):
        next(paging.items(GET_USER, {}))
