"""Ways to call differently: derived clients, per-call options, whole responses, unknown paths, base addresses."""

from collections.abc import Callable
from typing import Any

import pytest

from codegen_ext import CodegenAPIError, ConfigurationError, NotFoundError
from codegen_ext import TimeoutError as CodegenTimeoutError
from codegen_ext.testing import Fault, Sandbox

from ..conftest import TOKEN, Flavour
from ..support.loopback import HANG, Loopback, reply

USER = {"id": 1, "email": None, "github_user_id": "1", "github_username": "octocat"}


def test_a_derived_client_has_other_settings_and_the_same_connections(client: Any) -> None:
    derived = client.with_options(timeout=5, max_retries=7)
    assert (derived.config.timeout, derived.config.max_retries) == (5, 7)
    assert (client.config.timeout, client.config.max_retries) == (30, 0)
    assert derived.session is client.session
    assert type(derived) is type(client)
    assert derived.get_current_user().id == 1
    assert client.metrics is derived.metrics
    assert client.get_stats().total_requests == 1


def test_options_that_are_not_given_stay(client: Any) -> None:
    derived = client.with_options(timeout=5).with_options(max_retries=7)
    assert (derived.config.timeout, derived.config.max_retries) == (5, 7)
    assert client.with_options(max_retries=0).config.max_retries == 0


def test_the_derived_timeout_counts(serve: Callable[..., Loopback], connect: Callable[..., Any]) -> None:
    client = connect(serve(HANG).base_url)
    with pytest.raises(CodegenTimeoutError) as caught:
        client.with_options(timeout=0.03).get_current_user()
    assert caught.value.timeout_duration == 0.03


@pytest.mark.parametrize("options", [{"timeout": 0}, {"timeout": -1}, {"max_retries": -1}, {"max_retries": 1.5}])
def test_options_out_of_range_are_refused(client: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        client.with_options(**options)


def test_closing_a_derived_client_leaves_the_parent_open(client: Any) -> None:
    client.with_options(timeout=5).close()
    with client.with_options(timeout=6) as derived:
        derived.get_current_user()
    assert not client.session.is_closed
    assert client.get_current_user().id == 1


def test_closing_the_parent_closes_the_derived(client: Any) -> None:
    derived = client.with_options(timeout=5)
    client.close()
    assert derived.session.is_closed


def test_a_context_manager_closes_its_client(connect: Callable[..., Any], sandbox: Sandbox) -> None:
    with connect() as client:
        assert client.get_current_user().id == 1
        assert not client.session.is_closed
    assert client.session.is_closed


def test_a_context_manager_closes_also_after_an_error(client: Any) -> None:
    with pytest.raises(LookupError), client:
        raise LookupError
    assert client.session.is_closed


def test_closing_twice_is_harmless(client: Any) -> None:
    client.close()
    client.close()


def test_a_call_may_have_its_own_timeout_and_headers(
    serve: Callable[..., Loopback], connect: Callable[..., Any]
) -> None:
    server = serve(reply(USER), reply({"id": 1, "organization_id": 323}), reply(USER), HANG)
    client = connect(server.base_url)
    client.get_current_user(extra_headers={"X-Trace": "1", "User-Agent": "mine"})
    client.create_agent_run(323, "hello", extra_headers={"X-Trace": "2"})
    client.with_raw_response.get_current_user(extra_headers={"X-Trace": "3"})
    with pytest.raises(CodegenTimeoutError):
        client.with_raw_response.get_current_user(timeout=0.03)
    assert [request.headers.get("x-trace") for request in server.requests] == ["1", "2", "3", None]
    assert server.requests[0].headers["user-agent"] == "mine"
    assert server.requests[1].headers["content-type"] == "application/json"
    assert server.requests[1].headers["authorization"] == f"Bearer {TOKEN}"


def test_unknown_paths_can_be_asked_too(serve: Callable[..., Loopback], connect: Callable[..., Any]) -> None:
    server = serve(reply({"answer": 42}), reply([1, 2]), reply(b"", 204, content_type=None), reply(b"null"))
    client = connect(f"{server.base_url}/v1")
    assert client.request("GET", "/v2/new", params={"a": 1, "b": ["x", "y"]}) == {"answer": 42}
    assert client.request("POST", "v2/new", json={"b": 2}, extra_headers={"X-A": "1"}) == [1, 2]
    assert client.request("DELETE", "/v2/new/1") is None
    assert client.request("PUT", "/v2/new/1", json=[]) is None
    get, post, delete, _ = server.requests
    assert (get.method, get.path, get.body) == ("GET", "/v2/new?a=1&b=x&b=y", b"")
    assert (post.method, post.path, post.json()) == ("POST", "/v2/new", {"b": 2})
    assert post.headers["x-a"] == "1"
    assert get.headers["authorization"] == f"Bearer {TOKEN}"
    assert (delete.method, delete.path) == ("DELETE", "/v2/new/1")


def test_unknown_paths_have_the_same_errors(client: Any, sandbox: Sandbox) -> None:
    with pytest.raises(NotFoundError) as caught:
        client.request("GET", "/v1/nothing")
    assert caught.value.operation == "GET /v1/nothing"
    assert caught.value.request_id == "sandbox-0-1"
    with pytest.raises(CodegenAPIError, match="Method Not Allowed") as caught:
        client.request("DELETE", "/v1/users/me")
    assert caught.value.status_code == 405
    with pytest.raises(CodegenAPIError, match="cannot be sent"):
        client.request("POST", "/v1/users/me", json=object())


@pytest.mark.parametrize("path", ["http://example.com/v1/users/me", "https://example.com", "a://b"])
def test_the_token_never_goes_to_another_host(client: Any, sandbox: Sandbox, path: str) -> None:
    with pytest.raises(ConfigurationError, match="below the base URL"):
        client.request("GET", path)
    assert sandbox.requests == []


def test_a_path_that_looks_like_a_host_stays_on_ours(client: Any, sandbox: Sandbox) -> None:
    client.request("GET", "//example.com/v1/users/me")
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
def test_the_base_address_may_end_in_several_ways(connect: Callable[..., Any], sandbox: Sandbox, suffix: str) -> None:
    client = connect(sandbox.base_url + suffix)
    assert client.get_current_user().id == 1
    assert client.request("GET", "/v1/users/me")["id"] == 1
    assert {record.path for record in sandbox.requests} == {"/v1/users/me"}


def test_the_base_address_may_have_a_path(serve: Callable[..., Loopback], connect: Callable[..., Any]) -> None:
    server = serve(reply(USER))
    client = connect(f"{server.base_url}/gate/v1")
    client.get_current_user()
    client.request("GET", "/v1/other")
    assert [request.path for request in server.requests] == ["/gate/v1/users/me", "/gate/v1/other"]


def test_a_client_shows_its_address(client: Any, sandbox: Sandbox, flavour: Flavour) -> None:
    name = "AsyncCodegenClient" if flavour.is_async else "CodegenClient"
    assert repr(client) == f"{name}(base_url={sandbox.base_url!r})"


def test_connections_are_kept_for_the_next_request(serve: Callable[..., Loopback], connect: Callable[..., Any]) -> None:
    server = serve(reply(USER))
    client = connect(server.base_url)
    for _ in range(5):
        client.get_current_user()
    assert len({request.port for request in server.requests}) == 1


def test_a_slow_answer_is_awaited_piece_by_piece(client: Any, sandbox: Sandbox) -> None:
    sandbox.inject("get_current_user", Fault.drip(10, 0.01))
    assert client.get_current_user().id == 1


def test_a_stream_of_the_session_comes_as_it_is_sent(
    serve: Callable[..., Loopback], connect: Callable[..., Any], flavour: Flavour
) -> None:
    # A transport that waited for the end of this body would wait for ever.
    session = connect(serve(reply(b"first\n", content_type="text/plain", length=100) + HANG).base_url).session

    async def first_line() -> str:
        async with session.stream("GET", "/v1/export") as response:
            return await anext(response.aiter_lines())

    if flavour.is_async:
        assert flavour.settle(first_line()) == "first"
    else:
        with session.stream("GET", "/v1/export") as response:
            assert next(response.iter_lines()) == "first"


def test_other_requests_of_the_session_are_read_and_asked_again(
    serve: Callable[..., Loopback], connect: Callable[..., Any], flavour: Flavour
) -> None:
    server = serve(reply(b"{", length=100), reply({"whole": True}))
    session = connect(server.base_url, max_retries=1).session
    assert flavour.settle(session.get("/v1/export")).json() == {"whole": True}
    assert len(server.requests) == 2
