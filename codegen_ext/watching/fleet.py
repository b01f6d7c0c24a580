"""List pages that the processes of a fleet read for one another, kept in Redis for a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpx
from attrs import evolve
from cachetools import LRUCache
from codegen_api import operations
from codegen_api.types import Response

from ..caching.entry import Entry, Key, digest
from ..caching.redis_store import PREFIX, TIMEOUT, RedisStore
from ..exchange import decode_whole
from ..flow import Perform
from ..paging import PAGE_SIZE
from .tickets import FIRST_PAUSE

if TYPE_CHECKING:
    from codegen_api.models import AgentRunsResponse

    from ..clock import Clock

_Ask = Callable[[Perform[Any]], Any]

FRESH = 0.75 * FIRST_PAUSE
"""Seconds for which a page serves others: less than any pause between two looks, so that nobody gets it twice."""
_INTEREST = 60.0
"""Seconds for which a run counts as waited for after somebody asked for it."""
_LONGEST_LOOK = 5.0
"""Seconds for which one process waits for the page that another is reading."""
_LIST = operations.LIST_AGENT_RUNS


class Fleet:
    """Answers what a watcher asks from pages that any process of the fleet has just read.

    Pages begin at multiples of their size, so that processes that wait for different runs ask for the same ones. While
    Redis does not answer, each process asks for itself. May be used by several threads.

    Args:
        address: The address of the Redis.
        service_url: The service whose runs these are.
        credential: Who may see the pages; in keys it is a digest.
        clock: Tells how long ago something was asked.

    Raises:
        ConfigurationError: when the extra `redis` is missing, or the address cannot be read.

    """

    def __init__(self, address: str, service_url: str, credential: str, clock: Clock) -> None:
        self._site, self._credential = digest(b"fleet", service_url.encode()), digest(credential.encode())
        self._store = RedisStore(address, self._site, self._credential, 10_000, clock)
        from redis import Redis
        from redis.exceptions import RedisError

        self._redis = Redis.from_url(address, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT)
        self._failure = RedisError
        self._request = httpx.Request("GET", service_url)
        self._clock = clock
        self._sliced: LRUCache[tuple[Any, int], float] = LRUCache(1_000)
        self._ranks: LRUCache[tuple[Any, Any], int | None] = LRUCache(10_000)

    def close(self) -> None:
        """Close the connections."""
        self._store.close()
        self._redis.close()

    def forget(self) -> None:
        """Drop all pages, also those that are being read: a run was changed."""
        self._store.invalidate(self._site, [_LIST.id])

    def sharing(self, perform: _Ask) -> _Ask:
        """Return what performs a watcher's requests, and shares their pages."""

        def ask(effect: Perform[Any]) -> Any:
            if effect.operation is _LIST:
                return self._slice(effect, perform)
            if effect.operation is operations.GET_AGENT_RUN and self._is_shared(effect.arguments):
                return self._one(effect, perform) or perform(effect)
            return perform(effect)

        return ask

    def _slice(self, effect: Perform[Any], perform: _Ask) -> Response[AgentRunsResponse]:
        """Return the runs from `skip` on to the end of a page; more when the watcher asks for the same again."""
        org_id, skip = effect.arguments["org_id"], effect.arguments["skip"]
        start = skip - skip % PAGE_SIZE
        now = self._clock.monotonic()
        again = now - self._sliced.get((org_id, skip), -FRESH) < FRESH
        self._sliced[org_id, skip] = now
        whole = self._page(effect, org_id, start, perform)
        items = whole.parsed.items[skip - start :]
        if again and skip > start and whole.parsed.total > start + PAGE_SIZE:
            following = self._page(effect, org_id, start + PAGE_SIZE, perform).parsed
            # Runs that arrived between the two pages have pushed the second one down.
            arrived = max(following.total - whole.parsed.total, 0)
            if following.total >= whole.parsed.total:
                items = [*items, *following.items[arrived : arrived + skip - start]]
        return whole._replace(parsed=evolve(whole.parsed, items=items))

    def _one(self, effect: Perform[Any], perform: _Ask) -> Response[Any] | None:
        """Look for a run on the page on which it stood, at first on the newest; None when it is not there."""
        key = org_id, run_id = effect.arguments["org_id"], effect.arguments["agent_run_id"]
        rank, start = self._ranks.get(key, 0), 0
        for _ in range(2):
            if rank is None:
                return None
            whole = self._page(effect, org_id, start, perform)
            for index, run in enumerate(whole.parsed.items):
                if run.id == run_id:
                    self._ranks[key] = whole.parsed.total - start - index
                    return Response(whole.status_code, whole.content, whole.headers, run)
            place = whole.parsed.total - rank if rank else start
            if place // PAGE_SIZE * PAGE_SIZE == start:
                break
            start = place // PAGE_SIZE * PAGE_SIZE
        self._ranks[key] = None
        return None

    def _is_shared(self, ids: dict[str, Any]) -> bool:
        """Note that somebody waits for this run, and say whether anybody waits for another one of the organisation."""
        name = f"{PREFIX}{{{self._site}}}:{self._credential}:waits:{ids['org_id']}"
        with suppress(self._failure):
            now = self._redis.time()[0]
            with self._redis.pipeline() as pipeline:
                pipeline.zadd(name, {str(ids["agent_run_id"]): now})
                pipeline.zremrangebyscore(name, "-inf", now - _INTEREST)
                pipeline.zcard(name)
                pipeline.expire(name, int(_INTEREST))
                return int(pipeline.execute()[2]) > 1
        return False

    def _page(self, effect: Perform[Any], org_id: Any, start: int, perform: _Ask) -> Response[AgentRunsResponse]:
        key = Key(self._site, self._credential, _LIST.id, f"{org_id}:{start}")
        if (kept := self._store.get(key).entry) is not None:
            return self._decoded(kept)
        with self._turn(key, effect.timeout):
            found = self._store.get(key)
            if found.entry is not None:
                return self._decoded(found.entry)
            arguments = {"org_id": org_id, "skip": start, "limit": PAGE_SIZE}
            response: Response[AgentRunsResponse] = perform(Perform(_LIST, arguments, effect.timeout))
            entry = Entry(((b"content-type", b"application/json"),), response.content)
            self._store.put(key, entry, FRESH, found.ticket)
            return response

    def _decoded(self, entry: Entry) -> Response[AgentRunsResponse]:
        response = httpx.Response(200, headers=list(entry.headers), content=entry.content, request=self._request)
        return decode_whole(_LIST, response)

    def _turn(self, key: Key, timeout: float | None) -> AbstractContextManager[bool]:
        """Let one process after the other read a page; whoever has waited too long reads it as well."""
        longest = min(_LONGEST_LOOK, timeout or _LONGEST_LOOK)
        return self._locked(f"reading:{key.parameters}", _LONGEST_LOOK, longest)

    def alone(self, request_id: str, seconds: float) -> AbstractContextManager[bool]:
        """Say whether this process may create the run of a request id, for so many seconds alone in the fleet."""
        return self._locked(f"creating:{request_id}", seconds, 0.0)

    @contextmanager
    def _locked(self, name: str, seconds: float, longest: float) -> Iterator[bool]:
        whole = f"{PREFIX}{{{self._site}}}:{self._credential}:{name}"
        lock = self._redis.lock(whole, timeout=seconds, sleep=0.05, blocking_timeout=longest, thread_local=False)
        free, mine = True, False
        with suppress(self._failure):
            free = mine = lock.acquire()
        try:
            yield free
        finally:
            if mine:
                with suppress(self._failure):
                    lock.release()
