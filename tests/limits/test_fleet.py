"""What the server sees of several processes that share a limit."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..support.redis_server import RedisServer
from .fleet import CountingServer, Fleet

SKEWS = (0.0, 3_600.0, -86_400.0, 12.5)
LIMIT, WINDOW = 20, 2.0


@pytest.fixture
def server() -> Iterator[CountingServer]:
    with CountingServer() as running:
        yield running


@pytest.mark.parametrize("kind", ["redis", "sqlite"])
def test_four_processes_with_wrong_clocks_share_a_limit_and_use_it(
    kind: str, server: CountingServer, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    redis = request.getfixturevalue("redis_server") if kind == "redis" else None
    with Fleet(server, LIMIT, WINDOW) as fleet:
        fleet.start(redis.address if redis else f"sqlite:///{tmp_path}/limits.db", 3.25 * WINDOW, SKEWS)
    assert set(fleet.outcomes) <= {"ok", "RateLimitError"}
    fleet.check_never_more()
    fleet.check_used(0.9)


def test_redis_is_killed_and_comes_back_empty(server: CountingServer, mortal_redis: RedisServer) -> None:
    with Fleet(server, LIMIT, WINDOW / 2) as fleet:
        fleet.start(mortal_redis.address, 10.0, SKEWS)
        fleet.wait_for_arrivals(LIMIT + 5)
        mortal_redis.kill()
        alone = len(server.arrivals)
        fleet.wait_for_arrivals(alone + LIMIT)
        mortal_redis.start()
        assert not mortal_redis.client.keys()
        time.sleep(0.3)
        fleet.wait_for_arrivals(len(server.arrivals) + LIMIT)
    assert set(fleet.outcomes) <= {"ok", "RateLimitError"}
    assert mortal_redis.client.keys("codegen:*")
    fleet.check_never_more()


def test_redis_is_paused(server: CountingServer, mortal_redis: RedisServer) -> None:
    with Fleet(server, LIMIT, WINDOW / 2) as fleet:
        fleet.start(mortal_redis.address, 7.0, SKEWS[:2])
        fleet.wait_for_arrivals(LIMIT + 5)
        mortal_redis.pause()
        fleet.wait_for_arrivals(len(server.arrivals) + LIMIT // 2)
        mortal_redis.go_on()
    fleet.check_never_more()
