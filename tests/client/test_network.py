"""Proxies of the environment, which httpx would ignore with our transports, and the certificates of TLS."""

import pytest

from codegen_ext import ClientConfig, ConfigurationError, NetworkError
from codegen_ext._proxy import proxy_of

from ..support.loopback import CERTIFICATE, reply

Patch = pytest.MonkeyPatch
USER = {"id": 1, "email": None, "github_user_id": "1", "github_username": "octocat"}


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_a_proxy_of_the_environment_is_used(monkeypatch, serve, connect, variable, scheme):
    proxy = serve(reply(USER))
    monkeypatch.setenv(variable, scheme + proxy.base_url.removeprefix("http://"))
    assert connect("http://codegen.invalid/v1").get_current_user().id == 1
    (request,) = proxy.requests
    assert request.path == "http://codegen.invalid/v1/users/me"
    assert request.headers["host"] == "codegen.invalid"


def test_the_setting_wins_over_the_environment(monkeypatch, serve, connect):
    proxy = serve(reply(USER))
    monkeypatch.setenv("ALL_PROXY", "http://other.invalid:1")
    assert connect("http://codegen.invalid", proxy=proxy.base_url).get_current_user().id == 1
    with pytest.raises(ConfigurationError, match="proxy must be a proxy's address"):
        connect("http://codegen.invalid", proxy="nonsense")
    connect("https://codegen.invalid", proxy="https://proxy.invalid").close()


NETWORKS = "localhost, 10.0.0.0/8,fd00::/8,nonsense/99"


@pytest.mark.parametrize(
    ("excluded", "address", "proxy"),
    [
        ("", "http://host", "http://plain:1"),
        ("", "https://host", "https://secure:2"),
        ("", "http://127.0.0.1:3284", None),
        ("", "http://localhost:3284", None),
        *(
            (bypass, "http://codegen.invalid/v1", None)
            for bypass in ("codegen.invalid", "*", ".invalid", "*.invalid", "other.example, codegen.invalid")
        ),
        ("host:8080,::1", "http://host:8080/v1", None),
        ("host:8080,::1", "http://user:password@host:8080/v1", None),
        ("host:8080,::1", "http://host:8081/v1", "http://plain:1"),
        (".example.com", "https://api.example.com", None),
        (NETWORKS, "http://10.1.2.3:3284", None),
        (NETWORKS, "http://11.1.2.3:3284", "http://plain:1"),
        (NETWORKS, "http://[fd00::7]:3284", None),
        (NETWORKS, "http://[fe00::7]:3284", "http://plain:1"),
        (NETWORKS, "http://10.name:3284", "http://plain:1"),
    ],
)
def test_the_proxy_is_that_of_the_scheme_if_any(monkeypatch, excluded, address, proxy):
    assert proxy_of(ClientConfig(base_url=address)) is None
    monkeypatch.setenv("HTTP_PROXY", "http://plain:1")
    monkeypatch.setenv("HTTPS_PROXY", "https://secure:2")
    monkeypatch.setenv("NO_PROXY", excluded)
    assert proxy_of(ClientConfig(base_url=address)) == proxy


@pytest.mark.parametrize(
    ("variable", "proxy"),
    [
        ("ALL_PROXY", "socks://host:9"),
        ("HTTPS_PROXY", "http://[::1"),
        ("https_proxy", "http://user:hush@host:x"),
        ("SSL_CERT_FILE", "/nowhere.pem"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(monkeypatch, connect, variable, proxy):
    monkeypatch.setenv(variable, proxy)
    with pytest.raises(ConfigurationError, match=variable) as caught:
        connect("https://codegen.invalid")
    assert variable in (caught.value.config_key or "")
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "403 Forbidden"])
def test_a_proxy_that_refuses_is_asked_once(serve, connect, status):
    proxy = serve(reply(b"", status))
    client = connect("https://service.invalid", proxy=proxy.base_url, max_retries=3)
    with pytest.raises(NetworkError, match=status[:3]):
        client.get_agent_run(323, 1)
    assert proxy.connections == 1
    assert [(one.method, "authorization" in one.headers) for one in proxy.requests] == [("CONNECT", False)]


@pytest.mark.parametrize("name", ["get_agent_run", "create_agent_run"])
def test_a_certificate_that_is_not_trusted_is_met_once(serve, connect, name, monkeypatch):
    server = serve(reply({"id": 1, "organization_id": 323})).encrypt()
    address = server.base_url.replace("127.0.0.1", "localhost")
    with pytest.raises(NetworkError, match="certificate"):
        getattr(connect(address, max_retries=3), name)(323, "1")
    assert (server.connections, server.requests) == (1, [])
    monkeypatch.setenv("SSL_CERT_FILE", CERTIFICATE)
    for settings in ({"verify": CERTIFICATE}, {}):
        assert getattr(connect(address, **settings), name)(323, "1").id == 1


@pytest.mark.parametrize("setting", ["verify", "cert"])
def test_the_setting_of_an_unreadable_certificate_is_named(connect, setting, tmp_path):
    with pytest.raises(ConfigurationError, match=setting):
        connect("https://service.invalid", **{setting: str(tmp_path / "missing.pem")})
