"""Lists read page by page: of any size, while they change, and from services that contradict themselves."""

import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from codegen_api.operations import GET_AUDIT_LOG, GET_USER, GET_USERS, LIST_AGENT_RUNS, OPERATIONS
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen_ext import CodegenClient, InvalidResponseError
from codegen_ext._sync import pagination

from ..support.stub import StubClient, answer, page

PAGED = [operation for operation in OPERATIONS.values() if operation.paging]
BY_NUMBER = next(operation for operation in PAGED if operation.paging and operation.paging.style == "page")


class Listing:
    """A list that is served in parts, as the contract says of an operation; `change` alters it before each answer."""

    def __init__(self, operation: Any, items: list[Any], *, known_total: bool = True, change: Any = None) -> None:
        self.paging = operation.paging
        self.items = items
        self.known_total = known_total
        self.change = change
        self.requests: list[tuple[int, int]] = []

    def __call__(self, request: Any) -> Any:
        if self.change is not None:
            self.change(self.items, len(self.requests))
        start, size = request.arguments[self.paging.start], request.arguments[self.paging.size]
        self.requests.append((start, size))
        skip = (start - 1) * size if self.paging.style == "page" else start
        total = len(self.items) if self.known_total else None
        return answer(page(self.items[skip : skip + size], total, self.paging.items, self.paging.total))


def things(count: int) -> list[Any]:
    return [SimpleNamespace(id=number) for number in range(count, 0, -1)]


def read(operation: Any, service: Any, size: int = 100) -> list[Any]:
    return list(pagination.items(StubClient(service), operation, {}, size))  # type: ignore[arg-type]


@pytest.mark.parametrize("operation", PAGED, ids=lambda operation: operation.id)
@settings(max_examples=25)
@given(count=st.integers(0, 60), size=st.integers(1, 25), known_total=st.booleans())
def test_every_item_comes_exactly_once_and_in_order(operation: Any, count: int, size: int, known_total: bool) -> None:
    listing = Listing(operation, things(count), known_total=known_total)
    assert read(operation, listing, size) == listing.items
    assert len(listing.requests) <= count // size + 1


@given(count=st.integers(0, 300), limit=st.integers(0, 300))
def test_the_first_items_cost_no_more_than_they_must(count: int, limit: int) -> None:
    listing = Listing(GET_USERS, things(count))
    assert pagination.first(StubClient(listing), GET_USERS, {}, limit) == listing.items[:limit]  # type: ignore[arg-type]
    assert all(1 <= size <= 100 for _, size in listing.requests)
    assert len(listing.requests) <= max(1, -(-min(count, limit) // 100)) if limit > 0 else listing.requests == []


def test_other_arguments_go_with_every_page_and_pages_count_from_one_where_the_contract_counts_pages() -> None:
    seen: list[Any] = []

    def service(request: Any) -> Any:
        seen.append(request.arguments)
        return answer(page(things(2)[len(seen) - 1 : len(seen)], 2))

    list(pagination.items(StubClient(service), LIST_AGENT_RUNS, {"org_id": 5}, 1))  # type: ignore[arg-type]
    assert seen == [{"org_id": 5, "skip": 0, "limit": 1}, {"org_id": 5, "skip": 1, "limit": 1}]
    listing = Listing(BY_NUMBER, things(5))
    read(BY_NUMBER, listing, 2)
    assert listing.requests == [(1, 2), (2, 2), (3, 2)]


def test_items_without_an_id_are_all_kept() -> None:
    entries = [SimpleNamespace(action="same") for _ in range(5)]
    assert read(GET_AUDIT_LOG, Listing(GET_AUDIT_LOG, entries), 2) == entries


def test_an_operation_without_pages_is_refused() -> None:
    with pytest.raises(TypeError, match="get_user does not page"):
        read(GET_USER, None)


def arrive(items: list[Any], count: int) -> None:
    newest = max(item.id for item in items)
    items[:0] = [SimpleNamespace(id=newest + number) for number in range(count, 0, -1)]


def in_turn(numbers: list[int], change: Callable[[list[Any], int], None]) -> Any:
    """Return a change that is made by the next number before each answer but the first."""

    def changed(items: list[Any], turn: int) -> None:
        if 0 < turn <= len(numbers):
            change(items, numbers[turn - 1])

    return changed


@settings(max_examples=50)
@given(st.integers(1, 1500), st.lists(st.integers(0, 1500), max_size=6), st.sampled_from([7, 100]))
def test_items_that_arrive_in_any_number_repeat_and_hide_nothing(count: int, arrivals: list[int], size: int) -> None:
    listing = Listing(LIST_AGENT_RUNS, things(count), change=in_turn(arrivals, arrive))
    found = [item.id for item in read(LIST_AGENT_RUNS, listing, size if count < 100 else 100)]
    assert len(found) == len(set(found))
    assert [one for one in found if one <= count] == list(range(count, 0, -1))


@given(st.integers(1, 600), st.lists(st.integers(0, 120), max_size=6))
def test_items_that_are_appended_are_found_too(count: int, arrivals: list[int]) -> None:
    def append(items: list[Any], number: int) -> None:
        there = len(items)
        items.extend(SimpleNamespace(id=-there - one) for one in range(number))

    found = [item.id for item in read(GET_USERS, Listing(GET_USERS, things(count), change=in_turn(arrivals, append)))]
    assert found[:count] == list(range(count, 0, -1))
    assert len(set(found)) == len(found)


def test_a_list_that_grew_at_its_end_by_more_than_is_remembered_has_no_gap() -> None:
    def append(items: list[Any], turn: int) -> None:
        if turn == 12:
            items.extend(SimpleNamespace(id=-number) for number in range(3000))

    listing = Listing(GET_USERS, things(1500), change=append)
    assert read(GET_USERS, listing) == listing.items


@given(st.integers(150, 600), st.lists(st.integers(0, 60), max_size=4))
def test_items_that_vanish_pull_no_others_out_of_sight(count: int, removals: list[int]) -> None:
    def vanish(items: list[Any], number: int) -> None:
        del items[:number]

    listing = Listing(GET_USERS, things(count), change=in_turn(removals, vanish))
    found = [item.id for item in read(GET_USERS, listing)]
    assert len(found) == len(set(found))
    assert {item.id for item in listing.items} <= set(found)


LYING: dict[str, Callable[[int, int], tuple[range, int]]] = {
    "two replicas": lambda turn, skip: (range(top := 1000 if turn % 2 else 900, 0, -1)[skip : skip + 100], top),
    "grows with each request": lambda turn, skip: (range(250, 0, -1)[skip : skip + 100], 250 + turn),
    "an estimate": lambda turn, skip: (range(250, 0, -1)[skip : skip + 100], random.Random(turn).randint(200, 400)),
    "too high": lambda turn, skip: (range(250, 0, -1)[skip : skip + 100], 10**6),
    "skip is ignored": lambda turn, skip: (range(100, 0, -1), 10**6),
}


@pytest.mark.parametrize("name", LYING)
def test_a_list_whose_totals_lie_ends_or_is_refused_after_few_requests(name: str) -> None:
    turns = 0

    def service(request: Any) -> Any:
        nonlocal turns
        turns += 1
        assert turns <= 300
        ids, total = LYING[name](turns, request.arguments["skip"])
        return answer(page([SimpleNamespace(id=number) for number in ids], total))

    try:
        found = read(LIST_AGENT_RUNS, service)
    except InvalidResponseError as error:
        assert "does not advance" in error.message  # noqa: PT017 - either outcome is right
    else:
        assert len(found) >= 200


@pytest.mark.parametrize("total", [None, "3", 3.5, True, -1, [3]])
def test_a_total_that_is_no_number_is_an_error_of_the_operation(total: Any) -> None:
    body = {"items": [{"id": 1, "organization_id": 323}], "total": total, "page": 1, "size": 100, "pages": 1}
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=body))
    with CodegenClient(api_token="token", transport=transport) as client, pytest.raises(InvalidResponseError) as caught:
        list(client.stream_all_agent_runs(323))
    assert (caught.value.operation, "total: expected" in caught.value.message) == ("list_agent_runs", True)
