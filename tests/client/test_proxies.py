"""Proxies of the environment, which httpx would ignore with our transports."""

from collections.abc import Callable
from typing import Any

import pytest
from codegen_ext.transport.network import environment_proxy

from ..support.loopback import Loopback, reply

USER = {"id": 1, "email": None, "github_user_id": "1", "github_username": "octocat"}


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "request_method"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_the_proxy_of_the_environment_is_used(
    monkeypatch: pytest.MonkeyPatch,
    serve: Callable[..., Loopback],
    connect: Callable[..., Any],
    variable: str,
    scheme: str,
) -> None:
    proxy = serve(reply(USER))
    monkeypatch.setenv(variable, scheme + proxy.base_url.removeprefix("http://"))
    assert connect("http://codegen.invalid/v1").get_current_user().id == 1
    (request,) = proxy.requests
    assert request.path == "http://codegen.invalid/v1/users/me"
    assert request.headers["host"] == "codegen.invalid"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_asked_directly(
    monkeypatch: pytest.MonkeyPatch, serve: Callable[..., Loopback], connect: Callable[..., Any], host: str
) -> None:
    proxy, server = serve(reply(USER)), serve(reply(USER))
    monkeypatch.setenv("HTTP_PROXY", proxy.base_url)
    connect(server.base_url.replace("127.0.0.1", host)).get_current_user()
    assert proxy.requests == []
    assert [request.path for request in server.requests] == ["/v1/users/me"]


@pytest.mark.parametrize("bypass", ["codegen.invalid", "*", ".invalid", "other.example, codegen.invalid"])
def test_hosts_that_need_no_proxy_are_asked_directly(monkeypatch: pytest.MonkeyPatch, bypass: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://plain:1")
    assert environment_proxy("http://codegen.invalid/v1") == "http://plain:1"
    monkeypatch.setenv("NO_PROXY", bypass)
    assert environment_proxy("http://codegen.invalid/v1") is None


def test_the_proxy_is_the_one_of_the_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://plain:1")
    monkeypatch.setenv("HTTPS_PROXY", "https://secure:2")
    assert environment_proxy("http://host") == "http://plain:1"
    assert environment_proxy("https://host") == "https://secure:2"
    monkeypatch.setenv("NO_PROXY", "host:8080,.example.com,::1")
    assert environment_proxy("http://host:8080/v1") is None
    assert environment_proxy("http://user:password@host:8080/v1") is None
    assert environment_proxy("http://host:8081/v1") == "http://plain:1"
    assert environment_proxy("https://api.example.com") is None


def test_without_a_proxy_there_is_none() -> None:
    assert environment_proxy("https://api.codegen.com/v1") is None


@pytest.mark.parametrize("base_url", ["https://codegen.invalid", "http://codegen.invalid"])
def test_a_client_for_a_secure_address_or_proxy_can_be_built(
    monkeypatch: pytest.MonkeyPatch, connect: Callable[..., Any], base_url: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", "https://proxy.invalid")
    connect(base_url).close()
