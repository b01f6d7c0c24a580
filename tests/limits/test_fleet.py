"""What the server sees of several processes that share a limit, whatever happens to the store."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..support.redis_server import RedisServer
from .fleet import CountingServer, Fleet, wait_until

pytestmark = pytest.mark.slow

SKEWS = (0.0, 3_600.0, -86_400.0, 12.5)
LIMIT = 20


@pytest.fixture
def server() -> Iterator[CountingServer]:
    with CountingServer() as running:
        yield running


@pytest.mark.parametrize("kind", ["redis", "sqlite"])
def test_four_processes_with_wrong_clocks_share_a_limit_and_use_it(
    kind: str, server: CountingServer, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    redis = request.getfixturevalue("redis_server") if kind == "redis" else None
    with Fleet(server, LIMIT, 2.0) as fleet:
        fleet.start(redis.address if redis else f"sqlite:///{tmp_path}/limits.db", SKEWS)
        fleet.wait_for_more(1)
        start = time.monotonic()
        fleet.wait_for_more(5.5)
    assert set(fleet.outcomes) == {"ok"}
    fleet.check_never_more()
    fleet.check_used(start, 0.95)


def wait_until_they_know_one_another(fleet: Fleet, redis: RedisServer, number: int) -> None:
    def known() -> bool:
        peers = redis.client.keys("codegen:limit:*:peers")
        return bool(peers) and redis.client.zcard(peers[0]) == number

    wait_until(known)
    fleet.wait_for_more(3)  # in which each has asked again


def kill(redis: RedisServer, fleet: Fleet) -> None:
    redis.kill()
    fleet.wait_for_more(1.5)
    redis.start()


def empty(redis: RedisServer, fleet: Fleet) -> None:
    for _ in range(3):
        redis.client.flushall()
        fleet.wait_for_more(0.7)


def stop(redis: RedisServer, fleet: Fleet) -> None:
    redis.pause()
    fleet.wait_for_more(1)
    redis.go_on()


def slow_down(redis: RedisServer, fleet: Fleet) -> None:
    for _ in range(15):
        redis.pause()
        time.sleep(0.3)
        redis.go_on()
        time.sleep(0.05)


def fill(redis: RedisServer, fleet: Fleet) -> None:
    redis.client.config_set("maxmemory", "1")
    fleet.wait_for_more(1)
    redis.client.config_set("maxmemory", "0")


@pytest.mark.parametrize("happens", [kill, empty, stop, slow_down, fill])
def test_never_more_than_the_limit_whatever_happens_to_redis(
    happens: Callable[[RedisServer, Fleet], None], server: CountingServer, mortal_redis: RedisServer
) -> None:
    with Fleet(server, LIMIT, 1.0) as fleet:
        fleet.start(mortal_redis.address, SKEWS)
        wait_until_they_know_one_another(fleet, mortal_redis, len(SKEWS))
        happens(mortal_redis, fleet)
        fleet.wait_for_more(1.5)
        wait_until_they_know_one_another(fleet, mortal_redis, len(SKEWS))
    assert set(fleet.outcomes) <= {"ok", "RateLimitError"}
    assert fleet.outcomes["ok"] > 10 * fleet.outcomes["RateLimitError"]
    fleet.check_never_more()


def test_never_more_than_the_limit_when_redis_fails_over_to_its_replica(
    server: CountingServer, mortal_redis: RedisServer, tmp_path: Path
) -> None:
    replica = RedisServer(tmp_path, "--replicaof", f"127.0.0.1 {mortal_redis.port}")
    replica.start()
    try:
        with Fleet(server, LIMIT, 1.0) as fleet:
            fleet.start(mortal_redis.address, SKEWS)
            wait_until_they_know_one_another(fleet, mortal_redis, len(SKEWS))
            replica.client.replicaof("NO", "ONE")
            mortal_redis.kill()
            mortal_redis.start("--replicaof", f"127.0.0.1 {replica.port}")  # the old address has the replica's data
            wait_until(lambda: mortal_redis.client.info("replication")["master_link_status"] == "up")
            mortal_redis.client.replicaof("NO", "ONE")
            fleet.wait_for_more(2)
            wait_until_they_know_one_another(fleet, mortal_redis, len(SKEWS))
        assert set(fleet.outcomes) <= {"ok", "RateLimitError"}
        fleet.check_never_more()
    finally:
        replica.kill()
