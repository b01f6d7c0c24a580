"""Read lists page by page, by the contract's own description of how they page."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from codegen_api import operations
from codegen_api import pages as api_pages

from .._io import asynchronous as io
from .._request import whole_number
from ..errors import InvalidResponseError, invalid_argument
from ..list_index import PAGE_SIZE
from ..redact import shown

if TYPE_CHECKING:
    from codegen_api.operations import Operation

    from .base_client import AsyncBaseClient
    from .locks import Event

_REMEMBERED = 10 * PAGE_SIZE
_MOST_REPEATS = 8
"""Requests without a new item after which totals are no longer believed."""
_MOST_STALLED = 16
"""Requests without a new item after which the list counts as one that never ends."""


async def pages(
    client: AsyncBaseClient,
    operation: Operation[Any],
    arguments: Mapping[str, Any],
    page_size: int = PAGE_SIZE,
    *,
    cancel: Event | None = None,
    refresh: bool = False,
    first_page: Any = None,
) -> AsyncGenerator[Any, None]:
    """Yield a list page by page; each item that has an id stands on one page only, and none is left out.

    Where the arguments name a start it begins there, with `first_page` where that has been read.

    Items that appear at the front while the list is read push others onto the next page, and items that vanish pull
    them back. The ids that were just read and the total tell how far. Totals that contradict one another are followed
    for a few requests only.

    Raises:
        InvalidResponseError: when a total is no number, or when the list does not advance.
        TypeError: for an operation without pages.

    """
    paging = operation.paging
    if paging is None:
        raise TypeError(f"{operation.id} does not page")

    async def read(start: int, *, again: bool) -> tuple[Any, list[Any], int | None]:
        part = {**arguments, paging.start: start, paging.size: page_size}
        page = (await client.perform(operation, part, cancel=cancel, refresh=refresh or again)).parsed
        return page, list(getattr(page, paging.items)), _total(operation, page)

    by_number = paging.style == "page"
    seen: deque[Any] = deque(maxlen=_REMEMBERED)
    page_size = whole_number(paging.size, page_size)
    start = whole_number(paging.start, arguments.get(paging.start) or 0)
    number, position, stalled = (start or 1, 0, 0) if by_number else (1, start, 0)
    known: int | None = None
    before: list[Any] = []
    while True:
        if first_page is None:
            page, found, total = await read(number if by_number else position, again=stalled > 0)
        else:
            page, found, total = first_page, items_of(operation, first_page), _total(operation, first_page)
            first_page = None
        grown = 0 if total is None or known is None or by_number else total - known
        known = total
        if grown < 0 and position > 0 and stalled < _MOST_REPEATS:
            position, stalled = max(0, position + grown), stalled + 1
            continue
        remembered = set(seen)
        new = [item for item in found if identity(item) not in remembered]
        there = position - 1
        while grown > 0 and seen and found and identity(found[0]) not in remembered and stalled < _MOST_REPEATS:
            # More arrived than was read, or it was appended: where the last item stands now tells which.
            there, stalled = there + grown, stalled + 1
            shifted, behind, latest = await read(there, again=True)
            grown, known = 0 if latest is None or known is None else latest - known, latest
            identities = [identity(item) for item in behind]
            if seen[-1] in identities:
                page, position, found, total = shifted, there, behind, known
                new = behind[identities.index(seen[-1]) + 1 :]
                break
        seen.extend(known_id for item in new if (known_id := identity(item)) is not None)
        if new or not seen:
            stalled = stalled + 1 if found and found == before else 0  # as pages of items without ids may be
            setattr(page, paging.items, new)
            yield page
        elif found:
            stalled += 1
        if stalled > _MOST_STALLED:
            problem = f"the list does not advance: {stalled} requests brought no new item"
            raise InvalidResponseError(problem, operation=operation.id)
        number, position, before = number + 1, position + len(found), found
        if not found or (len(found) < page_size if total is None else position == total):
            return


def _total(operation: Operation[Any], page: Any) -> int | None:
    assert operation.paging is not None  # noqa: S101 - a page of it was read by its paging
    name = operation.paging.total
    total = getattr(page, name)
    if total is None or (type(total) is int and total >= 0):
        return total
    problem = f"the response does not fit the contract: {name}: expected a whole number, got {shown(total)}"
    raise InvalidResponseError(problem, operation=operation.id)


def identity(item: Any) -> int | str | None:
    """Return the id of an item, None where it has none by which it could be known again."""
    found = getattr(item, "id", None)
    return found if type(found) in (int, str) else None


def items_of(operation: Operation[Any], page: Any) -> list[Any]:
    """Return the items of a page."""
    assert operation.paging is not None  # noqa: S101 - a page of it was read by its paging
    found: list[Any] = getattr(page, operation.paging.items)
    return found


async def items_in(
    operation: Operation[Any], reading: AsyncGenerator[Any, None], keep: Callable[[Any], bool] | None = None
) -> AsyncGenerator[Any, None]:
    """Yield the items of pages, with `keep` those for which it is true; closes the reading at the end."""
    async with aclosing(reading):
        async for page in reading:
            for item in items_of(operation, page):
                if keep is None or keep(item):
                    yield item


def items(
    client: AsyncBaseClient,
    operation: Operation[Any],
    arguments: Mapping[str, Any],
    page_size: int = PAGE_SIZE,
    *,
    refresh: bool = False,
    first_page: Any = None,
) -> AsyncGenerator[Any, None]:
    """Yield every item of a list once; as `pages`."""
    reading = pages(client, operation, arguments, page_size, refresh=refresh, first_page=first_page)
    return items_in(operation, reading)


def attach(client: AsyncBaseClient, operation: Operation[Any], arguments: Mapping[str, Any], page: Any) -> None:
    """Have `page.auto_paging_iter` read on to the end of the list."""
    if (paging := operation.paging) is not None:
        size = arguments.get(paging.size) or len(items_of(operation, page)) or PAGE_SIZE
        api_pages.attach(page, lambda page: items(client, operation, arguments, size, first_page=copy.copy(page)))


def list_named(name: str, service: str, arguments: Mapping[str, Any]) -> Operation[Any]:
    """Return the operation of a list by its name; raises ValidationError for any other, and for arguments it lacks."""
    known = operations.OPERATIONS.get(name)
    if known is None or known.paging is None or known.service != service:
        names = sorted(one.id for one in operations.OPERATIONS.values() if one.paging and one.service == service)
        raise invalid_argument("operation", f"expected one of {', '.join(names)}, got {shown(name)}")
    there = [one.python_name for one in known.arguments if one.python_name != known.paging.size]
    for unknown in arguments.keys() - there:
        problem = f"is no argument of the pages of {name}; there are {', '.join([*there, 'page_size'])}"
        raise invalid_argument(unknown, problem, operation=name)
    return known


async def first(
    client: AsyncBaseClient, operation: Operation[Any], arguments: Mapping[str, Any], limit: int
) -> list[Any]:
    """Return the first `limit` items of a list; raise ValidationError for a limit that is none."""
    check_limit(limit)
    found: list[Any] = []
    if limit:
        async with aclosing(items(client, operation, arguments, min(PAGE_SIZE, limit))) as reading:
            async for item in reading:
                found.append(item)
                if len(found) == limit:
                    break
    return found


def check_limit(limit: object) -> None:
    """Raise ValidationError unless this is a number of items."""
    if type(limit) is not int or limit < 0:
        raise invalid_argument("limit", f"expected a whole number from 0, got {shown(limit)}")


async def ahead(reading: AsyncGenerator[Any, None], cancel: Event) -> AsyncGenerator[Any, None]:
    """Yield what a generator yields, and have a worker fetch the next item meanwhile.

    Where the iteration is left, `cancel` is set, with which the generator was made: it ends the worker's waits. A
    request that was sent is read to its end by the worker, for which nothing waits: the garbage collector may leave
    the iteration, also in the worker itself.
    """
    end = object()

    async def fetch() -> tuple[Any, Exception | None]:
        try:
            return await anext(reading, end), None
        except Exception as error:  # noqa: BLE001 - raised where the item is taken
            return end, error
        finally:
            if cancel.is_set():
                await reading.aclose()

    coming = io.start_in_context(fetch)
    try:
        while True:
            item, error = await coming.join()
            if error is not None:
                raise error
            if item is end:
                return
            coming = io.start_in_context(fetch)
            yield item
    finally:
        cancel.set()
        if coming.done():
            await reading.aclose()


def skipped(page: int, per_page: int) -> int:
    """Return how many items stand before a page; raise ValidationError for a page that is none."""
    for name, value in (("page", page), ("per_page", per_page)):
        if type(value) is not int or value < 1:
            problem = f"expected a whole number from 1, got {shown(value)}"
            raise invalid_argument(name, problem, operation=operations.LIST_AGENT_RUNS.id)
    return (page - 1) * per_page
