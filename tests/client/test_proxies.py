"""Proxies of the environment, which httpx would ignore with our transports."""

from collections.abc import Callable
from typing import Any

import pytest

from codegen_ext import ClientConfig, ConfigurationError
from codegen_ext._proxy import proxy_of

from ..support.loopback import Loopback, reply

USER = {"id": 1, "email": None, "github_user_id": "1", "github_username": "octocat"}


def environment_proxy(base_url: str) -> str | None:
    return proxy_of(ClientConfig(base_url=base_url))


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


@pytest.mark.parametrize("bypass", ["codegen.invalid", "*", ".invalid", "*.invalid", "other.example, codegen.invalid"])
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


@pytest.mark.parametrize(
    ("host", "excluded"),
    [("10.1.2.3", True), ("11.1.2.3", False), ("[fd00::7]", True), ("[fe00::7]", False), ("10.name", False)],
)
def test_networks_that_need_no_proxy_are_asked_directly(
    monkeypatch: pytest.MonkeyPatch, host: str, excluded: bool
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://plain:1")
    monkeypatch.setenv("NO_PROXY", "localhost, 10.0.0.0/8,fd00::/8,nonsense/99")
    assert environment_proxy(f"http://{host}:3284") == (None if excluded else "http://plain:1")


@pytest.mark.parametrize(
    ("variable", "proxy"),
    [("ALL_PROXY", "socks://host:9"), ("HTTPS_PROXY", "http://[::1"), ("https_proxy", "http://user:hush@host:x")],
)
def test_a_proxy_that_cannot_be_used_is_named_when_the_client_is_built(
    monkeypatch: pytest.MonkeyPatch, connect: Callable[..., Any], variable: str, proxy: str
) -> None:
    monkeypatch.setenv(variable, proxy)
    with pytest.raises(ConfigurationError, match=variable) as caught:
        connect("https://codegen.invalid")
    assert caught.value.config_key == variable
    assert "hush" not in str(caught.value)


def test_the_setting_wins_over_the_environment(
    monkeypatch: pytest.MonkeyPatch, serve: Callable[..., Loopback], connect: Callable[..., Any]
) -> None:
    proxy = serve(reply(USER))
    monkeypatch.setenv("ALL_PROXY", "http://other.invalid:1")
    assert connect("http://codegen.invalid", proxy=proxy.base_url).get_current_user().id == 1
    with pytest.raises(ConfigurationError, match="proxy must be a proxy's address"):
        connect("http://codegen.invalid", proxy="nonsense")
