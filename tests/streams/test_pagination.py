"""Lists read page by page: of any size, while they change, and from services that contradict themselves."""

import random
from types import SimpleNamespace

import pytest
from codegen_api.operations import GET_USER, LIST_AGENT_RUNS, OPERATIONS
from hypothesis import example, given, settings
from hypothesis import strategies as st

from codegen_ext import CodegenClient, InvalidResponseError
from codegen_ext._sync import pagination

from ..support.stub import StubClient, answer
from .conftest import RunList, growing_down_from

PAGED = [operation for operation in OPERATIONS.values() if operation.paging]


class Listing:
    """A list that is served in parts, as the contract says of an operation; `change` alters it before each answer."""

    def __init__(self, operation, items, *, known_total=True, change=None):
        self.paging = operation.paging
        self.items = items
        self.known_total = known_total
        self.change = change
        self.requests = []

    def __call__(self, request):
        if self.change is not None:
            self.change(self.items, len(self.requests))
        start, size = request.arguments[self.paging.start], request.arguments[self.paging.size]
        self.requests.append((start, size))
        skip = (start - 1) * size if self.paging.style == "page" else start
        total = len(self.items) if self.known_total else None
        return answer(SimpleNamespace(**{self.paging.items: self.items[skip : skip + size], self.paging.total: total}))


def things(count):
    return [SimpleNamespace(id=number) for number in range(count, 0, -1)]


def read(operation, service, size=100):
    return list(pagination.items(StubClient(service), operation, {}, size))


@pytest.mark.parametrize("known_total", [True, False])
@pytest.mark.parametrize("operation", PAGED, ids=lambda operation: operation.id)
def test_every_item_comes_exactly_once_and_in_order(operation, known_total):
    for items in ([], *map(things, (1, 6, 7)), [SimpleNamespace(action="the same, without an id")] * 5):
        listing = Listing(operation, items, known_total=known_total)
        assert read(operation, listing, 3) == items
        assert len(listing.requests) <= len(items) // 3 + 1
    starts = [1, 2] if operation.paging.style == "page" else [0, 3]
    assert listing.requests[:2] == [(start, 3) for start in starts]
    with pytest.raises(TypeError, match="get_user does not page"):
        read(GET_USER, None)


def arrive(items, count):
    newest = max((item.id for item in items), default=10**6)
    items[:0] = [SimpleNamespace(id=newest + number) for number in range(count, 0, -1)]


def append(items, count):
    oldest = min((item.id for item in items), default=0)
    items.extend(SimpleNamespace(id=oldest - number) for number in range(1, count + 1))


def vanish(items, count):
    del items[: count // 5]


@pytest.mark.parametrize("change", [arrive, append, vanish])
@settings(max_examples=20)
@given(count=st.integers(1, 1500), numbers=st.lists(st.integers(0, 300), max_size=6))
@example(count=1500, numbers=[1200, 0, 3000])  # more than is remembered
def test_a_list_that_changes_repeats_nothing_and_hides_nothing_that_stays(change, count, numbers):
    def changed(items, turn):
        if 0 < turn <= len(numbers):
            change(items, numbers[turn - 1])

    listing = Listing(LIST_AGENT_RUNS, things(count), change=changed)
    found = [item.id for item in read(LIST_AGENT_RUNS, listing, 7 if count < 100 else 100)]
    assert len(found) == len(set(found))
    stays = [item.id for item in listing.items if 0 < item.id <= count]
    assert [one for one in found if one in set(stays)] == stays


LYING = {
    "two replicas": lambda turn, skip: growing_down_from(1000 if turn % 2 else 900)(turn, skip),
    "grows with each request": lambda turn, skip: (range(250, 0, -1)[skip : skip + 100], 250 + turn),
    "an estimate": lambda turn, skip: (range(250, 0, -1)[skip : skip + 100], random.Random(turn).randint(200, 400)),
    "too high": lambda turn, skip: (range(250, 0, -1)[skip : skip + 100], 10**6),
    "skip is ignored": lambda turn, skip: (range(100, 0, -1), 10**6),
}


@pytest.mark.parametrize("name", LYING)
def test_a_list_whose_totals_lie_ends_or_is_refused_after_few_requests(name):
    runs = RunList(LYING[name])
    with CodegenClient(runs.config()) as client:
        try:
            found = list(client.stream_all_agent_runs(323))
        except InvalidResponseError as error:
            assert "does not advance" in error.message  # noqa: PT017 - either outcome is right
        else:
            assert len(found) >= 200
    assert len(runs.asked) <= 300


@pytest.mark.parametrize("total", [None, "3", 3.5, True, -1, [3]])
def test_a_total_that_is_no_number_is_an_error_of_the_operation(total):
    runs = RunList(lambda turn, skip: ([1], total))
    with CodegenClient(runs.config()) as client, pytest.raises(InvalidResponseError) as caught:
        list(client.stream_all_agent_runs(323))
    assert (caught.value.operation, "total: expected" in caught.value.message) == ("list_agent_runs", True)
