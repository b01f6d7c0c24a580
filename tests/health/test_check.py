"""One check."""

from typing import Any

import pytest
from codegen_ext.transport.extensions import PAST_CACHE

from codegen_ext import ClientClosedError
from codegen_ext.testing import Fault, Sandbox


def test_a_service_that_works(client: Any, sandbox: Sandbox) -> None:
    health = client.health_check()
    assert health["error"] is None
    assert (health["status"], health["healthy"]) == ("healthy", True)
    assert health["response_time_seconds"] >= 0
    assert health["timestamp"].startswith("2023-11-14T22:13:20")
    assert [request.operation for request in sandbox.requests] == ["get_current_user"]


def test_the_time_it_took(client: Any, sandbox: Sandbox) -> None:
    sandbox.inject("get_current_user", Fault.latency(2.5))
    assert client.health_check()["response_time_seconds"] == 2.5


@pytest.mark.parametrize("fault", [Fault.status(503), Fault.status(401), Fault.reset_before(), Fault.empty_body()])
def test_a_service_that_does_not(client: Any, sandbox: Sandbox, fault: Fault) -> None:
    sandbox.inject("get_current_user", fault)
    health = client.health_check()
    assert (health["status"], health["healthy"]) == ("unhealthy", False)
    assert "get_current_user" in health["error"]


def test_a_check_goes_past_the_cache(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    marks = []
    target = getattr(client, "_target", client)
    send = target._send

    def spy(request: Any) -> Any:
        marks.append(request.extensions.get(PAST_CACHE))
        return send(request)

    monkeypatch.setattr(target, "_send", spy)
    client.health_check()
    assert marks == [True]


def test_a_closed_client_says_nothing_about_the_service(client: Any) -> None:
    client.close()
    with pytest.raises(ClientClosedError, match="build another one"):
        client.health_check()
