"""What a client's users see of the limits: no request is refused, and none waits without need."""

import logging

import pytest
from codegen_api.operations import OPERATIONS

from codegen_ext import ConfigPresets, RateLimitError
from codegen_ext.testing import Fault, Sandbox

from ..conftest import TOKEN, once
from ..support.calls import ORG, required
from .conftest import settings

CODEGEN = [operation for operation in OPERATIONS.values() if operation.service == "codegen"]
WINDOW = 30.6
"""Seconds of the standard group's window, of which 2 % are the margin."""


@pytest.fixture
def limited(clock):
    """A sandbox that refuses what is one too many."""
    with Sandbox(rate_limits=True, run_seconds=10, clock=clock, token=TOKEN) as running:
        yield running


@pytest.fixture
def join(limited, connect):
    """Build clients of that sandbox."""
    return lambda **settings: connect(limited.base_url, rate_limits=True, **settings)


def use_up(*clients):
    """Send what the standard group allows."""
    for number in range(60):
        clients[number % len(clients)].get_current_user()


@once
@pytest.mark.parametrize("group", sorted({each.rate_limit.group for each in CODEGEN}))
def test_every_group_of_the_contract_keeps_its_limit(group, limited, join, clock):
    operation = next(each for each in CODEGEN if each.rate_limit.group == group)
    client, limit = join(total_timeout=1), operation.rate_limit
    client.create_agent_run(ORG, "so that there is a run")
    clock.advance(120)
    for _ in range(limit.requests):
        getattr(client, operation.id)(**required(operation))
    with pytest.raises(RateLimitError) as caught:
        getattr(client, operation.id)(**required(operation))
    assert caught.value.retry_after == pytest.approx(limit.seconds * 1.02, abs=0.001)
    assert caught.value.operation == operation.id
    assert len(limited.requests) == limit.requests + 1
    assert clock.slept == []


def test_a_wait_for_one_group_holds_up_no_other(join, clock):
    client = join(total_timeout=10, rate_limit_requests_per_period=30)
    for _ in range(10):
        client.create_agent_run(ORG, "hello")
    with pytest.raises(RateLimitError):
        client.create_agent_run(ORG, "one too many")
    for _ in range(20):
        client.get_current_user()
    assert clock.slept == []


def test_clients_with_the_same_token_and_address_count_together(limited, connect, join, clock):
    use_up(join(), join(), connect(limited.base_url + "/v1/", rate_limits=True))
    with pytest.raises(Exception, match="401"):
        join(api_token="another").get_current_user()
    assert clock.slept == []
    join().get_current_user()
    assert clock.slept == [pytest.approx(WINDOW)]


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_the_cap_binds_all_groups_together_where_it_was_set(how, join, clock, monkeypatch):
    monkeypatch.setenv("CODEGEN_RATE_LIMIT_REQUESTS", "30" if how == "environment" else "")
    client = join(**({"rate_limit_requests_per_period": 30} if how == "argument" else {}))
    for _ in range(15):
        client.get_current_user()
        client.get_cli_rules(ORG)
    assert clock.slept == []
    client.get_organizations()
    assert clock.slept == [pytest.approx(61.2, abs=0.001)]
    assert client.get_rate_limit_status().groups["overall"].limit == 30


@pytest.mark.parametrize(("said", "seconds"), [(7, 7), (None, 1)])
def test_a_refusal_closes_the_group_until_retry_after(limited, join, clock, said, seconds):
    first, second = join(), join()
    limited.inject("get_current_user", Fault.status(429, retry_after=said), times=1)
    with pytest.raises(RateLimitError):
        first.get_current_user()
    assert second.get_rate_limit_status().groups["standard"].closed_for == pytest.approx(seconds)
    second.get_cli_rules(ORG)
    with pytest.raises(RateLimitError) as caught:
        second.with_options(total_timeout=1).get_organizations()
    assert caught.value.retry_after == pytest.approx(seconds)
    assert (len(limited.requests), clock.slept) == (2, [])
    second.get_organizations()
    assert clock.slept == [pytest.approx(seconds)]


def test_a_retry_after_a_refusal_waits_once(limited, join, clock):
    limited.inject("get_current_user", Fault.status(429, retry_after=7), times=1)
    join(max_retries=1).get_current_user()
    assert clock.slept == [pytest.approx(7, abs=0.01)]


def test_a_wait_leaves_time_for_the_request(limited, join, clock):
    client = join(total_timeout=31.2)
    use_up(client)
    with pytest.raises(RateLimitError, match=r"30\.6 s"):
        client.with_options(total_timeout=31.0).get_current_user()
    assert clock.slept == []
    client.get_current_user()
    assert clock.slept == [pytest.approx(WINDOW, abs=0.001)]
    assert {request.status for request in limited.requests} == {200}
    stats = client.get_stats()
    assert stats.wait_seconds == pytest.approx(WINDOW, abs=0.001)
    assert stats["metrics"]["operations"]["get_current_user"]["wait_seconds"] == stats.wait_seconds


def test_the_status_of_all_groups_and_of_the_tightest(join, clock):
    client = join()
    limits = {each.rate_limit.group: each.rate_limit.requests for each in CODEGEN}
    fresh = {name: tuple(group.values())[:3] for name, group in client.get_rate_limit_status().groups.items()}
    assert fresh == {name: (requests, requests, 0) for name, requests in limits.items()}
    client.request("GET", "/v1/users/me")  # what the contract does not know counts as standard
    clock.advance(10)
    client.create_agent_run(ORG, "hello")
    status = client.get_rate_limit_status()
    assert (status.remaining, status["limit"], status.reset_time) == (9, 10, pytest.approx(61.2))
    assert (status.groups["standard"].remaining, status.groups["standard"].reset_time) == (59, pytest.approx(20.6))
    usage = {"current_requests": 1, "max_requests": 10, "period_seconds": 60.0, "usage_percentage": 10.0}
    assert client.rate_limiter.get_current_usage() == usage
    for _ in range(59):
        client.get_current_user()
    status = client.get_rate_limit_status()
    assert (status.remaining, status.limit, status.reset_time) == (0, 60, pytest.approx(20.6))
    assert client.rate_limiter.get_current_usage()["period_seconds"] == 30.0


def test_a_transport_of_the_user_is_a_service_of_its_own(flavour, clock):
    for _ in range(2):
        sandbox = Sandbox(clock=clock)
        config = ConfigPresets.testing()
        config.api_token, config.transport, config.rate_limits = sandbox.token, sandbox.transport(), True
        with flavour.client(config, clock=clock) as client:
            use_up(client)
    assert clock.slept == []
    with flavour.client(config, clock=clock) as client:
        client.get_current_user()
    assert len(clock.slept) == 1


def test_a_long_wait_is_told_on_any_monotonic_clock(flavour, clock, caplog, monkeypatch):
    caplog.set_level(logging.INFO, "codegen_ext")
    monotonic = clock.monotonic
    monkeypatch.setattr(clock, "monotonic", lambda: monotonic() - 86_400)
    with flavour.client(settings((1, 60.0)), clock=clock) as client:
        client.request("GET", "/v1/anything")
        assert client.get_rate_limit_status().closed_for == 0
        client.request("GET", "/v1/anything")
    assert clock.slept == [pytest.approx(61.2)]
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.INFO]
    assert told == ["waits 61 s for the limit of GET /v1/anything (60 per 30 s and 1 per 60 s)"]


def test_the_limits_of_the_chat_server_are_its_own(flavour, limited, clock):
    with flavour.chat(TOKEN, limited.base_url, clock=clock) as chat:
        for _ in range(61):
            chat.list_models()
    assert {request.status for request in limited.requests} == {200}
    assert len(clock.slept) == 1
