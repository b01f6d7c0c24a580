"""What the server sees of several processes that share a limit."""

from collections.abc import Iterator
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
        fleet.wait_for_more(3)
    assert set(fleet.outcomes) == {"ok"}
    fleet.check_never_more()
    fleet.check_used(0.9)


def wait_until_they_know_one_another(fleet: Fleet, redis: RedisServer, number: int) -> None:
    def known() -> bool:
        peers = redis.client.keys("codegen:limit:*:peers")
        return bool(peers) and redis.client.zcard(peers[0]) == number

    wait_until(known)
    fleet.wait_for_more(3)  # in which everybody has asked again


def test_redis_is_killed_and_comes_back_empty(server: CountingServer, mortal_redis: RedisServer) -> None:
    with Fleet(server, LIMIT, 1.0) as fleet:
        fleet.start(mortal_redis.address, SKEWS)
        wait_until_they_know_one_another(fleet, mortal_redis, len(SKEWS))
        mortal_redis.kill()
        fleet.wait_for_more(1.5)
        mortal_redis.start()
        fleet.wait_for_more(1.5)
        wait_until_they_know_one_another(fleet, mortal_redis, len(SKEWS))
    assert set(fleet.outcomes) <= {"ok", "RateLimitError"}
    assert fleet.outcomes["ok"] > 10 * fleet.outcomes["RateLimitError"]
    fleet.check_never_more()


def test_redis_is_paused(server: CountingServer, mortal_redis: RedisServer) -> None:
    with Fleet(server, LIMIT, 1.0) as fleet:
        fleet.start(mortal_redis.address, SKEWS[:2])
        wait_until_they_know_one_another(fleet, mortal_redis, 2)
        mortal_redis.pause()
        fleet.wait_for_more(1)
        mortal_redis.go_on()
        fleet.wait_for_more(2)
    assert set(fleet.outcomes) <= {"ok", "RateLimitError"}
    fleet.check_never_more()
