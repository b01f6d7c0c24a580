"""Ways to call differently: settings, derived clients, options of a call, unknown paths, base addresses."""

import json

import pytest

from codegen_ext import ClientConfig, CodegenAPIError, ConfigurationError, ValidationError

from ..conftest import TOKEN
from ..support.loopback import HANG, reply

USER = {"id": 1, "email": None, "github_user_id": "1", "github_username": "octocat"}


@pytest.mark.parametrize("name", ["api_token", "token", "api_key"])
def test_the_credential_goes_by_any_of_its_names(sandbox, flavour, name):
    with flavour.client(base_url=sandbox.base_url, timeout=7, **{name: TOKEN}) as client:
        assert client.get_current_user().id == 1
        assert (client.config.timeout, client.config.api_token) == (7, TOKEN)
    config = ClientConfig(base_url=sandbox.base_url, **{name: TOKEN})
    with flavour.client(config, max_retries=9) as client:
        assert client.get_current_user().id == 1
        assert (client.config.max_retries, config.max_retries) == (9, 3)


def test_names_that_contradict_or_do_not_exist_are_refused(flavour, client):
    with pytest.raises(ConfigurationError, match="api_token and token"):
        ClientConfig(api_token="a", token="b")
    with pytest.raises(TypeError, match="did you mean timeout"):
        ClientConfig(timeuot=5)
    with pytest.raises(AttributeError, match="did you mean timeout"):
        ClientConfig().timeuot = 5
    with pytest.raises(ConfigurationError, match="did you mean timeout"):
        flavour.client(api_token="abc", timeuot=5)
    with pytest.raises(ConfigurationError, match="did you mean max_retries"):
        client.with_options(max_retry=1)


def test_a_derived_client_has_other_settings_and_the_same_connections(client):
    derived = client.with_options(timeout=5).with_options(max_retries=7, exactly_once=False)
    assert (derived.config.timeout, derived.config.max_retries) == (5, 7)
    assert (client.config.timeout, client.config.max_retries) == (30, 0)
    assert (type(derived), derived.session, derived.metrics) == (type(client), client.session, client.metrics)
    with derived:
        assert derived.get_current_user().id == 1
    assert client.get_stats().total_requests == 1
    with client.with_options(user_agent_suffix="x", max_connections=3) as other:
        assert other.session is not client.session
        assert other.get_current_user().id == 1
    assert not client.session.is_closed
    with pytest.raises(LookupError), client:
        raise LookupError
    assert derived.session.is_closed


def test_a_call_may_have_headers_and_parameters_of_its_own(serve, connect):
    server = serve(reply(USER), reply({"id": 1, "organization_id": 323}), reply(USER))
    client = connect(server.base_url, default_headers={"X-Team": "core"}, user_agent_suffix="mine/1.0")
    client.get_current_user(extra_headers={"X-Team": "other", "User-Agent": "mine"}, extra_query={"expand": ["a", "b"]})
    client.create_agent_run(
        323, "x", extra_body={"reasoning": "high"}, extra_query={"dry": True}, extra_headers={"X-Trace": "2"}
    )
    client.with_raw_response.get_current_user(extra_headers={"X-Trace": "3"})
    client.request("GET", "/v1/users/me")
    first, second, third, fourth = server.requests
    assert [request.headers["x-team"] for request in server.requests] == ["other", "core", "core", "core"]
    assert [request.headers.get("x-trace") for request in server.requests] == [None, "2", "3", None]
    assert first.headers["user-agent"] == "mine"
    assert all(one.headers["user-agent"].endswith(" mine/1.0") for one in (second, third, fourth))
    assert first.path == "/v1/users/me?expand=a&expand=b"
    assert second.path.endswith("?dry=true")
    assert {"reasoning", "prompt", "metadata"} <= set(second.json())
    assert second.headers["content-type"] == "application/json"
    assert second.headers["authorization"] == f"Bearer {TOKEN}"
    with pytest.raises(ValidationError, match="default_headers"):
        connect(default_headers={"X-Team": "a\nb"})


def test_unknown_paths_can_be_asked_too(serve, connect):
    server = serve(reply({"answer": 42}), reply([1, 2]), reply(b"", 204, content_type=None), reply({}, 405))
    client = connect(f"{server.base_url}/v1")
    assert client.request("GET", "/v2/new", params={"a": 1, "b": ["x", "y"]}) == {"answer": 42}
    assert client.request("POST", "v2/new", json={"b": 2}, extra_headers={"X-A": "1"}) == [1, 2]
    assert client.request("DELETE", "//example.com/v1") is None
    with pytest.raises(CodegenAPIError, match="HTTP status 405") as caught:
        client.request("PUT", "/v2/new/1", json=[])
    assert (caught.value.status_code, caught.value.operation) == (405, "PUT /v2/new/1")
    with pytest.raises(ValidationError, match="cannot be sent"):
        client.request("POST", "/v1/users/me", json=object())
    with pytest.raises(ValidationError, match="URL too long"):
        client.revoke_oauth_token("x" * 70_000, 323)
    get, post, _, _ = server.requests
    assert (get.method, get.path, get.body) == ("GET", "/v2/new?a=1&b=x&b=y", b"")
    assert (post.method, post.path, post.json(), post.headers["x-a"]) == ("POST", "/v2/new", {"b": 2}, "1")
    assert get.headers["authorization"] == f"Bearer {TOKEN}"


def test_operations_share_hooks_cookies_and_headers_of_the_session(serve, connect, flavour):
    server = serve(reply(USER, headers={"Set-Cookie": "a=1"}), reply(USER))
    client = connect(server.base_url)
    seen = []

    def note(message):
        seen.append(f"{type(message).__name__} {message.headers['x-a'] if hasattr(message, 'method') else ''}")

    async def note_async(message):
        note(message)

    hook = note_async if flavour.is_async else note
    client.session.event_hooks = {"request": [hook], "response": [hook]}
    client.session.headers["X-A"] = "b"
    client.get_current_user()
    client.get_current_user()
    assert seen == ["Request b", "Response "] * 2
    assert [request.headers.get("cookie") for request in server.requests] == [None, "a=1"]


@pytest.mark.parametrize("base", ["", "/", "/v1", "/v1/", "/gate/v1", "/gate/"])
def test_a_base_address_may_have_path_and_version(serve, connect, flavour, base):
    server, prefix = serve(reply(USER)), "/gate" if "gate" in base else ""
    client = connect(server.base_url + base)
    client.get_current_user()
    client.request("GET", "/v1/other")
    assert [request.path for request in server.requests] == [f"{prefix}/v1/users/me", f"{prefix}/v1/other"]
    name = "AsyncCodegenClient" if flavour.is_async else "CodegenClient"
    assert repr(client).startswith(f"{name}(base_url='{server.base_url}{prefix}")


def test_the_session_streams_and_asks_again_for_the_rest(serve, connect, flavour):
    # A transport that waited for the end of this body would wait for ever.
    session = connect(serve(reply(b"first\n", content_type="text/plain", length=100) + HANG).base_url).session

    async def first_line():
        async with session.stream("GET", "/v1/export") as response:
            return await anext(response.aiter_lines())

    if flavour.is_async:
        assert flavour.settle(first_line()) == "first"
    else:
        with session.stream("GET", "/v1/export") as response:
            assert next(response.iter_lines()) == "first"
    server = serve(reply(b"{", length=100), reply({"whole": True}))
    session = connect(server.base_url, max_retries=1).session
    assert json.loads(flavour.settle(session.get("/v1/export")).content) == {"whole": True}
    assert len(server.requests) == 2
