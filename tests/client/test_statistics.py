"""Statistics and health as users read them."""

from collections.abc import Callable
from typing import Any

import pytest

from codegen_ext import CodegenAPIError, ConfigurationError
from codegen_ext.testing import FakeClock, Fault, Sandbox


def test_requests_are_counted_with_statuses_times_and_errors(client: Any, sandbox: Sandbox, clock: FakeClock) -> None:
    sandbox.inject("get_current_user", Fault.latency(2), times=1)
    client.get_current_user()
    sandbox.inject("get_users", Fault.status(503), times=1)
    sandbox.inject("get_users", Fault.reset_before(), times=1)
    for _ in range(2):
        with pytest.raises(CodegenAPIError):
            client.get_users(323)
    client.request("GET", "/v1/users/me")
    clock.advance(8)
    stats = client.get_stats()
    assert stats.total_requests == stats["metrics"]["total_requests"] == 4
    assert stats.total_errors == 2
    assert stats.error_rate == stats.success_rate == stats["metrics"]["error_rate"] == 0.5
    assert stats.average_response_time == stats.avg_response_time == 0.5
    assert stats.status_code_distribution == {200: 2, 503: 1}
    assert stats.uptime_seconds == 10
    assert stats.cache_hit_rate == stats["metrics"]["cache_hit_rate"] == 0
    assert set(stats["metrics"]["operations"]) == {"get_current_user", "get_users", "GET other"}
    assert client.metrics.get_stats() == stats["metrics"]


def test_statistics_show_the_settings(client: Any, sandbox: Sandbox) -> None:
    assert client.get_stats()["config"] == {
        "base_url": sandbox.base_url,
        "metrics_enabled": True,
        "caching_enabled": False,
        "max_retries": 0,
        "timeout": 30,
    }


@pytest.mark.parametrize("name", ["reset_stats", "reset_metrics"])
def test_statistics_can_be_started_anew(client: Any, name: str) -> None:
    client.get_current_user()
    getattr(client, name)()
    assert client.get_stats().total_requests == 0


def test_arguments_that_are_refused_are_no_requests(client: Any) -> None:
    with pytest.raises(CodegenAPIError):
        client.get_agent_run(323, "x")
    assert client.get_stats().total_requests == 0


def test_statistics_can_be_switched_off(connect: Callable[..., Any]) -> None:
    client = connect(enable_metrics=False)
    assert client.get_current_user().id == 1
    for ask in (lambda: client.metrics, client.get_stats, client.reset_stats, client.reset_metrics):
        with pytest.raises(ConfigurationError, match="enable_metrics"):
            ask()


def test_a_healthy_service(client: Any, sandbox: Sandbox, clock: FakeClock) -> None:
    sandbox.inject("*", Fault.latency(1.5), times=1)
    assert client.health_check() == {
        "status": "healthy",
        "healthy": True,
        "timestamp": "2023-11-14T22:13:21.500000+00:00",
        "response_time_seconds": 1.5,
        "error": None,
    }


@pytest.mark.parametrize("fault", [Fault.status(503), Fault.reset_before(), Fault.status(401), Fault.empty_body()])
def test_a_service_in_trouble(client: Any, sandbox: Sandbox, fault: Fault) -> None:
    sandbox.inject("*", fault)
    health = client.health_check()
    assert (health["status"], health["healthy"]) == ("unhealthy", False)
    assert "get_current_user" in health["error"]
    assert set(health) == {"status", "healthy", "timestamp", "response_time_seconds", "error"}
