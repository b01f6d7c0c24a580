"""What the server sees of several processes that share a limit, whatever happens to the store."""

import json
import subprocess
import sys
import time
from bisect import bisect_left
from collections import Counter
from functools import partial
from typing import NamedTuple

import pytest

from ..docs.pages import ROOT
from ..support.loopback import Loopback, reply
from ..support.programs import RedisServer
from ..support.waiting import until

pytestmark = pytest.mark.slow

SKEWS = (0.0, 3_600.0, -86_400.0, 12.5)
LIMIT = 20


class Arrival(NamedTuple):
    """When a request came, and when it had been sent, on the one clock of the machine."""

    at: float
    sent: float


class CountingServer(Loopback):
    """Answers every request with an empty object and notes when it came."""

    def __init__(self):
        super().__init__(reply({}))
        self.arrivals = []

    def _answer(self, received):
        self.arrivals.append(Arrival(time.monotonic(), float(received.headers["x-sent"])))
        return super()._answer(received)


@pytest.fixture
def server():
    with CountingServer() as running:
        yield running


wait_until = partial(until, seconds=120)


class Fleet:
    """Four workers with wrong clocks that share a limit; they stop at the end of the `with` statement."""

    def __init__(self, server, shared_state, window):
        self._server = server
        self._window = window
        self.outcomes = Counter[str]()
        shared = {"base_url": server.base_url, "shared_state": shared_state, "limit": LIMIT, "window": window}
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.limits.worker", json.dumps({**shared, "skew": skew})],
                cwd=ROOT,
                text=True,
                **pipes,
            )
            for skew in SKEWS
        ]

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        try:
            for process in self._processes:
                assert process.stdin is not None
                process.stdin.close()
                process.stdin = None  # or else `communicate` would use it
            for process in self._processes:
                output, errors = process.communicate(timeout=120)
                assert process.returncode == 0, errors
                self.outcomes.update(json.loads(output))
        finally:
            for process in self._processes:
                process.kill()
                process.wait()

    def wait_for_more(self, windows):
        """Return once as many requests more have come as these windows hold."""
        number = len(self._server.arrivals) + windows * LIMIT
        wait_until(lambda: len(self._server.arrivals) >= number)

    @property
    def jitter(self):
        """By how many seconds one request was longer on its way than another, because the machine is busy."""
        delays = [arrival.at - arrival.sent for arrival in self._server.arrivals]
        return max(delays) - min(delays)

    def check_never_more(self):
        """Fail when more came in any window; 5 % of it are the network's, or what the network really took."""
        moments = sorted(arrival.at for arrival in self._server.arrivals)
        length = self._window - max(0.05 * self._window, self.jitter)
        most = max(bisect_left(moments, moment + length) - index for index, moment in enumerate(moments))
        print(f"at most {most} of {LIMIT}, jitter {self.jitter:.3f} s, {dict(self.outcomes)}")
        assert most <= LIMIT

    def check_used(self, since, least):
        """Fail when so many requests as whole windows may have took longer than this part of the limit allows."""
        moments = sorted(arrival.at for arrival in self._server.arrivals if arrival.at >= since)
        windows = (len(moments) - 1) // LIMIT
        used = windows * self._window / (moments[windows * LIMIT] - moments[0])
        print(f"{used:.1%} of the limit in {windows} windows")
        assert used >= least - self.jitter / (windows * self._window)


@pytest.mark.parametrize("kind", ["redis", "sqlite"])
def test_four_processes_with_wrong_clocks_share_a_limit_and_use_it(kind, server, tmp_path, request):
    redis = request.getfixturevalue("redis_server") if kind == "redis" else None
    with Fleet(server, redis.address if redis else f"sqlite:///{tmp_path}/limits.db", 2.0) as fleet:
        fleet.wait_for_more(1)
        start = time.monotonic()
        fleet.wait_for_more(5.5)
    assert set(fleet.outcomes) == {"ok"}
    fleet.check_never_more()
    fleet.check_used(start, 0.95)


def wait_until_they_know_one_another(fleet, redis):
    def known():
        peers = redis.client.keys("codegen:limit:*:peers")
        return bool(peers) and redis.client.zcard(peers[0]) == len(SKEWS)

    wait_until(known)
    fleet.wait_for_more(3)  # in which each has asked again


def kill(redis, fleet):
    redis.kill()
    fleet.wait_for_more(1.5)
    redis.start()


def empty(redis, fleet):
    for _ in range(3):
        redis.client.flushall()
        fleet.wait_for_more(0.7)


def stop(redis, fleet):
    redis.pause()
    fleet.wait_for_more(1)
    redis.go_on()


def slow_down(redis, fleet):
    for _ in range(15):
        redis.pause()
        time.sleep(0.3)
        redis.go_on()
        time.sleep(0.05)


def fill(redis, fleet):
    redis.client.config_set("maxmemory", "1")
    fleet.wait_for_more(1)
    redis.client.config_set("maxmemory", "0")


def follow(redis, other):
    redis.start("--replicaof", f"127.0.0.1 {other.port}")
    wait_until(lambda: redis.client.info("replication")["master_link_status"] == "up")


def fail_over(redis, fleet):
    replica = RedisServer(redis._directory)
    follow(replica, redis)
    try:
        fleet.wait_for_more(1)
        replica.client.replicaof("NO", "ONE")
        redis.kill()
        follow(redis, replica)  # the old address has the replica's data
        redis.client.replicaof("NO", "ONE")
    finally:
        replica.kill()


@pytest.mark.parametrize("happens", [kill, empty, stop, slow_down, fill, fail_over])
def test_never_more_than_the_limit_whatever_happens_to_redis(happens, server, mortal_redis):
    with Fleet(server, mortal_redis.address, 1.0) as fleet:
        wait_until_they_know_one_another(fleet, mortal_redis)
        happens(mortal_redis, fleet)
        fleet.wait_for_more(2)
        wait_until_they_know_one_another(fleet, mortal_redis)
    assert set(fleet.outcomes) <= {"ok", "RateLimitError"}
    assert fleet.outcomes["ok"] > 10 * fleet.outcomes["RateLimitError"]
    fleet.check_never_more()
