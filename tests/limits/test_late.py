"""Requests that go later than they were booked, because connecting took its time: the next window begins later too."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from codegen_ext.limits.memory import MemoryStore
from codegen_ext.limits.plan import micro
from codegen_ext.limits.redis import RedisPrimary
from codegen_ext.limits.shared import SharedStore
from codegen_ext.limits.sqlite import SqlitePrimary
from codegen_ext.limits.store import Store
from codegen_ext.transport.limits import MARGIN, RateLimitTransport
from codegen_ext.transport.retry import RetryPolicy, RetryTransport

from codegen_ext.clock import Clock
from codegen_ext.testing import FakeClock


class Handshake(httpx.BaseTransport):
    """Needs some seconds for a connection, as httpcore does, and notes when requests go."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.seconds = 0.0
        self.went: list[float] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.clock.advance(self.seconds)
        request.extensions["timeout"].get("write")
        self.went.append(self.clock.monotonic())
        return httpx.Response(200)


def in_memory(clock: Clock, _: Path) -> Store:
    return MemoryStore(clock)


def in_sqlite(clock: Clock, directory: Path) -> Store:
    return SharedStore(SqlitePrimary(str(directory / "limits.db"), lambda: micro(clock.monotonic())), clock)


@pytest.mark.parametrize("place", [in_memory, in_sqlite])
@pytest.mark.parametrize("late", [0.04, 0.06, 3.0])
def test_who_goes_late_counts_from_then(
    place: Callable[[Clock, Path], Any], late: float, clock: FakeClock, tmp_path: Path
) -> None:
    store, handshake = place(clock, tmp_path), Handshake(clock)
    limiter = RateLimitTransport(handshake, store, clock, cap=(2, 10))
    with httpx.Client(transport=RetryTransport(limiter, RetryPolicy(budget=1000), clock)) as client:
        for seconds in (late, late, 0.0):
            handshake.seconds = seconds
            client.get("http://service.invalid")
            if isinstance(store, SharedStore):
                store._errands.finish()
    first, _, third = handshake.went
    # What is within 0.5 % of the window is not worth telling others: the windows are 2 % longer anyway.
    window = 10 * (1 + MARGIN)
    assert third - first == pytest.approx(window if late > 0.05 else window - late, abs=1e-5)


def test_redis_is_told_when_a_request_went(redis_server: Any, clock: FakeClock) -> None:
    store, handshake = SharedStore(RedisPrimary(redis_server.address), clock), Handshake(clock)
    limiter = RateLimitTransport(handshake, store, clock, cap=(2, 10))
    with httpx.Client(transport=RetryTransport(limiter, RetryPolicy(budget=1000), clock)) as client:
        client.get("http://service.invalid")
        (key,) = redis_server.client.keys("*:overall:*0")
        ((ticket, booked),) = redis_server.client.zrange(key, 0, -1, withscores=True)
        store.note_late(ticket, limiter._groups["standard"], -2.0)
        store._errands.finish()
        ((same, moved),) = redis_server.client.zrange(key, 0, -1, withscores=True)
    assert same == ticket
    assert moved - booked >= 2_000_000
