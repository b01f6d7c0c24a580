"""The Prometheus collector: what a scrape returns, parsed again from its text."""

import sys
from collections.abc import Callable
from typing import Any

import pytest
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


def counters(samples: Samples) -> Samples:
    return {key: value for key, value in samples.items() if key[0].endswith("_total") and value}


def test_calls_attempts_errors_and_retries_are_counters(sandbox: Sandbox, connect: Connect) -> None:
    client = connect(max_retries=1)
    client.get_users(323)
    sandbox.inject("get_current_user", Fault.status(503), times=1)
    client.get_current_user()
    sandbox.inject("get_current_user", Fault.reset_before(), times=2)
    with pytest.raises(CodegenAPIError):
        client.get_current_user()
    with pytest.raises(CodegenAPIError):
        client.get_agent_run(323, 77)
    assert counters(scrape(registry_of(real(client)))) == {
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


def test_labels_are_operations_of_the_contract_and_classes_of_statuses() -> None:
    metrics = MetricsCollector(FakeClock())
    metrics.record_wait("get_users", 2.5)
    metrics.record("get_users", 0.0, 200, cached=True)
    metrics.record_request("PUT", "/some/path/4711", 0.1, 204, "req-4711")
    metrics.record("POST elsewhere/4711", 0.1, 302)
    samples = scrape(registry_of(metrics))
    assert counters(samples) == {
        ("codegen_requests_total", "get_users", "2xx"): 1,
        ("codegen_requests_total", "other", "2xx"): 1,
        ("codegen_requests_total", "other", "3xx"): 1,
        ("codegen_rate_limit_wait_seconds_total", "get_users"): 2.5,
        ("codegen_cache_hits_total", "get_users"): 1,
    }
    assert not [key for key in samples if "4711" in "".join(key)]


def test_durations_are_a_histogram() -> None:
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


def test_clients_in_one_registry_are_added_up(flavour: Flavour, connect: Connect, sandbox: Sandbox) -> None:
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


def test_what_has_no_metrics_is_refused(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    for source, said in ((real(connect(enable_metrics=False)), "enable_metrics"), (7, "expected a client or an agent")):
        with pytest.raises(ConfigurationError, match=said):
            PrometheusCollector(source)
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ConfigurationError, match=r"codegen-sdk\[prometheus\]"):
        PrometheusCollector(MetricsCollector())
