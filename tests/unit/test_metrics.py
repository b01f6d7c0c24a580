"""Counting: the collector, and its statistics by key and by attribute."""

import copy
import pickle
import threading
from typing import Any

import pytest

from codegen_ext.metrics import MetricsCollector, Stats
from codegen_ext.testing import FakeClock


def part(counted: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: counted[name] for name in names}


def test_nothing_counted() -> None:
    stats = MetricsCollector(FakeClock()).get_stats()
    zeros = ["uptime_seconds", "total_requests", "total_errors", "error_rate", "cache_hit_rate"]
    assert part(stats, *zeros) == dict.fromkeys(zeros, 0)
    assert (stats["average_response_time"], stats["avg_response_time"], stats["success_rate"]) == (0, 0, 1)
    assert (stats["status_code_distribution"], stats["operations"]) == ({}, {})


def test_requests_are_counted_by_operation_and_altogether() -> None:
    clock = FakeClock()
    metrics = MetricsCollector(clock)
    metrics.record("get_user", 1.0, 200)
    metrics.record("get_user", 3.0, 404)
    metrics.record("get_users", 2.0, None)
    metrics.record("get_users", 2.0, 200, cached=True)
    clock.advance(50)
    stats = metrics.get_stats()
    assert {name: part(seen, "requests", "errors", "status_codes") for name, seen in stats["operations"].items()} == {
        "get_user": {"requests": 2, "errors": 1, "status_codes": {200: 1, 404: 1}},
        "get_users": {"requests": 2, "errors": 1, "status_codes": {200: 1}},
    }
    assert [seen["average_response_time"] for seen in stats["operations"].values()] == [2.0, 2.0]
    assert (stats["total_requests"], stats["total_errors"]) == (4, 2)
    assert (stats["error_rate"], stats["success_rate"]) == (0.5, 0.5)
    assert stats["average_response_time"] == stats["avg_response_time"] == 2.0
    assert stats["cache_hit_rate"] == 0.25
    assert stats["status_code_distribution"] == {200: 2, 404: 1}
    assert stats["uptime_seconds"] == 50


def test_the_collector_takes_requests_in_the_notation_that_users_know() -> None:
    metrics = MetricsCollector(FakeClock())
    metrics.record_request("GET", "/users/me", 0.5, 200, "req-1", cached=True)
    metrics.record_request("POST", "/runs", 1.5, 503, request_id="req-2")
    stats = metrics.get_stats()
    assert set(stats["operations"]) == {"GET /users/me", "POST /runs"}
    assert (stats["total_errors"], stats["cache_hit_rate"], stats["avg_response_time"]) == (1, 0.5, 1.0)


def test_a_reset_starts_anew() -> None:
    clock = FakeClock()
    metrics = MetricsCollector(clock)
    metrics.record("x", 1.0, 500, cached=True)
    clock.advance(9)
    metrics.reset()
    assert metrics.get_stats() == MetricsCollector(FakeClock()).get_stats()


def test_no_count_is_lost_between_threads() -> None:
    metrics = MetricsCollector()

    def count() -> None:
        for _ in range(500):
            metrics.record("x", 0.0, 200)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert metrics.get_stats()["total_requests"] == 4000


def test_statistics_answer_by_key_and_by_attribute() -> None:
    stats = Stats({"metrics": {"error_rate": 0.5, "x": 1}, "config": {"x": 2, "timeout": 30}})
    assert stats["metrics"]["error_rate"] == stats.error_rate == 0.5
    assert stats["config"]["timeout"] == stats.timeout == 30
    assert stats.x == 1
    assert dict(stats) == {"metrics": {"error_rate": 0.5, "x": 1}, "config": {"x": 2, "timeout": 30}}
    assert (len(stats), list(stats)) == (2, ["metrics", "config"])
    assert pickle.loads(pickle.dumps(stats)) == copy.deepcopy(stats) == stats
    with pytest.raises(AttributeError, match="no statistic 'nothing'"):
        stats.nothing  # noqa: B018
    with pytest.raises(KeyError):
        stats["nothing"]
    for other in (copy.copy(stats), pickle.loads(pickle.dumps(stats))):
        assert other.error_rate == 0.5
