"""Lists that come in pages, read by the contract's own description of how they page."""

from __future__ import annotations

from collections import deque
from typing import Any

from codegen_api.operations import Operation

from .flow import Emit, Flow, Perform, gather

PAGE_SIZE = 100
_REMEMBERED = 10 * PAGE_SIZE


def items(
    operation: Operation[Any], arguments: dict[str, Any], page_size: int = PAGE_SIZE, *, past_cache: bool = False
) -> Flow[Any, None]:
    """Emit every item of a list, one after the other; with `past_cache` the service is asked, whatever is kept.

    Items that appear while the list is read push others onto the next page; an id that was just seen is left out.
    """
    paging = operation.paging
    if paging is None:
        raise TypeError(f"{operation.id} does not page")
    seen: deque[Any] = deque(maxlen=_REMEMBERED)
    position, received = (1 if paging.style == "page" else 0), 0
    while True:
        part = {**arguments, paging.start: position, paging.size: page_size}
        response = yield Perform(operation, part, past_cache=past_cache)
        found = getattr(response.parsed, paging.items)
        for item in found:
            identity = getattr(item, "id", None)
            if identity is None or identity not in seen:
                seen.append(identity)
                yield Emit(item)
        received += len(found)
        total = getattr(response.parsed, paging.total)
        if not found or (len(found) < page_size if total is None else received >= total):
            return
        position += 1 if paging.style == "page" else len(found)


def first(operation: Operation[Any], arguments: dict[str, Any], limit: int) -> Flow[Any, list[Any]]:
    """Return the first `limit` items of a list."""
    return gather(items(operation, arguments, min(PAGE_SIZE, limit)), limit)
