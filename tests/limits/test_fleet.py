"""What the server sees of several processes that share a limit, whatever happens to the store."""

import threading
import time
from bisect import bisect_left
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from multiprocessing import get_context

import httpx
import pytest
from codegen_api.operations import OPERATIONS, RateLimit

from codegen_ext import ClientConfig, CodegenAPIError, CodegenClient, NotFoundError
from codegen_ext._sync.rate_limiter import RateLimiter
from codegen_ext.clock import SystemClock
from codegen_ext.rate_limits.window import SECOND

from ..support.loopback import Loopback, reply
from ..support.programs import RedisServer
from ..support.waiting import until

pytestmark = pytest.mark.slow

SKEWS = (0.0, 3_600.0, -86_400.0, 12.5)
LIMIT = 20
wait_until = partial(until, seconds=120)


class SkewedClock(SystemClock):
    """A clock that is wrong by so many seconds."""

    def __init__(self, skew):
        self._skew = skew

    def time(self):
        return super().time() + self._skew

    def monotonic(self):
        return super().monotonic() + self._skew


class Stamped(httpx.HTTPTransport):
    """Tells the server when a request was admitted, so that the test knows how long it was on its way."""

    def __init__(self, skew):
        super().__init__()
        self._admitted = threading.local()

        def acquire(limiter, call, acquire=RateLimiter.acquire):
            slot = acquire(limiter, call)
            self._admitted.at = slot.time / SECOND - skew
            return slot

        RateLimiter.acquire = acquire  # for this process, which has no other client

    def handle_request(self, request):
        request.headers["connection"] = "close"  # httpcore may close an idle one that it has just given away
        request.headers["x-admitted"] = repr(self._admitted.at)
        return super().handle_request(request)


def work(base_url, shared_state, window, skew):
    """Ask in four threads as often as the limit lets them, until the answer is 404; return what came of it."""
    for name, operation in OPERATIONS.items():
        OPERATIONS[name] = operation._replace(rate_limit=RateLimit(LIMIT, window, "standard"))
    where = {"base_url": base_url, "shared_state": shared_state, "transport": Stamped(skew)}
    config = ClientConfig(api_token="fleet-token", total_timeout=20, max_retries=0, log_level="ERROR", **where)

    def hammer(_):
        outcomes = Counter()
        while True:
            try:
                client.request("GET", "/v1/anything")
                outcomes["ok"] += 1
            except NotFoundError:
                return outcomes
            except CodegenAPIError as error:
                outcomes[type(error).__name__] += 1
                time.sleep(0.1)

    with CodegenClient(config, clock=SkewedClock(skew)) as client, ThreadPoolExecutor(4) as pool:
        return sum(pool.map(hammer, range(4)), Counter())


@contextmanager
def fleet(server, shared_state):
    """Let four workers with wrong clocks share a limit; the outcomes are there at the end of the `with` statement."""
    outcomes = Counter()
    with ProcessPoolExecutor(len(SKEWS), get_context("spawn")) as pool:
        working = [pool.submit(work, server.base_url, shared_state, server.window, skew) for skew in SKEWS]
        try:
            yield outcomes
        finally:
            server.answers = [reply({}, 404)]
            for each in working:
                outcomes.update(each.result(120))


class CountingServer(Loopback):
    """Answers every request with an empty object and notes when it came, on the one clock of the machine."""

    def __init__(self, window):
        super().__init__(reply({}))
        self.window = window
        self.moments = []
        self.delays = []
        self.looks = []
        """Moments at which the test looked, a hundredth of a second apart unless the machine stands still."""

    def _answer(self, received):
        self.moments.append(time.monotonic())
        self.delays.append(time.monotonic() - float(received.headers["x-admitted"]))
        return super()._answer(received)

    def wait_for_more(self, windows):
        """Return once as many requests more have come as these windows hold."""
        number = len(self.moments) + windows * LIMIT
        wait_until(lambda: self.looks.append(time.monotonic()) or len(self.moments) >= number)

    @property
    def jitter(self):
        """By how many seconds one request was longer on its way than another, because the machine is busy."""
        return max(self.delays) - min(self.delays)

    def check_never_more(self):
        """Fail when more came in any window; 5 % of it are the network's, or what the network really took."""
        moments = sorted(self.moments)
        length = self.window - max(0.05 * self.window, self.jitter)
        most = max(bisect_left(moments, moment + length) - index for index, moment in enumerate(moments))
        print(f"at most {most} of {LIMIT}, jitter {self.jitter:.3f} s")
        assert most <= LIMIT

    def check_used(self, since, least):
        """Fail when so many requests as whole windows may have took longer than this part of the limit allows."""
        moments = sorted(moment for moment in self.moments if moment >= since)
        windows = (len(moments) - 1) // LIMIT
        stood_still = sum(after - before for before, after in pairwise(self.looks) if after - before > 0.5)
        used = windows * self.window / (moments[windows * LIMIT] - moments[0] - stood_still)
        print(f"{used:.1%} of the limit in {windows} windows")
        assert used >= least - self.jitter / (windows * self.window)


@pytest.mark.parametrize("kind", ["redis", "sqlite"])
def test_four_processes_with_wrong_clocks_share_a_limit_and_use_it(kind, tmp_path, request):
    redis = request.getfixturevalue("redis_server") if kind == "redis" else None
    address = redis.address if redis else f"sqlite:///{tmp_path}/limits.db"
    with CountingServer(2.0) as server, fleet(server, address) as outcomes:
        server.wait_for_more(1)
        start = time.monotonic()
        server.wait_for_more(5.5)
    assert set(outcomes) == {"ok"}
    server.check_never_more()
    server.check_used(start, 0.95)


def wait_until_they_know_one_another(server, redis):
    def known():
        peers = redis.client.keys("codegen:limit:*:peers")
        return bool(peers) and redis.client.zcard(peers[0]) == len(SKEWS)

    wait_until(known)
    server.wait_for_more(3)  # in which each has asked again


def kill(redis, server):
    redis.kill()
    server.wait_for_more(1.5)
    redis.start()


def empty(redis, server):
    for _ in range(3):
        redis.client.flushall()
        server.wait_for_more(0.7)


def stop(redis, server):
    redis.pause()
    server.wait_for_more(1)
    redis.go_on()


def slow_down(redis, server):
    for _ in range(15):
        redis.pause()
        time.sleep(0.3)
        redis.go_on()
        time.sleep(0.05)


def fill(redis, server):
    redis.client.config_set("maxmemory", "1")
    server.wait_for_more(1)
    redis.client.config_set("maxmemory", "0")


def follow(redis, other):
    redis.start("--replicaof", f"127.0.0.1 {other.port}")
    wait_until(lambda: redis.client.info("replication")["master_link_status"] == "up")


def fail_over(redis, server):
    replica = RedisServer(redis._directory)
    follow(replica, redis)
    try:
        server.wait_for_more(1)
        replica.client.replicaof("NO", "ONE")
        redis.kill()
        follow(redis, replica)  # the old address has the replica's data
        redis.client.replicaof("NO", "ONE")
    finally:
        replica.kill()


@pytest.mark.parametrize("happens", [kill, empty, stop, slow_down, fill, fail_over])
def test_never_more_than_the_limit_whatever_happens_to_redis(happens, mortal_redis):
    with CountingServer(1.0) as server, fleet(server, mortal_redis.address) as outcomes:
        wait_until_they_know_one_another(server, mortal_redis)
        happens(mortal_redis, server)
        server.wait_for_more(2)
        wait_until_they_know_one_another(server, mortal_redis)
    assert set(outcomes) <= {"ok", "RateLimitError"}
    assert outcomes["ok"] > 10 * outcomes["RateLimitError"]
    server.check_never_more()
