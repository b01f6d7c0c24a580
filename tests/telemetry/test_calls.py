"""What is logged and counted of calls, also as Prometheus scrapes it, and that a closed client makes none."""

import copy
import json
import logging
import math
import pickle
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from codegen_ext import Agent, ClientClosedError, CodegenAPIError, ConfigurationError
from codegen_ext._logging import LONGEST_BODY
from codegen_ext.integrations.prometheus import PrometheusCollector
from codegen_ext.metrics import MetricsCollector
from codegen_ext.testing import FakeClock, Fault

from ..conftest import TOKEN
from ..support.blocking import real
from ..support.loopback import reply

OURS = logging.getLogger("codegen_ext")
FORMAT = logging.Formatter(
    "%(levelname)s %(message)s | "
    "%(codegen_event)s %(codegen_operation)s %(codegen_status)s %(codegen_attempt)s %(codegen_request_id)s"
)


@pytest.fixture
def seen(caplog):
    return lambda: [record for record in caplog.records if record.name == OURS.name]


def test_the_records_of_calls(connect, sandbox, clock, seen):
    client = connect(log_level="DEBUG", max_retries=2)
    sandbox.inject("*", Fault.latency(1.5), times=1)
    sandbox.inject("*", Fault.status(429, retry_after=7), times=1)
    client.create_agent_run(323, "a very private prompt")
    sandbox.inject("*", Fault.status(503), times=1)
    sandbox.inject("*", Fault.reset_before(), times=2)
    with pytest.raises(CodegenAPIError):
        client.get_current_user()
    with pytest.raises(CodegenAPIError):
        client.request("GET", "/v1/users/me", params={"key": "hush"})
    slept = clock.slept[1:]  # behind the latency
    first, second, third = (f"again in {seconds:.3f} s" for seconds in slept)
    failed = sum(slept[1:])
    lines = [re.sub(r"ReadError[^)|]*(?<! )", "ReadError", FORMAT.format(record)) for record in seen()]
    assert lines == [
        "DEBUG POST create_agent_run | request create_agent_run None None None",
        "INFO POST create_agent_run: attempt 1 failed (status 429), "
        f"{first} | retry create_agent_run 429 1 sandbox-0-1",
        "DEBUG POST create_agent_run -> 200 in 8.500 s, request id sandbox-0-2"
        " | response create_agent_run 200 2 sandbox-0-2",
        "DEBUG GET get_current_user | request get_current_user None None None",
        "WARNING GET get_current_user: attempt 1 failed (status 503), "
        f"{second} | retry get_current_user 503 1 sandbox-0-3",
        f"WARNING GET get_current_user: attempt 2 failed (ReadError), {third} | retry get_current_user None 2 None",
        f"DEBUG GET get_current_user failed after {failed:.3f} s: ReadError | failure get_current_user None 3 None",
        "DEBUG GET /v1/users/me | request None None None None",
        "DEBUG GET /v1/users/me -> 422 in 0.000 s, request id sandbox-0-6 | response None 422 1 sandbox-0-6",
    ]
    durations = [record.codegen_duration for record in seen() if record.codegen_duration is not None]
    assert durations == [8.5, pytest.approx(failed), 0]
    assert not re.search("private|hush|octocat", str([vars(record) for record in seen()]))


@pytest.mark.parametrize(
    ("settings", "events"),
    [
        ({}, {"retry"}),
        ({"log_level": "ERROR"}, set()),
        ({"log_level": "DEBUG", "log_requests": False}, {"retry"}),
    ],
)
def test_the_level_decides_and_nothing_is_prepared_otherwise(connect, sandbox, seen, settings, events, monkeypatch):
    monkeypatch.setattr("codegen_ext._logging._body", lambda *args: pytest.fail("a body was read"))
    sandbox.inject("*", Fault.status(503), times=1)
    connect(max_retries=1, log_responses=True, **settings).get_current_user()
    assert {record.codegen_event for record in seen()} == events


def test_bodies_are_cut_and_without_secrets_and_those_of_streams_left_out(connect, serve, seen, flavour, sandbox):
    body = {"token": "hush-hush", "message": "connect with hush-hush", "usage": {"total_tokens": 17}}
    long = {"text": "x" * 5_000}
    client = connect(serve(reply(body), reply(long)).base_url, log_level="DEBUG", log_responses=True)
    for _ in "12":
        client.request("GET", "/")
    secret, cut = (record.getMessage() for record in seen() if record.codegen_event == "response")
    assert "hush" not in secret
    assert '"total_tokens": 17' in secret
    shown = json.dumps(long)[:LONGEST_BODY]
    assert cut.endswith(f" {shown}… ({len(json.dumps(long)) - LONGEST_BODY} more characters)")
    with flavour.chat(TOKEN, sandbox.base_url, log_level="DEBUG", log_responses=True) as chat:
        list(chat.stream_chat_completion("gpt-4o", [{"role": "user", "content": "Hi"}]))
    line = r"POST create_chat_completion -> 200 in \d\.\d{3} s, request id sandbox-0-1"
    assert re.fullmatch(line, seen()[-1].getMessage())


@pytest.mark.parametrize("body", [b"", b"plain text", b"\xff\xfe", b"[" * 10_000, b"null", b'["\\ud800"]', b"a\nb"])
def test_any_body_can_be_logged(connect, serve, seen, body):
    client = connect(serve(reply(body, 404)).base_url, log_level="DEBUG", log_responses=True)
    with pytest.raises(CodegenAPIError):
        client.get_current_user()
    message = seen()[-1].getMessage()
    assert "404" in message
    assert message.encode().splitlines() == [message.encode()]


def test_building_a_client_sets_the_level_of_our_logger_alone(connect):
    others = [logging.getLogger(), logging.getLogger("httpx"), logging.getLogger("other")]
    before = [(logger.level, list(logger.handlers), logger.disabled) for logger in others]
    for level in ("ERROR", "DEBUG"):
        connect(log_level=level)
        assert logging.getLevelName(OURS.level) == level
    assert [(logger.level, list(logger.handlers), logger.disabled) for logger in others] == before
    assert [type(handler) for handler in OURS.handlers] == [logging.NullHandler]
    OURS.setLevel(logging.ERROR - 3)  # as the application may
    connect(log_level="DEBUG")
    assert OURS.level == logging.ERROR - 3


@pytest.mark.parametrize(("value", "lines"), [("debug", 2), ("nonsense", 0)])
def test_a_variable_shows_records_on_stderr(connect, monkeypatch, capsys, value, lines):
    monkeypatch.setattr(OURS, "handlers", list(OURS.handlers))
    monkeypatch.setenv("CODEGEN_LOG", value)
    for client in (connect(), connect()):
        capsys.readouterr()
        client.get_current_user()
        assert capsys.readouterr().err.count("codegen_ext: GET get_current_user") == lines


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


CALLS = [
    lambda client: client.create_agent_run(323, "x"),
    lambda client: client.wait_for_completion(323, 1),
    lambda client: client.with_options(timeout=5).request("GET", "/v1/users/me"),
]


@pytest.mark.parametrize("call", CALLS)
def test_a_call_on_a_closed_client_is_a_typed_error(client, sandbox, call):
    client.close()
    client.close()
    with pytest.raises(ClientClosedError, match="the client is closed") as caught:
        call(client)
    assert caught.value.operation
    assert isinstance(caught.value, CodegenAPIError)
    assert isinstance(caught.value, RuntimeError)
    assert sandbox.requests == []


def test_other_runtime_errors_are_not_hidden(client, monkeypatch):
    def broken(*args, **options):
        raise RuntimeError("something else")

    monkeypatch.setattr(client.session, "send_direct", broken)
    with pytest.raises(RuntimeError, match="something else") as caught:
        client.get_current_user()
    assert not isinstance(caught.value, CodegenAPIError)
