"""Calls that travel, since a kept answer asks no limit, limiters without a client around them, and a plain store."""

import httpx
import pytest

from codegen_ext import ClientConfig
from codegen_ext._request import Call, Deadline
from codegen_ext.rate_limits.store import PEER_PERIOD, Reply
from codegen_ext.rate_limits.window import Window, micro
from codegen_ext.redact import Redactor
from codegen_ext.storage import StoreUnavailable

from ..conftest import TOKEN


@pytest.fixture(autouse=True)
def no_cache(environment, monkeypatch):
    """Switch the cache off for clients that do not say."""
    monkeypatch.setenv("CODEGEN_ENABLE_CACHING", "false")


@pytest.fixture
def clock(clock, monkeypatch):
    """Monotonic clocks may begin anywhere."""
    monotonic = clock.monotonic
    monkeypatch.setattr(clock, "monotonic", lambda: monotonic() - 86_400)
    return clock


@pytest.fixture
def store(clock):
    """A store with a clock of its own, which goes as fast."""
    return ModelStore(lambda: micro(clock.monotonic() + 1_000_000))


def settings(cap, **others):
    """Return settings with a cap for all requests, which an empty object answers."""
    requests, seconds = cap
    return ClientConfig(
        api_token=TOKEN,
        transport=httpx.MockTransport(lambda request: httpx.Response(200, json={})),
        rate_limit_requests_per_period=requests,
        rate_limit_period_seconds=seconds,
        **others,
    )


def call(clock, seconds=None, cancel=None):
    """Return a call of no operation that may take so many seconds."""
    return Call(None, "GET /anything", Deadline.after(clock, seconds), 0, Redactor(TOKEN), cancel)


class ModelStore:
    """A shared store, whatever it is: Redis and SQLite must do the same.

    `is_away` makes it unavailable, `empty` lets it forget.
    """

    def __init__(self, now):
        self.now = now
        self.life = ""
        self.is_away = False
        self.asked = 0
        self.empty()

    def empty(self):
        self.life += "1"
        self.sent = {}
        self.closed = {}
        self.peers = {}

    def _come(self):
        self.asked += 1
        if self.is_away:
            raise StoreUnavailable("ConnectionError")
        return self.now()

    def window(self, scope, limit):
        since = self.now() - limit.window
        times = sorted(time for time in self.sent.get((scope, limit), {}).values() if time > since)
        return Window(limit, times, self.closed.get((scope, limit), 0))

    def attempt(self, scope, limits, process, member, life):
        now = self._come()
        self.peers[scope, process] = now
        self.peers = {peer: seen for peer, seen in self.peers.items() if seen > now - PEER_PERIOD}
        wait = max(self.window(scope, limit).wait(now) for limit in limits)
        if life in ("", self.life) and not wait:
            self.write(scope, [(limits, member, 0)], {})
        peers = sum(known == scope for known, _ in self.peers)
        return Reply(self.life, wait, peers, len(self.window(scope, limits[0]).times))

    def write(self, scope, sent, closures):
        now = self._come()
        for limits, member, age in sent:
            for limit in limits:
                self.sent.setdefault((scope, limit), {})[member] = now - age
        for limit, period in closures.items():
            self.closed[scope, limit] = max(now + period, self.closed.get((scope, limit), 0))

    def read(self, scope, limits):
        return self._come(), [self.window(scope, limit) for limit in limits]

    def close(self):
        pass
