"""Keeping within the service's rate limits: every request has its place before it travels.

What is decided here is when; who else waits for what is kept in a store, see `codegen_ext.limits`.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Generator
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
from codegen_api.operations import OPERATIONS

from ..clock import SYSTEM_CLOCK, Clock
from ..exchange import retry_after_of
from ..fingerprint import fingerprint
from ..flow import Sleep
from ..limits.memory import MemoryStore
from ..limits.plan import LATENESS, SECOND, Bucket
from ..limits.store import LimitExceeded, Store, Verdict
from .extensions import DEADLINE, OPERATION
from .metrics import operation_of
from .steps import Ask, Send, SteppedTransport, Steps

if TYPE_CHECKING:
    from ..limits.status import RateLimitStatus

STANDARD = "standard"
"""The group of requests that the contract does not know."""
OVERALL = "overall"
"""The name of the cap that the user set, among the groups."""
MARGIN = 0.02
"""By what part windows are lengthened, because one request may take longer to the service than the next."""
REQUEST_SECONDS = 0.5
"""What a wait must leave of the call's time; a place that comes later is of no use, and a create would be in doubt."""
UNSAID_CLOSURE = 1.0
"""Seconds for which a refusal without Retry-After closes a group; the pauses of the retries grow from there."""
LONGEST_CLOSURE = 86_400.0
"""Seconds after which a group opens again, whatever the service said."""

_numbers = itertools.count()
_origin = os.urandom(6).hex()


class RateLimitTransport(SteppedTransport):
    """Sends each request of the wrapped transport when the limits of its operation let it, in the order of arrival.

    Raises LimitExceeded at once when the wait would exceed the request's deadline. After a 429 the group is closed for
    everybody who shares the store, as long as Retry-After says; the response is passed on.

    Args:
        wrapped: What sends the requests.
        store: Keeps the buckets, in memory by default; closed with the transport.
        clock: Where time comes from.
        service_url: The service, and …
        credential: … the token whose limits these are; neither is kept.
        service: Name of the service in the contract.
        cap: Requests and seconds of an overall limit besides the contract's, None for none.
        idle: Let everything through.
        on_wait: Called with the operation and the seconds that a request has waited.

    """

    def __init__(
        self,
        wrapped: Any,
        store: Store | None = None,
        clock: Clock = SYSTEM_CLOCK,
        *,
        service_url: str = "",
        credential: str = "",
        service: str = "codegen",
        cap: tuple[int, float] | None = None,
        idle: bool = False,
        on_wait: Callable[[str, float], object] | None = None,
    ) -> None:
        super().__init__(wrapped, clock)
        self._store = store or MemoryStore(clock)
        self._idle = idle
        self._on_wait = on_wait
        self._is_open = True
        scope = fingerprint(service_url.rstrip("/"), credential)
        operations = [operation for operation in OPERATIONS.values() if operation.service == service]
        limits = {operation.rate_limit.group: operation.rate_limit for operation in operations}
        self._overall = () if cap is None else (_bucket(scope, cap[0], cap[1], OVERALL),)
        self._groups = {group: (_bucket(scope, *limit), *self._overall) for group, limit in limits.items()}
        self._buckets = {operation.id: self._groups[operation.rate_limit.group] for operation in operations}
        # Who goes later than this after asking, as after a slow handshake, would make the window after it too short.
        self._late = min(bucket.window for group in self._groups.values() for bucket in group) / LATENESS / SECOND

    def steps(self, request: httpx.Request) -> Steps:
        """Wait for a place, send, and close the group when the service refuses."""
        if self._idle:
            response: httpx.Response = yield Send(request)
            return response
        buckets = self._buckets.get(request.extensions.get(OPERATION) or "", self._groups[STANDARD])
        place = _Place(self._store, buckets)
        if self._store.blocks or not self._goes_at_once(place, request):
            yield from self._wait(place, request)
        try:
            response = yield Send(request)
        finally:
            sent_at = getattr(request.extensions.get("timeout"), "sent_at", None)
            if sent_at is not None and sent_at - place.asked_at > self._late:
                self._store.note_late(place.ticket, buckets, self._clock.monotonic() - sent_at)
        if response.status_code == 429:
            # No effect between here and the return: a cancelled caller would leave the response open.
            seconds = retry_after_of(response)
            self._store.close_for(buckets, UNSAID_CLOSURE if seconds is None else min(seconds, LONGEST_CLOSURE))
        return response

    def _budget(self, place: _Place, request: httpx.Request) -> float | None:
        deadline: float | None = request.extensions.get(DEADLINE)
        now = place.asked_at = self._clock.monotonic()
        return None if deadline is None else max(0.0, deadline - now - REQUEST_SECONDS)

    def _goes_at_once(self, place: _Place, request: httpx.Request) -> bool:
        """Whether there is a place now, as nearly always; asked without a driver, which every call would pay for."""
        verdict = place.ask(self._budget(place, request))
        return verdict.booked and not verdict.wait

    def _wait(self, place: _Place, request: httpx.Request) -> Generator[Ask | Sleep, Verdict, None]:
        waited = 0.0
        try:
            while True:
                budget = self._budget(place, request)
                verdict = yield Ask(partial(place.ask, budget), self._store.blocks)
                if not verdict.booked:
                    raise LimitExceeded(verdict.wait)
                if not verdict.wait:
                    return
                start = self._clock.monotonic()
                try:
                    yield Sleep(verdict.wait)
                finally:
                    waited += self._clock.monotonic() - start
        except BaseException:
            place.leave()
            raise
        finally:
            if waited and self._on_wait is not None:
                self._on_wait(operation_of(request), waited)

    def status(self) -> RateLimitStatus:
        """Return what is left of each limit; blocks for a moment where limits are shared."""
        from ..limits.status import status_of

        buckets = {group: buckets[0] for group, buckets in self._groups.items()}
        if self._overall:
            buckets[OVERALL] = self._overall[0]
        return status_of(dict(zip(buckets, self._store.status(list(buckets.values())), strict=True)))

    def get_current_usage(self) -> dict[str, Any]:
        """Return how the tightest group is used, as `RateLimiter.get_current_usage` does; blocks like `status`."""
        status = self.status()
        used = status.limit - status.remaining
        tightest = next(name for name, group in status.groups.items() if group.items() <= status.items())
        bucket = self._groups.get(tightest, self._overall)[0]
        return {
            "current_requests": used,
            "max_requests": status.limit,
            "period_seconds": round(bucket.window / (1 + MARGIN) / SECOND, 3),
            "usage_percentage": used / status.limit * 100,
        }

    def close(self) -> None:
        """Close the wrapped transport and the store."""
        super().close()
        self._close_store()

    async def aclose(self) -> None:
        """Close the wrapped transport and the store."""
        await super().aclose()
        if self._store.blocks:
            from asyncio import to_thread

            await to_thread(self._close_store)  # which may wait for what is still to be told
        else:
            self._close_store()

    def _close_store(self) -> None:
        if self._is_open:
            self._is_open = False
            self._store.close()


class _Place:
    """One request's place in the queue."""

    def __init__(self, store: Store, buckets: tuple[Bucket, ...]) -> None:
        self._store = store
        self._buckets = buckets
        # In order of arrival, and known to nobody else who shares the store, also not to a fork of this process.
        self.ticket = f"{next(_numbers):012}{_origin}{os.getpid():x}"
        self.asked_at = 0.0
        self._is_left = False

    def ask(self, budget: float | None) -> Verdict:
        """Book it, or see whether it is time."""
        verdict = self._store.take(self.ticket, self._buckets, budget)
        if self._is_left:  # meanwhile: a thread is not cancelled with the task that waits for it
            self._store.release(self.ticket, self._buckets)
        return verdict

    def leave(self) -> None:
        """Give it up."""
        self._is_left = True
        self._store.release(self.ticket, self._buckets)


def _bucket(scope: str, requests: int, seconds: float, group: str) -> Bucket:
    return Bucket.of(scope, group, requests, seconds * (1 + MARGIN))
