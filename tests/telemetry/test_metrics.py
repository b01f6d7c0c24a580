"""What is counted of calls and of their attempts, as statistics and as Prometheus scrapes it."""

import copy
import json
import math
import pickle
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from codegen_ext import Agent, CodegenAPIError, ConfigurationError
from codegen_ext.integrations.prometheus import PrometheusCollector
from codegen_ext.metrics import MetricsCollector
from codegen_ext.testing import FakeClock, Fault

from ..support.blocking import real


def registry_of(*sources):
    registry = CollectorRegistry()
    registry.register(PrometheusCollector(*sources))
    return registry


def scrape(registry):
    """Return samples by name and the values of their labels in the order of their names."""
    samples = [sample for family in registry.collect() for sample in family.samples]
    found = {(one.name, *(value for _, value in sorted(one.labels.items()))): one.value for one in samples}
    assert len(found) == len(samples)
    return found


def counters(samples):
    return {key: value for key, value in samples.items() if key[0].endswith("_total") and value}


def part(counted, *names):
    return [counted[name] for name in names]


def test_calls_and_their_attempts_are_counted(sandbox, connect, clock):
    client = connect(max_retries=1)
    sandbox.inject("get_current_user", Fault.latency(2), times=2)
    sandbox.inject("get_current_user", Fault.status(503, retry_after=10), times=1)
    client.get_current_user()
    sandbox.inject("get_users", Fault.reset_before(), times=2)
    with pytest.raises(CodegenAPIError):
        client.get_users(323)
    for refused in (77, "x"):  # of which the latter is no request
        with pytest.raises(CodegenAPIError):
            client.get_agent_run(323, refused)
    client.request("GET", "/v1/users/me")
    clock.advance(8)
    stats = client.get_stats()
    metrics, names = stats["metrics"], ("requests", "errors", "status_codes", "retries")
    assert {name: part(seen, *names) for name, seen in metrics["operations"].items()} == {
        "get_current_user": [1, 0, {200: 1}, 1],
        "get_users": [1, 1, {}, 1],
        "get_agent_run": [1, 1, {404: 1}, 0],
        "GET other": [1, 0, {200: 1}, 0],
    }
    assert {name: part(seen, *names) for name, seen in metrics["attempts"].items()} == {
        "get_current_user": [2, 1, {200: 1, 503: 1}, 0],
        "get_users": [2, 2, {}, 0],
        "get_agent_run": [1, 1, {404: 1}, 0],
        "GET other": [1, 0, {200: 1}, 0],
    }
    # The time of a call has its pauses.
    averages = [metrics[level]["get_current_user"]["average_response_time"] for level in ("operations", "attempts")]
    assert averages == [pytest.approx(14, abs=0.1), pytest.approx(2)]
    totals = part(metrics, "total_requests", "total_errors", "total_attempts", "retries", "error_rate")
    assert totals == [4, 2, 6, 2, 0.5]
    assert (stats.total_requests, stats.total_errors, stats.error_rate, stats.success_rate) == (4, 2, 0.5, 0.5)
    assert stats.average_response_time == stats.avg_response_time == pytest.approx(3.5, abs=0.3)
    assert stats.status_code_distribution == {200: 2, 404: 1}
    assert (stats.uptime_seconds, stats.cache_hit_rate) == (pytest.approx(22, abs=1), 0)
    assert client.metrics.get_stats() == metrics
    settings = {"metrics_enabled": True, "caching_enabled": False, "max_retries": 1, "timeout": 30}
    assert stats["config"] == {"base_url": sandbox.base_url, **settings}
    assert counters(scrape(registry_of(real(client)))) == {
        ("codegen_requests_total", "get_current_user", "2xx"): 1,
        ("codegen_requests_total", "get_users", "error"): 1,
        ("codegen_requests_total", "get_agent_run", "4xx"): 1,
        ("codegen_requests_total", "other", "2xx"): 1,
        ("codegen_attempts_total", "get_current_user", "2xx"): 1,
        ("codegen_attempts_total", "get_current_user", "5xx"): 1,
        ("codegen_attempts_total", "get_users", "error"): 2,
        ("codegen_attempts_total", "get_agent_run", "4xx"): 1,
        ("codegen_attempts_total", "other", "2xx"): 1,
        ("codegen_request_errors_total", "get_users"): 1,
        ("codegen_request_errors_total", "get_agent_run"): 1,
        ("codegen_request_retries_total", "get_current_user"): 1,
        ("codegen_request_retries_total", "get_users"): 1,
    }


def test_nothing_is_left_after_a_reset(client, clock):
    metrics = MetricsCollector(FakeClock())
    metrics.record_request("GET", "/users/4711", 0.5, 200, "req-4711", cached=True)
    metrics.record_request("POST", "/runs", 1.5, 503, request_id="req-2")
    metrics.record_wait("get_users", 2.5)
    stats = metrics.get_stats()
    assert set(stats["operations"]) == {"GET /users/4711", "POST /runs", "get_users"}
    assert part(stats, "total_errors", "cache_hit_rate", "avg_response_time") == [1, 0.5, 1.0]
    # Labels are operations of the contract, and classes of statuses.
    assert counters(scrape(registry_of(metrics))) == {
        ("codegen_requests_total", "other", "2xx"): 1,
        ("codegen_requests_total", "other", "5xx"): 1,
        ("codegen_request_errors_total", "other"): 1,
        ("codegen_cache_hits_total", "other"): 1,
        ("codegen_rate_limit_wait_seconds_total", "get_users"): 2.5,
    }
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


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=300))
def test_percentiles_are_those_of_the_sorted_durations(durations):
    collector = MetricsCollector()
    for seconds in durations:
        collector.record("any", seconds, 200)
    for stats in (collector.get_stats(), collector.get_stats()["operations"]["any"]):
        for name, fraction in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            rank = max(math.ceil(fraction * len(durations)), 1)
            assert stats[name] == pytest.approx(sorted(durations)[rank - 1], rel=0.05)


def test_durations_are_a_histogram():
    metrics = MetricsCollector(FakeClock())
    for seconds in (0.01, 2.0, 2.0, 30.0):
        metrics.record("get_current_user", seconds, 200)
    samples = scrape(registry_of(metrics))
    name = "codegen_request_duration_seconds"
    buckets = {float(key[1]): value for key, value in samples.items() if key[0] == f"{name}_bucket"}
    assert [buckets[bound] for bound in sorted(buckets)] == [0, 0, 1, 1, 1, 1, 1, 3, 3, 3, 4, 4, 4, 4]
    assert (min(buckets), buckets[1.0], buckets[2.71828]) == (0.00247875, 1, 3)
    assert samples[f"{name}_sum", "get_current_user"] == pytest.approx(34.01)
    assert samples[f"{name}_count", "get_current_user"] == 4


def test_clients_in_one_registry_are_added_up(flavour, connect, sandbox):
    with Agent(323, sandbox.token, sandbox.base_url) as agent, flavour.chat(sandbox.token, sandbox.base_url) as chat:
        first, second = connect(), connect()
        collector = PrometheusCollector(real(first), agent)
        registries = [CollectorRegistry(), registry_of(real(first), real(first.with_options(timeout=5)))]
        registries[0].register(collector)
        collector.add(real(second))
        collector.add(real(chat))
        for count in (1, 2):  # each shows the present
            for call in (first.get_current_user, second.get_current_user, agent.list_tasks, chat.list_models):
                call()
            assert scrape(registries[1])["codegen_requests_total", "get_current_user", "2xx"] == count
            samples = scrape(registries[0])
            assert samples["codegen_requests_total", "get_current_user", "2xx"] == 2 * count
            assert samples["codegen_requests_total", "list_agent_runs", "2xx"] == count
            assert samples["codegen_requests_total", "list_models", "2xx"] == count
            assert samples["codegen_request_duration_seconds_count", "get_current_user"] == 2 * count
    with pytest.raises(ValueError, match="codegen_requests"):
        registries[0].register(PrometheusCollector())
    registries[0].unregister(collector)
    assert scrape(registries[0]) == {}


def test_what_a_client_tells_is_read_by_key_and_by_attribute_and_ready_for_json(connect):
    client = connect(enable_caching=True, rate_limits=True)
    for _ in range(2):
        client.get_current_user()
    stats, limits, cache = client.get_stats(), client.get_rate_limit_status(), client.get_cache_stats()
    read = json.loads(json.dumps({"stats": stats, "limits": limits, "cache": cache}))
    metrics = read["stats"]["metrics"]
    assert part(metrics, "total_requests", "cache_hits", "cache_hit_rate", "total_attempts") == [2, 1, 0.5, 1]
    assert metrics["operations"]["get_current_user"]["cache_hits"] == 1
    assert read["limits"]["groups"]["standard"]["remaining"] == limits.groups["standard"].remaining == 59
    assert read["cache"]["misses"] == cache.misses == 1
    for other in (stats, copy.copy(stats), copy.deepcopy(stats), pickle.loads(pickle.dumps(stats))):
        assert (other, other.cache_hit_rate, other.timeout) == (stats, 0.5, 30)
    with pytest.raises(AttributeError, match="no statistic 'nothing'"):
        stats.nothing  # noqa: B018


def test_metrics_can_be_switched_off_or_missing(connect, monkeypatch):
    client = connect(enable_metrics=False)
    assert client.get_current_user().id == 1
    show = (lambda: PrometheusCollector(real(client)), lambda: client.metrics)
    for use in (*show, client.get_stats, client.reset_stats, client.reset_metrics):
        with pytest.raises(ConfigurationError, match="enable_metrics"):
            use()
    with pytest.raises(ConfigurationError, match="expected a client or an agent"):
        PrometheusCollector(7)
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ConfigurationError, match=r"codegen-sdk\[prometheus\]"):
        PrometheusCollector(MetricsCollector())
