"""What is kept, and under which key."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

import httpx

from ..transport.extensions import CACHED


class Key(NamedTuple):
    """Which answer: of which server, to which credential, of which operation, for which parameters.

    All but the operation's id are digests, so that a key can be stored and shown anywhere.
    """

    site: str
    credential: str
    operation: str
    parameters: str


class Entry(NamedTuple):
    """An answer with status 200, decompressed."""

    headers: tuple[tuple[bytes, bytes], ...]
    content: bytes


class Found(NamedTuple):
    """What a store has for a key; `age` is in seconds.

    `ticket` goes into the `put` of an answer that was asked for afterwards. A store refuses it when the answer may have
    become stale in the meantime.
    """

    entry: Entry | None
    age: float
    ticket: str | None


class Store(Protocol):
    """Where entries are; no method raises because the store cannot be reached."""

    blocks: bool
    """Whether its methods wait for something, so that an event loop calls them in a thread."""

    def get(self, key: Key) -> Found:
        """Return what there is, however old."""
        ...

    def put(self, key: Key, entry: Entry, seconds: float, ticket: str | None) -> None:
        """Keep an entry for `seconds`, unless it was invalidated since the ticket was given."""
        ...

    def invalidate(self, site: str, operations: Collection[str]) -> None:
        """Drop what is kept of some operations, whoever asked for it, and what is being asked for now."""
        ...

    def clear(self) -> None:
        """Drop everything that is kept for this client's credential."""
        ...

    def size(self) -> int:
        """Return how many entries there are for this client's credential, 0 when the store cannot be reached."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...


# These do not change an answer, or they are about the connection or the cache itself.
_IGNORED = frozenset((b"authorization", b"host", b"user-agent", b"accept-encoding", b"connection", b"cache-control"))
# These belong to one response: to its encoding, its connection, or its client.
_DROPPED = frozenset(
    (b"age", b"connection", b"content-encoding", b"content-length", b"keep-alive", b"set-cookie", b"transfer-encoding")
)


def digest(*parts: bytes) -> str:
    """Return 32 hexadecimal digits that are others for other parts."""
    return sha256(b"\0".join(parts)).hexdigest()[:32]


def site_of(url: httpx.URL) -> str:
    """Return the digest of a server's address."""
    return digest(url.raw_scheme, url.raw_host, str(url.port).encode())


def key_of(request: httpx.Request, operation_id: str) -> Key:
    """Return the key of the answer to a request; neither the order of its parameters nor of its headers matters.

    Headers that a caller added are among the parameters, because the answer may depend on them.
    """
    path, _, query = request.url.raw_path.partition(b"?")
    # Sorting by name alone keeps the order of a parameter's own values.
    parameters = sorted(query.split(b"&"), key=lambda pair: pair.partition(b"=")[0])
    headers = sorted((name.lower(), value) for name, value in request.headers.raw if name.lower() not in _IGNORED)
    return Key(
        site_of(request.url),
        digest(request.headers.get("authorization", "").encode()),
        operation_id,
        digest(path, *parameters, b"", *(part for pair in headers for part in pair)),
    )


def entry_of(response: httpx.Response) -> Entry:
    """Keep of a response what does not belong to its connection."""
    headers = tuple((name, value) for name, value in response.headers.raw if name.lower() not in _DROPPED)
    return Entry(headers, response.content)


def response_of(entry: Entry, age: float, request: httpx.Request) -> httpx.Response:
    """Return a response of its own for each caller, with the header `age` in whole seconds (RFC 9111, 5.1)."""
    headers: Any = [*entry.headers, (b"age", b"%d" % max(age, 0.0))]
    response = httpx.Response(
        200,
        headers=headers,
        content=entry.content,
        request=request,
        extensions={CACHED: True, "http_version": b"HTTP/1.1"},
    )
    response.elapsed = timedelta(0)
    return response
