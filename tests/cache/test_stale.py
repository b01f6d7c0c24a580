"""Answers whose time is over serve while the service is down, where the settings ask for that."""

from collections.abc import Callable

import pytest

from codegen_ext import CodegenAPIError, NetworkError, ServerError
from codegen_ext.testing import FakeClock, Fault, Sandbox

from ..support.loopback import CLOSE, HANG, Loopback, reply
from .conftest import Caching, user

Serve = Callable[..., Loopback]
DOWN = {
    "500": reply({}, 500),
    "503": reply({}, 503),
    "lost": CLOSE,
    "undecodable": reply(b"no gzip", headers={"Content-Encoding": "gzip"}),
    "hanging": HANG,
}


@pytest.mark.parametrize("answer", DOWN.values(), ids=DOWN)
def test_a_stale_answer_serves_while_the_service_is_down(
    caching: Caching, serve: Serve, clock: FakeClock, answer: bytes
) -> None:
    server = serve(reply(user("kept")), answer)
    client = caching(server.base_url, stale_if_error=100, timeout=0.2 if answer == HANG else 30)
    client.get_current_user()
    clock.advance(399)
    assert client.get_current_user().github_username == "kept"
    assert client.with_raw_response.get_current_user().headers["age"] == "399"
    assert len(server.requests) == 3
    assert client.get_cache_stats().hits == 2
    assert client.get_stats().total_errors == 0
    clock.advance(2)
    with pytest.raises(CodegenAPIError):
        client.get_current_user()


def test_by_default_it_does_not(caching: Caching, sandbox: Sandbox, clock: FakeClock) -> None:
    client = caching()
    client.get_current_user()
    clock.advance(301)
    sandbox.inject("get_current_user", Fault.status(503))
    with pytest.raises(ServerError):
        client.get_current_user()


@pytest.mark.parametrize("status", [400, 401, 404, 429])
def test_it_never_takes_the_place_of_a_refusal(caching: Caching, serve: Serve, clock: FakeClock, status: int) -> None:
    client = caching(serve(reply(user()), reply({}, status)).base_url, stale_if_error=1000)
    client.get_current_user()
    clock.advance(301)
    with pytest.raises(CodegenAPIError) as caught:
        client.get_current_user()
    assert caught.value.status_code == status


def test_what_a_write_dropped_does_not_come_back(caching: Caching, serve: Serve) -> None:
    client = caching(serve(reply(user()), reply({}), CLOSE).base_url, stale_if_error=1000)
    client.get_current_user()
    client.request("PUT", "/v1/users/me")
    with pytest.raises(NetworkError):
        client.get_current_user()


def test_a_service_that_is_back_is_heard(caching: Caching, serve: Serve, clock: FakeClock) -> None:
    client = caching(serve(reply(user("old")), CLOSE, reply(user("new"))).base_url, stale_if_error=1000)
    names = []
    for _ in range(4):
        names.append(client.get_current_user().github_username)
        clock.advance(301 if len(names) < 3 else 1)
    assert names == ["old", "old", "new", "new"]
