"""Lists that come in pages, read by the contract's own description of how they page."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

from codegen_api.operations import Operation

from .errors import InvalidResponseError, ValidationError
from .flow import Emit, Flow, Perform, gather

if TYPE_CHECKING:
    from codegen_api.models import AgentRunResponse

PAGE_SIZE = 100
_REMEMBERED = 10 * PAGE_SIZE


def pages(
    operation: Operation[Any], arguments: dict[str, Any], page_size: int = PAGE_SIZE, *, past_cache: bool = False
) -> Flow[Any, None]:
    """Emit a list page by page; each item that has an id stands on one page only, and none is left out.

    With `past_cache` the service is asked, whatever is kept.

    Items that appear at the front while the list is read push others onto the next page, and items that vanish pull
    them back. The ids that were just read and the total tell how far. Raises TypeError for an operation without pages.
    """
    paging = operation.paging
    if paging is None:
        raise TypeError(f"{operation.id} does not page")
    by_number = paging.style == "page"
    seen: deque[Any] = deque(maxlen=_REMEMBERED)
    number, position, known = 1, 0, None
    while True:
        start = number if by_number else position
        part = {**arguments, paging.start: start, paging.size: page_size}
        page = (yield Perform(operation, part, past_cache=past_cache)).parsed
        found, total = getattr(page, paging.items), _total(operation, page)
        grown = 0 if total is None or known is None or by_number else total - known
        known = total
        if grown < 0 and position > 0:
            position = max(0, position + grown)
            continue
        remembered = set(seen)
        fresh = [item for item in found if _identity(item) is None or _identity(item) not in remembered]
        there = position - 1
        while grown > 0 and seen and found and _identity(found[0]) not in remembered:
            # More arrived than was read, or it was appended: where the last item stands now tells which.
            there += grown
            part = {**arguments, paging.start: there, paging.size: page_size}
            shifted = (yield Perform(operation, part, past_cache=True)).parsed
            behind = getattr(shifted, paging.items)
            latest = _total(operation, shifted)
            grown, known = 0 if latest is None or known is None else latest - known, latest
            identities = [_identity(item) for item in behind]
            if seen[-1] in identities:
                page, position, found, total = shifted, there, behind, known
                fresh = behind[identities.index(seen[-1]) + 1 :]
                break
        seen.extend(identity for item in fresh if (identity := _identity(item)) is not None)
        setattr(page, paging.items, fresh)
        yield Emit(page)
        number, position = number + 1, position + len(found)
        if not found or (len(found) < page_size if total is None else position >= total):
            return


def _total(operation: Operation[Any], page: Any) -> int | None:
    assert operation.paging is not None  # noqa: S101 - whoever has a page of it read it by its paging
    name = operation.paging.total
    total = getattr(page, name)
    if total is None or type(total) is int:
        return total
    problem = f"{name}: expected a whole number, got {type(total).__name__}"
    raise InvalidResponseError(f"the response does not fit the contract: {problem}", operation=operation.id)


def _identity(item: Any) -> Any:
    identity = getattr(item, "id", None)
    return identity if isinstance(identity, int | str) else None


def items(
    operation: Operation[Any], arguments: dict[str, Any], page_size: int = PAGE_SIZE, *, past_cache: bool = False
) -> Flow[Any, None]:
    """Emit every item of a list once, one after the other; as `pages`."""
    reading = pages(operation, arguments, page_size, past_cache=past_cache)
    while page := (yield from gather(reading, 1, close=False)):
        for item in items_of(operation, page[0]):
            yield Emit(item)


def items_of(operation: Operation[Any], page: Any) -> list[Any]:
    """Return the items of a page."""
    assert operation.paging is not None  # noqa: S101 - whoever has a page of it read it by its paging
    found: list[Any] = getattr(page, operation.paging.items)
    return found


def first(operation: Operation[Any], arguments: dict[str, Any], limit: int) -> Flow[Any, list[Any]]:
    """Return the first `limit` items of a list; raise ValidationError for a limit that is none."""
    if type(limit) is not int or limit < 0:
        problem = f"expected a whole number from 0, got {limit!r}"
        raise ValidationError(f"limit: {problem}", operation=operation.id, field_errors={"limit": [problem]})
    return gather(items(operation, arguments, min(PAGE_SIZE, limit)), limit)


def ahead(reading: Iterator[Any], stop: Callable[[], object]) -> Iterator[Any]:
    """Yield what an iterator yields, and fetch the next in a thread meanwhile; the thread ends with the iteration.

    `stop` is called when nothing more is wanted, and shortens what is being fetched.
    """
    from concurrent.futures import ThreadPoolExecutor
    from contextvars import copy_context

    end = object()

    def fetch() -> Any:
        return next(reading, end)

    with contextlib.ExitStack() as stack:
        stack.callback(getattr(reading, "close", lambda: None))
        worker = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="codegen-page"))
        stack.callback(stop)
        coming = worker.submit(copy_context().run, fetch)
        while (page := coming.result()) is not end:
            coming = worker.submit(copy_context().run, fetch)
            yield page


async def ahead_async(reading: AsyncGenerator[Any]) -> AsyncIterator[Any]:
    """Yield what an iterator yields, and fetch the next in a task meanwhile; the task ends with the iteration."""
    import asyncio

    end = object()

    async def fetch() -> Any:
        return await anext(reading, end)

    coming = asyncio.create_task(fetch())
    try:
        while (page := await coming) is not end:
            coming = asyncio.create_task(fetch())
            yield page
    finally:
        coming.cancel()
        await asyncio.wait([coming])
        if not coming.cancelled():
            coming.exception()
        await reading.aclose()


def skipped(page: int, per_page: int) -> int:
    """Return how many items stand before a page; raise ValidationError for a page that is none."""
    problems = {
        name: [f"expected a whole number from 1, got {value!r}"]
        for name, value in (("page", page), ("per_page", per_page))
        if type(value) is not int or value < 1
    }
    if problems:
        text = "; ".join(f"{name}: {found[0]}" for name, found in problems.items())
        raise ValidationError(text, operation="list_agent_runs", field_errors=problems)
    return (page - 1) * per_page


def _is_in_state(run: AgentRunResponse, status: str | None) -> bool:
    """Whether a run is in a state, given as our word in any case or as the service's; None is any."""
    return status is None or status.lower() == run.status or status == run.raw_status


def in_state(runs: Iterator[AgentRunResponse], status: str | None) -> Iterator[AgentRunResponse]:
    """Yield the runs that are in a state, and close the iterator that they come from."""
    with contextlib.closing(runs):  # type: ignore[type-var]
        yield from (run for run in runs if _is_in_state(run, status))


def flat(operation: Operation[Any], pages: Iterator[Any]) -> Iterator[Any]:
    """Yield the items of pages, and close the iterator that they come from."""
    with contextlib.closing(pages):  # type: ignore[type-var]
        for page in pages:
            yield from items_of(operation, page)


async def in_state_async(runs: AsyncIterator[AgentRunResponse], status: str | None) -> AsyncIterator[AgentRunResponse]:
    """Yield runs as `in_state` does."""
    async with contextlib.aclosing(runs):  # type: ignore[type-var]
        async for run in runs:
            if _is_in_state(run, status):
                yield run


async def flat_async(operation: Operation[Any], pages: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Yield items as `flat` does."""
    async with contextlib.aclosing(pages):  # type: ignore[type-var]
        async for page in pages:
            for item in items_of(operation, page):
                yield item
