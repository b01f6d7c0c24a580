"""The Prometheus collector: what a scrape returns, parsed again from its text."""

import sys
from collections.abc import Callable
from typing import Any

import pytest
from codegen_api.operations import OPERATIONS
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from codegen_ext import Agent, CodegenAPIError, ConfigurationError
from codegen_ext.integrations.prometheus import PrometheusCollector
from codegen_ext.metrics import MetricsCollector
from codegen_ext.testing import FakeClock, Fault, Sandbox

from ..conftest import Flavour
from ..support.inside import real

Connect = Callable[..., Any]
Samples = dict[tuple[str, ...], float]


def registry_of(*sources: Any) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(PrometheusCollector(*sources))
    return registry


def scrape(registry: CollectorRegistry) -> Samples:
    """Return samples by name and the values of their labels in the order of their names."""
    text = generate_latest(registry).decode()
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names)), "a metric stands there twice"
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation
        for sample in family.samples:
            key = (sample.name, *(value for _, value in sorted(sample.labels.items())))
            assert key not in found
            found[key] = sample.value
    return found


def test_calls_attempts_errors_and_retries_are_counters(sandbox: Sandbox, connect: Connect) -> None:
    client = connect(max_retries=1)
    registry = registry_of(real(client))
    client.get_users(323)
    sandbox.inject("get_current_user", Fault.status(503), times=1)
    client.get_current_user()
    sandbox.inject("get_current_user", Fault.reset_before(), times=2)
    with pytest.raises(CodegenAPIError):
        client.get_current_user()
    with pytest.raises(CodegenAPIError):
        client.get_agent_run(323, 77)
    samples = scrape(registry)
    counters = {key: value for key, value in samples.items() if key[0].endswith("_total") and value}
    assert counters == {
        ("codegen_requests_total", "get_users", "2xx"): 1,
        ("codegen_requests_total", "get_current_user", "2xx"): 1,
        ("codegen_requests_total", "get_current_user", "error"): 1,
        ("codegen_requests_total", "get_agent_run", "4xx"): 1,
        ("codegen_attempts_total", "get_users", "2xx"): 1,
        ("codegen_attempts_total", "get_current_user", "2xx"): 1,
        ("codegen_attempts_total", "get_current_user", "5xx"): 1,
        ("codegen_attempts_total", "get_current_user", "error"): 2,
        ("codegen_attempts_total", "get_agent_run", "4xx"): 1,
        ("codegen_request_errors_total", "get_current_user"): 1,
        ("codegen_request_errors_total", "get_agent_run"): 1,
        ("codegen_request_retries_total", "get_current_user"): 2,
    }


def test_waits_and_cache_hits_are_counters() -> None:
    metrics = MetricsCollector(FakeClock())
    metrics.record_wait("get_users", 2.5)
    metrics.record("get_users", 0.0, 200, cached=True)
    samples = scrape(registry_of(metrics))
    assert samples["codegen_rate_limit_wait_seconds_total", "get_users"] == 2.5
    assert samples["codegen_cache_hits_total", "get_users"] == 1


def test_durations_are_a_histogram(sandbox: Sandbox, connect: Connect) -> None:
    client = connect()
    for seconds in (0.01, 2.0, 2.0, 30.0):
        sandbox.inject("get_current_user", Fault.latency(seconds), times=1)
        client.get_current_user()
    samples = scrape(registry_of(real(client)))
    name = "codegen_request_duration_seconds"
    buckets = {float(key[1]): value for key, value in samples.items() if key[0] == f"{name}_bucket"}
    assert [buckets[bound] for bound in sorted(buckets)] == sorted(buckets.values())
    assert {bound: buckets[bound] for bound in (0.00247875, 0.0183156, 1.0, 2.71828, 54.5982, float("inf"))} == {
        0.00247875: 0,
        0.0183156: 1,
        1.0: 1,
        2.71828: 3,
        54.5982: 4,
        float("inf"): 4,
    }
    assert samples[f"{name}_sum", "get_current_user"] == pytest.approx(34.01)
    assert samples[f"{name}_count", "get_current_user"] == 4


def test_labels_are_operations_of_the_contract_and_classes_of_statuses(sandbox: Sandbox, connect: Connect) -> None:
    client = connect()
    client.get_current_user()
    client.request("GET", "/v1/users/me")
    client.metrics.record_request("PUT", "/some/path/4711", 0.1, 204, "req-4711")
    client.metrics.record("POST elsewhere/4711", 0.1, 302)
    text = generate_latest(registry_of(real(client))).decode()
    labels = [sample.labels for family in text_string_to_metric_families(text) for sample in family.samples]
    assert {name for found in labels for name in found} == {"operation", "status", "le"}
    assert {found["operation"] for found in labels} == {"get_current_user", "other"}
    assert "other" not in OPERATIONS
    assert {found["status"] for found in labels if "status" in found} == {"2xx", "3xx"}
    assert "4711" not in text
    assert "127.0.0.1" not in text


def test_several_clients_in_one_registry_are_added_up(connect: Connect) -> None:
    first, second, third = connect(), connect(), connect()
    collector = PrometheusCollector(real(first), real(second))
    registry = CollectorRegistry()
    registry.register(collector)
    collector.add(real(third))
    collector.add(real(first.with_options(timeout=5)))
    for client in (first, second, third):
        client.get_current_user()
    first.request("GET", "/v1/users/me")
    second.request("GET", "/v1/users/me")
    samples = scrape(registry)
    assert samples["codegen_requests_total", "get_current_user", "2xx"] == 3
    assert samples["codegen_requests_total", "other", "2xx"] == 2
    assert samples["codegen_request_duration_seconds_count", "get_current_user"] == 3


def test_a_collector_is_in_a_registry_once_and_may_leave_it(client: Any) -> None:
    collector = PrometheusCollector(real(client))
    registries = [CollectorRegistry(), registry_of(real(client))]
    registries[0].register(collector)
    for count in (1, 2):
        client.get_current_user()
        for registry in registries:  # each shows the present
            assert scrape(registry)["codegen_requests_total", "get_current_user", "2xx"] == count
    with pytest.raises(ValueError, match="codegen_requests"):
        registries[0].register(PrometheusCollector())
    registries[0].unregister(collector)
    assert scrape(registries[0]) == {}


def test_agents_and_chat_clients_are_shown_too(flavour: Flavour, sandbox: Sandbox) -> None:
    with Agent(323, sandbox.token, sandbox.base_url) as agent, flavour.chat(sandbox.token, sandbox.base_url) as chat:
        registry = registry_of(agent, real(chat))
        agent.list_tasks()
        chat.list_models()
    samples = scrape(registry)
    assert samples["codegen_requests_total", "list_agent_runs", "2xx"] == 1
    assert samples["codegen_requests_total", "list_models", "2xx"] == 1
    with pytest.raises(ConfigurationError, match="expected a client or an agent"):
        PrometheusCollector(7)


def test_a_client_without_metrics_is_refused(connect: Connect) -> None:
    with pytest.raises(ConfigurationError, match="enable_metrics"):
        PrometheusCollector(real(connect(enable_metrics=False)))


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ConfigurationError, match=r"codegen-sdk\[prometheus\]"):
        PrometheusCollector(MetricsCollector())
