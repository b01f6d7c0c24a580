"""What is answered from the cache, what is not, for how long, and what serves while the service is down."""

from contextlib import suppress

import httpx
import pytest
from codegen_api.operations import OPERATIONS

from codegen_ext import CodegenAPIError, ConfigurationError, NetworkError
from codegen_ext._async import cache as async_cache
from codegen_ext._sync import cache as sync_cache
from codegen_ext.cache import key_of

from ..conftest import TOKEN, once
from ..support.calls import ORG, required
from ..support.loopback import CLOSE, HANG, reply
from .conftest import user

READS = [one for one in OPERATIONS.values() if one.method == "GET" and one.service == "codegen"]


def asked(server):
    return len(server.requests)


@once
@pytest.mark.parametrize("operation", READS, ids=lambda operation: operation.id)
def test_what_the_contract_marks_is_asked_once(operation, caching, sandbox):
    client = caching()
    client.create_agent_run(ORG, "hello")
    before = asked(sandbox)
    first, second = (getattr(client, operation.id)(**required(operation)) for _ in range(2))
    assert first == second
    assert asked(sandbox) - before == (2 if operation.cache_seconds is None else 1)


def test_the_chatserver_client_keeps_answers_too(flavour, sandbox):
    with flavour.chat(TOKEN, sandbox.base_url) as chat:
        assert chat.list_models() == chat.list_models()
        assert (asked(sandbox), chat.get_cache_stats().hits) == (1, 1)


@pytest.mark.parametrize(("setting", "current"), [(60, 60), (10_000, 300)], ids=["setting", "contract"])
def test_an_answer_is_current_for_the_shorter_time(caching, sandbox, clock, setting, current):
    client = caching(cache_ttl_seconds=setting)
    client.get_current_user()
    clock.advance(current - 1)
    client.get_current_user()
    assert asked(sandbox) == 1
    clock.advance(2)
    client.get_current_user()
    assert (asked(sandbox), client.get_cache_stats().size) == (2, 1)


def test_the_order_of_parameters_and_headers_does_not_matter():
    url = "https://service/v1/organizations/1/users"

    def key(query, *headers, base=url):
        return key_of(httpx.Request("GET", base + query, headers=list(headers)), "get_users")

    a, b = ("X-A", "1"), ("X-B", "2")
    one = key("?skip=1&limit=2", a, b)
    assert key("?limit=2&skip=1", b, a) == one
    queries = ("?limit=1&skip=2", "?limit=2", "?limit=2&skip=1&skip=2", "?skip=2&limit=2&skip=1", "")
    headers = [(a,), (a, b, ("Cookie", "c")), (("X-A", "2"), b), (a, b, ("Authorization", "Bearer c"))]
    others = [key(query, a, b) for query in queries] + [key("?skip=1&limit=2", *some) for some in headers]
    others.append(key("?skip=1&limit=2", a, b, base=url.replace("service", "another")))
    assert len({one, *others}) == 11
    ignored = [("User-Agent", "x"), ("Cache-Control", "no-cache"), ("Connection", "close")]
    assert key("?skip=1&limit=2", a, b, *ignored) == one


def test_an_answer_from_the_cache_is_like_another_and_the_callers_own(caching, serve):
    server = serve(reply(user(), headers={"Set-Cookie": "session=1", "X-Request-Id": "r1"}))
    client = caching(server.base_url)
    client.get_current_user()
    client.session.cookies.clear()
    for _ in "12":
        answer = client.with_raw_response.get_current_user()
        assert (answer.headers["x-request-id"], answer.headers["age"]) == ("r1", "0")
        assert "set-cookie" not in answer.headers
        assert answer.parsed.github_username == "octocat"
        answer.headers["x-request-id"] = answer.parsed.github_username = "changed"
    assert asked(server) == 1


def test_a_write_outside_the_contract_drops_everything(caching, serve):
    server = serve(reply(user()), reply({}), CLOSE, reply(user()))
    client = caching(server.base_url)
    client.get_current_user()
    client.request("GET", "/v1/other")
    client.get_current_user()
    assert asked(server) == 2
    with pytest.raises(NetworkError):  # also when it fails, since it may have taken place
        client.request("PUT", "/v1/other")
    client.get_current_user()
    assert asked(server) == 4


def test_a_request_past_the_cache_brings_what_is_kept_up_to_date(caching, serve):
    server = serve(*(reply(user(name)) for name in ("old", "new", "newer", "newest")))
    client = caching(server.base_url)
    client.get_current_user()
    client.health_check()
    assert client.get_current_user().github_username == "new"
    assert client.get_current_user(extra_headers={"Cache-Control": "no-cache"}).github_username == "newer"
    assert client.get_current_user().github_username == "newer"


@pytest.mark.parametrize(
    "answer",
    [
        reply({"detail": "no"}, 404),
        reply(user(), 203),
        reply(b"<html>", content_type="text/html"),
        reply({"id": "no number"}),
        reply(user(), length=5_000),
        reply(user(), headers={"Cache-Control": "no-store"}),
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + reply(user()).partition(b"\r\n\r\n")[2],
    ],
    ids=["404", "203", "html", "unfit", "cut", "no-store", "unframed"],
)
def test_only_whole_answers_with_status_200_are_kept(caching, serve, answer):
    server = serve(answer, reply(user()))
    client = caching(server.base_url)
    with suppress(CodegenAPIError):
        client.get_current_user()
    assert client.get_cache_stats().size == 0
    assert client.get_current_user().github_username == "octocat"
    assert asked(server) == 2


def test_a_body_that_is_too_large_is_not_kept(caching, serve, monkeypatch):
    body = user()
    for module in (async_cache, sync_cache):
        monkeypatch.setattr(module, "MAX_BODY", len(reply(body).partition(b"\r\n\r\n")[2]))
    server = serve(reply(user("octocats")), reply(body))
    client = caching(server.base_url)
    for _ in range(3):
        client.get_current_user()
    assert asked(server) == 2


def test_clearing_and_sharing_with_a_client_of_other_options(caching, sandbox):
    client = caching()
    other = client.with_options(timeout=5)
    for clear in (client.clear_cache, client.cache.clear, other.clear_cache):
        before = asked(sandbox)
        client.get_current_user()
        other.get_current_user()
        assert asked(sandbox) == before + 1
        clear()
        stats = client.get_cache_stats()
        assert stats == client.cache.get_stats()
        assert stats["size"] == stats.size == 0
    with pytest.raises(AttributeError, match="has no 'hit'"):
        _ = stats.hit


def test_without_caching(connect, sandbox):
    client = connect(enable_caching=False)
    client.get_current_user()
    client.get_current_user()
    assert asked(sandbox) == 2
    for use in (lambda: client.cache, client.get_cache_stats, client.clear_cache):
        with pytest.raises(ConfigurationError, match="enable_caching") as caught:
            use()
        assert caught.value.config_key == "enable_caching"


@once
def test_neither_metrics_nor_redis_are_needed(caching, sandbox, tmp_path):
    client = caching(enable_metrics=False, shared_state=f"sqlite:///{tmp_path}/state.db", cache_max_size=1)
    for number, requests in ((1, 1), (1, 1), (2, 2), (1, 3)):
        client.get_user(ORG, number)
        assert asked(sandbox) == requests
    assert list(tmp_path.iterdir()) == []


DOWN = {
    "503": reply({}, 503),
    "lost": CLOSE,
    "undecodable": reply(b"no gzip", headers={"Content-Encoding": "gzip"}),
    "hanging": HANG,
}


@pytest.mark.parametrize("answer", DOWN.values(), ids=DOWN)
def test_a_stale_answer_serves_while_the_service_is_down(caching, serve, clock, answer):
    server = serve(reply(user("kept")), answer)
    client = caching(server.base_url, stale_if_error=100)
    while_down = client.with_options(timeout=0.2 if answer == HANG else 30)
    client.get_current_user()
    clock.advance(399)
    assert while_down.get_current_user().github_username == "kept"
    assert while_down.with_raw_response.get_current_user().headers["age"] == "399"
    assert len(server.requests) == 3
    assert client.get_cache_stats().hits == 2
    assert client.get_stats().total_errors == 0
    clock.advance(2)
    with pytest.raises(CodegenAPIError):
        while_down.get_current_user()
    server.answers = [reply(user("new"))]
    assert [client.get_current_user().github_username for _ in "12"] == ["new", "new"]
    assert len(server.requests) == 5


@pytest.mark.parametrize(("status", "seconds"), [(404, 1000), (429, 1000), (503, 0)])
def test_a_stale_answer_never_serves_for_a_refusal_or_unasked(caching, serve, clock, status, seconds):
    client = caching(serve(reply(user()), reply({}, status)).base_url, stale_if_error=seconds)
    client.get_current_user()
    clock.advance(301)
    with pytest.raises(CodegenAPIError) as caught:
        client.get_current_user()
    assert caught.value.status_code == status
