"""What is counted of each operation: calls on one side, the attempts that they are made of on the other."""

import copy
import json
import math
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_ext import CodegenAPIError, ConfigurationError
from codegen_ext.metrics import MetricsCollector, Stats
from codegen_ext.testing import FakeClock, Fault, Sandbox

Connect = Callable[..., Any]


def part(counted: dict[str, Any], *names: str) -> list[Any]:
    return [counted[name] for name in names]


def test_nothing_is_left_after_a_reset(client: Any, clock: FakeClock) -> None:
    metrics = MetricsCollector(FakeClock())
    metrics.record_request("GET", "/users/me", 0.5, 200, "req-1", cached=True)
    metrics.record_request("POST", "/runs", 1.5, 503, request_id="req-2")
    stats = metrics.get_stats()
    assert set(stats["operations"]) == {"GET /users/me", "POST /runs"}
    assert part(stats, "total_errors", "cache_hit_rate", "avg_response_time") == [1, 0.5, 1.0]
    metrics.reset()
    empty = metrics.get_stats()
    zeros = ["uptime_seconds", "total_requests", "total_errors", "error_rate", "cache_hit_rate"]
    assert part(empty, *zeros, "average_response_time", "p99", "success_rate") == [0] * 7 + [1]
    assert part(empty, "status_code_distribution", "operations") == [{}, {}]
    for reset in (client.reset_stats, client.reset_metrics):
        client.get_current_user()
        clock.advance(9)
        reset()
        assert client.get_stats()["metrics"] == empty


def test_requests_are_counted_by_operation_and_altogether(client: Any, sandbox: Sandbox, clock: FakeClock) -> None:
    sandbox.inject("get_current_user", Fault.latency(2), times=1)
    client.get_current_user()
    for fault in (Fault.status(503), Fault.reset_before()):
        sandbox.inject("get_users", fault, times=1)
        with pytest.raises(CodegenAPIError):
            client.get_users(323)
    with pytest.raises(CodegenAPIError):
        client.get_agent_run(323, "x")  # an argument that is refused is no request
    client.request("GET", "/v1/users/me")
    clock.advance(8)
    stats = client.get_stats()
    assert part(stats["metrics"], "total_requests", "total_errors", "error_rate", "cache_hit_rate") == [4, 2, 0.5, 0]
    assert (stats.total_requests, stats.total_errors, stats.error_rate, stats.success_rate) == (4, 2, 0.5, 0.5)
    assert stats.average_response_time == stats.avg_response_time == 0.5
    assert stats.status_code_distribution == {200: 2, 503: 1}
    assert (stats.uptime_seconds, stats.cache_hit_rate) == (10, 0)
    operations = stats["metrics"]["operations"]
    assert {name: part(seen, "requests", "errors", "status_codes") for name, seen in operations.items()} == {
        "get_current_user": [1, 0, {200: 1}],
        "get_users": [2, 2, {503: 1}],
        "GET other": [1, 0, {200: 1}],
    }
    assert client.metrics.get_stats() == stats["metrics"]
    assert stats["config"] == {
        "base_url": sandbox.base_url,
        "metrics_enabled": True,
        "caching_enabled": False,
        "max_retries": 0,
        "timeout": 30,
    }


def test_a_call_is_counted_once_and_each_of_its_attempts_by_itself(sandbox: Sandbox, connect: Connect) -> None:
    sandbox.inject("get_current_user", Fault.latency(2), times=3)
    sandbox.inject("get_current_user", Fault.status(503, retry_after=10), times=1)
    sandbox.inject("get_current_user", Fault.reset_before(), times=1)
    client = connect(max_retries=3)
    client.get_current_user()
    stats = client.get_stats()["metrics"]
    assert part(stats, "total_requests", "total_errors", "total_attempts", "retries") == [1, 0, 3, 2]
    names = ("requests", "errors", "status_codes", "retries")
    call, attempt = stats["operations"]["get_current_user"], stats["attempts"]["get_current_user"]
    assert part(call, *names) == [1, 0, {200: 1}, 2]
    assert part(attempt, *names) == [3, 2, {200: 1, 503: 1}, 0]
    # The time of a call has its pauses.
    assert call["average_response_time"] == pytest.approx(17, abs=1.1)
    assert attempt["average_response_time"] == pytest.approx(2)


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=300))
def test_percentiles_are_those_of_the_sorted_durations(durations: list[float]) -> None:
    collector = MetricsCollector()
    for seconds in durations:
        collector.record("any", seconds, 200)
    for stats in (collector.get_stats(), collector.get_stats()["operations"]["any"]):
        for name, fraction in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            rank = max(math.ceil(fraction * len(durations)), 1)
            assert stats[name] == pytest.approx(sorted(durations)[rank - 1], rel=0.05)


def test_what_a_client_tells_of_itself_is_ready_for_json(connect: Connect) -> None:
    client = connect(enable_caching=True, rate_limits=True)
    for _ in range(2):
        client.get_current_user()
    told = {"stats": client.get_stats(), "limits": client.get_rate_limit_status(), "cache": client.get_cache_stats()}
    read = json.loads(json.dumps(told))
    metrics = read["stats"]["metrics"]
    assert part(metrics, "total_requests", "cache_hits", "cache_hit_rate", "total_attempts") == [2, 1, 0.5, 1]
    assert metrics["operations"]["get_current_user"]["cache_hits"] == 1
    assert read["limits"]["groups"]["standard"]["remaining"] == told["limits"].groups["standard"].remaining == 59
    assert read["cache"]["misses"] == told["cache"].misses == 1


def test_statistics_answer_by_key_and_by_attribute() -> None:
    stats = Stats({"metrics": {"error_rate": 0.5, "x": 1}, "config": {"x": 2, "timeout": 30}})
    assert stats["metrics"]["error_rate"] == stats.error_rate == 0.5
    assert (stats.timeout, stats.x) == (30, 1)
    with pytest.raises(AttributeError, match="no statistic 'nothing'"):
        stats.nothing  # noqa: B018
    for other in (copy.copy(stats), copy.deepcopy(stats), pickle.loads(pickle.dumps(stats))):
        assert (other, other.error_rate) == (stats, 0.5)


def test_statistics_can_be_switched_off(connect: Connect) -> None:
    client = connect(enable_metrics=False)
    assert client.get_current_user().id == 1
    for ask in (lambda: client.metrics, client.get_stats, client.reset_stats, client.reset_metrics):
        with pytest.raises(ConfigurationError, match="enable_metrics"):
            ask()
