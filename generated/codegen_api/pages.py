"""Pages of lists: sequences of their items that go on to the following pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, overload

from .codec import Model

if TYPE_CHECKING:
    from .table import Operation

T = TypeVar("T")
Pager = Callable[[Any], Iterator[T] | AsyncIterator[T]]
"""Returns an iterator over the items from a page to the end of the list, asynchronous for asynchronous clients."""


class Page(Model, Generic[T]):
    """Base of the models that are one page of a list."""

    __slots__ = ("_pager",)
    _items: ClassVar[str] = "items"

    def __iter__(self) -> Iterator[T]:
        """Iterate over the items of this page."""
        return iter(getattr(self, self._items))

    def __len__(self) -> int:
        """Return the number of items on this page."""
        return len(getattr(self, self._items))

    def __bool__(self) -> bool:
        """Return True, also for a page without items: it is still a response."""
        return True

    @overload
    def __getitem__(self, key: int) -> T: ...
    @overload
    def __getitem__(self, key: slice) -> list[T]: ...
    @overload
    def __getitem__(self, key: str) -> Any: ...
    def __getitem__(self, key: int | slice | str) -> Any:
        """Return the item at an index, the items of a slice, or a field by its name."""
        return super().__getitem__(key) if isinstance(key, str) else getattr(self, self._items)[key]

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) if isinstance(key, str) else key in getattr(self, self._items)

    def auto_paging_iter(self) -> PageIterator[T]:
        """Iterate over the items of this page and of all that follow, with `for` or, after `await`, `async for`."""
        return PageIterator(self, getattr(self, "_pager", None))


class PageIterator(Generic[T]):
    """Iterates over items, reading further pages as they are needed."""

    def __init__(self, page: Page[T], pager: Pager[T] | None) -> None:
        self._page = page
        self._pager = pager

    def __iter__(self) -> Iterator[T]:
        items = self._pager(self._page) if self._pager else iter(self._page)
        if isinstance(items, AsyncIterator):
            raise TypeError("this page comes from an asynchronous client; use `async for`")
        return items

    def __aiter__(self) -> AsyncIterator[T]:
        items = self._pager(self._page) if self._pager else _each(self._page)
        if not isinstance(items, AsyncIterator):
            raise TypeError("this page comes from a synchronous client; use `for`")
        return items


async def _each(page: Page[T]) -> AsyncIterator[T]:
    for item in page:
        yield item


def attach(page: Any, pager: Pager[Any]) -> None:
    """Say how the items from this page on are read; `auto_paging_iter` calls `pager` with it.

    A pager that refers to the page itself would keep it until a collection of garbage.
    """
    page._pager = pager


def following(operation: Operation[Any], arguments: Mapping[str, Any], page: Any) -> dict[str, Any] | None:
    """Return the arguments for the page after this one, None after the last."""
    paging = operation.paging
    if paging is None or not len(page):
        return None
    total = page[paging.total]
    if paging.style == "page":
        number = arguments.get(paging.start) or 1
        size = arguments.get(paging.size) or len(page)
        return None if total is not None and number * size >= total else {**arguments, paging.start: number + 1}
    start = (arguments.get(paging.start) or 0) + len(page)
    return None if total is not None and start >= total else {**arguments, paging.start: start}
