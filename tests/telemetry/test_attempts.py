"""What is counted of each operation: calls on one side, the attempts that they are made of on the other."""

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_ext import NetworkError, ServerError
from codegen_ext.metrics import MetricsCollector
from codegen_ext.testing import FakeClock, Fault, Sandbox

Connect = Callable[..., Any]


def test_a_call_is_counted_once_and_each_of_its_attempts_by_itself(sandbox: Sandbox, connect: Connect) -> None:
    sandbox.inject("get_current_user", Fault.status(503), times=1)
    sandbox.inject("get_current_user", Fault.reset_before(), times=1)
    client = connect(max_retries=3)
    client.get_current_user()
    stats = client.get_stats()["metrics"]
    call, attempts = stats["operations"]["get_current_user"], stats["attempts"]["get_current_user"]
    assert (stats["total_requests"], stats["total_attempts"], stats["retries"]) == (1, 3, 2)
    assert (call["requests"], call["errors"], call["status_codes"], call["retries"]) == (1, 0, {200: 1}, 2)
    assert (attempts["requests"], attempts["errors"], attempts["status_codes"]) == (3, 2, {200: 1, 503: 1})


def test_the_time_of_a_call_has_its_pauses_and_that_of_an_attempt_has_not(
    sandbox: Sandbox, connect: Connect, clock: FakeClock
) -> None:
    sandbox.inject("get_current_user", Fault.latency(2), times=2)
    sandbox.inject("get_current_user", Fault.status(503, retry_after=10), times=1)
    client = connect(max_retries=1)
    client.get_current_user()
    stats = client.get_stats()["metrics"]
    assert stats["operations"]["get_current_user"]["average_response_time"] == pytest.approx(14, abs=1)
    assert stats["attempts"]["get_current_user"]["average_response_time"] == pytest.approx(2)


def test_every_operation_has_its_numbers(sandbox: Sandbox, connect: Connect) -> None:
    client = connect()
    for seconds in [0.1] * 90 + [1.0] * 8 + [10.0] * 2:
        sandbox.inject("get_current_user", Fault.latency(seconds), times=1)
        client.get_current_user()
    seen = client.get_stats()["metrics"]["operations"]["get_current_user"]
    assert set(seen) == {
        "requests",
        "errors",
        "status_codes",
        "retries",
        "wait_seconds",
        "cache_hits",
        "average_response_time",
        "p50",
        "p95",
        "p99",
    }
    assert seen["average_response_time"] == pytest.approx(0.37)
    assert (seen["p50"], seen["p95"], seen["p99"]) == pytest.approx((0.1, 1.0, 10.0), rel=0.05)


def test_what_a_client_tells_of_itself_is_ready_for_json(connect: Connect) -> None:
    client = connect(enable_caching=True, rate_limits=True)
    client.get_current_user()
    told = {
        "stats": client.get_stats(),
        "limits": client.get_rate_limit_status(),
        "cache": client.get_cache_stats(),
    }
    read = json.loads(json.dumps(told))
    assert read["stats"]["metrics"]["total_requests"] == 1
    assert read["limits"]["groups"]["standard"]["remaining"] == told["limits"].groups["standard"].remaining == 59
    assert read["cache"]["misses"] == told["cache"].misses == 1


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=300))
def test_percentiles_are_those_of_the_sorted_durations(durations: list[float]) -> None:
    collector = MetricsCollector()
    for seconds in durations:
        collector.record_request("GET", "/any", seconds, 200, "id")
    stats = collector.get_stats()
    for name, fraction in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        rank = max(math.ceil(fraction * len(durations)), 1)
        assert stats[name] == pytest.approx(sorted(durations)[rank - 1], rel=0.05)


def test_a_call_without_answer_is_one_error_and_so_is_each_attempt(sandbox: Sandbox, connect: Connect) -> None:
    sandbox.inject("get_users", Fault.reset_before())
    client = connect(max_retries=2)
    with pytest.raises(NetworkError):
        client.get_users(323)
    stats = client.get_stats()["metrics"]
    assert (stats["total_errors"], stats["attempts"]["get_users"]["errors"], stats["retries"]) == (1, 3, 2)


def test_what_is_not_repeated_is_no_retry(sandbox: Sandbox, connect: Connect) -> None:
    sandbox.inject("*", Fault.status(500))
    client = connect(max_retries=3, exactly_once=False)
    with pytest.raises(ServerError):
        client.create_agent_run(323, "x")
    stats = client.get_stats()["metrics"]
    assert (stats["retries"], stats["total_attempts"]) == (0, 1)


def test_waits_for_limits_are_counted_by_operation() -> None:
    metrics = MetricsCollector(FakeClock())
    metrics.record_wait("get_users", 1.5)
    metrics.record_wait("get_users", 2.0)
    stats = metrics.get_stats()
    assert stats["operations"]["get_users"]["wait_seconds"] == stats["wait_seconds"] == 3.5


def test_an_answer_from_the_cache_is_a_hit(connect: Connect) -> None:
    client = connect(enable_caching=True)
    for _ in range(2):
        client.get_current_user()
    stats = client.get_stats()["metrics"]
    assert (stats["cache_hits"], stats["cache_hit_rate"], stats["total_attempts"]) == (1, 0.5, 1)
    assert stats["operations"]["get_current_user"]["cache_hits"] == 1
