"""What the table of operations is made of."""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class RateLimit(NamedTuple):
    """At most `requests` in any `seconds`, counted together for all operations of one `group`."""

    requests: int
    seconds: float
    group: str


class Paging(NamedTuple):
    """How a list is read in parts: the parameters `start` and `size`, and the response's fields for items and total.

    With style "offset" `start` counts items from 0, with style "page" it counts pages from 1.
    """

    style: str
    start: str
    size: str
    items: str
    total: str


class Argument(NamedTuple):
    """One argument of an operation; `type` is the JSON type in the contract, "" where there are several.

    `location` is path, query, header, body (a field of the JSON body) or content (the whole body). `style` says how
    the value of a parameter is written: "" repeats lists; "comma", "space" and "pipe" join them, "deep" writes
    `name[key]=value`, "json" writes JSON. A required argument that is `nullable` is sent as null when None is given.
    """

    name: str
    python_name: str
    location: str
    type: str
    required: bool
    minimum: float | None = None
    maximum: float | None = None
    style: str = ""
    nullable: bool = False


class Operation(NamedTuple, Generic[T]):
    """One operation; T is what it returns, `results` has the annotation of each status of success.

    `cache_seconds` is None where an answer must not be cached, `paging` None where there is one answer,
    `invalidates` names the operations whose cached answers it makes stale. `reconcile` says how an attempt with an
    unknown outcome is decided: "request-id" by looking for the id that it carried, "candidates" by the caller, who is
    told which runs it may have touched.
    """

    id: str
    method: str
    path: str
    tag: str
    service: str
    rate_limit: RateLimit
    idempotent: bool
    arguments: tuple[Argument, ...]
    results: tuple[tuple[int, str], ...]
    body: str | None = None
    cache_seconds: float | None = None
    invalidates: tuple[str, ...] = ()
    paging: Paging | None = None
    reconcile: str | None = None
