"""Answers shared by processes through Redis: a real one, which is paused, killed, emptied and written to by others."""

import asyncio
import json
import logging
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from codegen_ext import AsyncCodegenClient, ClientConfig, ConfigurationError
from codegen_ext.cache import Entry, Key
from codegen_ext.redis_cache import PAUSE, RedisStore
from codegen_ext.testing import FakeClock, Sandbox

from ..conftest import TOKEN, Flavour, once
from ..support.calls import ORG, REPOSITORY
from ..support.loopback import Loopback, reply
from ..support.redis_server import RedisServer, free_port
from .conftest import Gated, user

Caching = Callable[..., Any]
SITE = "site"
KEY = Key("credential", "get_current_user", "parameters")
ENTRY = Entry(((b"content-type", b"application/json"), (b"x-name", "Jürgen".encode("latin-1"))), b'{"a":\n"\xff"}')


def store(server: RedisServer, credential: str = KEY.credential, max_size: int = 10, **others: Any) -> RedisStore:
    return RedisStore(server.address, SITE, credential, max_size, others.get("clock") or FakeClock())


def raw(server: RedisServer) -> Any:
    return Redis(port=server.port)


def entries(server: RedisServer) -> list[str]:
    return sorted(key for key in server.client.scan_iter("*") if key.count(":") == 7)


def test_clients_share_answers(caching: Caching, sandbox: Sandbox, redis_server: RedisServer) -> None:
    first, second = (caching(shared_state=redis_server.address) for _ in range(2))
    assert first.get_users(ORG) == second.get_users(ORG)
    assert len(sandbox.requests) == 1
    assert second.get_cache_stats() == {"size": 1, "max_size": 128, "hits": 1, "misses": 0, "hit_rate_percentage": 100}
    assert second.with_raw_response.get_users(ORG).headers["age"] == "0"
    second.clear_cache()
    assert first.get_cache_stats().size == 0
    first.get_users(ORG)
    assert len(sandbox.requests) == 2


def test_a_write_is_seen_by_all(caching: Caching, sandbox: Sandbox, redis_server: RedisServer) -> None:
    first, second = (caching(shared_state=redis_server.address) for _ in range(2))
    count = first.get_check_suite_settings(ORG, REPOSITORY).check_retry_count + 1
    second.get_check_suite_settings(ORG, REPOSITORY)
    second.get_current_user()
    second.update_check_suite_settings(ORG, REPOSITORY, check_retry_count=count)
    assert first.get_check_suite_settings(ORG, REPOSITORY).check_retry_count == count
    seen = len(sandbox.requests)
    first.get_current_user()
    assert len(sandbox.requests) == seen


def test_no_token_sees_what_another_was_answered(
    caching: Caching, serve: Callable[..., Loopback], redis_server: RedisServer
) -> None:
    server = serve(reply(user("ann")), reply(user("bob")), reply({}), reply(user("ann2")), reply(user("bob2")))
    ann, bob = (caching(server.base_url, api_token=token, shared_state=redis_server.address) for token in ("a", "b"))
    for _ in range(2):
        assert ann.get_current_user().github_username == "ann"
        assert bob.get_current_user().github_username == "bob"
    assert len(server.requests) == 2
    ann.clear_cache()
    assert bob.get_cache_stats().size == 1
    assert bob.get_current_user().github_username == "bob"
    # But what one of them writes is stale for both.
    bob.request("PUT", "/v1/users/me")
    assert ann.get_current_user().github_username == "ann2"
    assert bob.get_current_user().github_username == "bob2"


def test_the_token_is_nowhere_in_redis(
    caching: Caching, sandbox: Sandbox, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = caching(shared_state=redis_server.address, log_level="DEBUG")
    client.get_current_user()
    client.get_users(ORG)
    client.update_check_suite_settings(ORG, REPOSITORY, check_retry_count=1)
    client.clear_cache()
    client.get_current_user()
    found, server = [], raw(redis_server)
    for name in server.scan_iter("*"):
        kind = server.type(name)
        read = {b"string": server.get, b"hash": server.hgetall, b"zset": lambda key: server.zrange(key, 0, -1)}[kind]
        found.append(repr((name, read(name))))
        assert name.startswith(b"codegen:cache:")
        assert server.pttl(name) > 0
    server.close()
    assert len(found) > 3
    cache = client.cache
    shown = [*found, repr(cache), repr(vars(cache)), repr(client), caplog.text, repr(client.get_cache_stats())]
    assert not [text for text in shown if TOKEN[5:20] in text]


@once
@pytest.mark.parametrize("shared", [False, True], ids=["memory", "redis"])
def test_what_keeps_answers_neither_shows_nor_pickles_the_token(
    caching: Caching, sandbox: Sandbox, redis_server: RedisServer, shared: bool
) -> None:
    client = caching(shared_state=redis_server.address if shared else None)
    client.get_current_user()
    kept = client.cache._store
    for thing in (client.cache, kept, vars(kept), client.cache._flights, getattr(kept, "_kept", None)):
        assert TOKEN[5:20] not in repr(thing)
    with pytest.raises((TypeError, AttributeError)):  # AttributeError: what keeps the connections is a local class
        pickle.dumps(client.cache)
    if not shared:
        assert TOKEN[5:20].encode() not in pickle.dumps(list(kept._kept.items()))


def test_entries_end_on_the_clock_of_redis(redis_server: RedisServer) -> None:
    kept = store(redis_server)
    generation = kept.get(KEY).generation
    kept.put(KEY, ENTRY, 60, generation)
    (name,) = entries(redis_server)
    assert 50_000 < redis_server.client.pttl(name) <= 60_000
    assert kept.get(KEY).entry == ENTRY
    redis_server.client.pexpire(name, 20_000)
    assert 40 <= kept.get(KEY).age < 50
    redis_server.client.pexpire(name, 0)
    assert kept.get(KEY).entry is None
    assert kept.size() == 0
    kept.close()


@once
def test_a_client_with_a_shorter_time_does_not_use_what_is_older(
    caching: Caching, sandbox: Sandbox, redis_server: RedisServer
) -> None:
    long, short = (caching(shared_state=redis_server.address, cache_ttl_seconds=seconds) for seconds in (300, 100))
    long.get_current_user()
    (name,) = entries(redis_server)
    redis_server.client.pexpire(name, 150_000)
    long.get_current_user()
    assert len(sandbox.requests) == 1
    short.get_current_user()
    assert len(sandbox.requests) == 2


def test_the_answer_that_ends_first_gives_way_for_each_credential(redis_server: RedisServer) -> None:
    one, other = store(redis_server, "one", 2), store(redis_server, "other", 2)
    keys = [KEY._replace(credential="one", parameters=str(number)) for number in range(3)]
    foreign = KEY._replace(credential="other")
    other.put(foreign, ENTRY, 60, other.get(foreign).generation)
    for key, seconds in zip(keys, (50, 40, 60), strict=True):
        one.put(key, ENTRY, seconds, one.get(key).generation)
    assert [one.get(key).entry is not None for key in keys] == [True, False, True]
    assert (one.size(), other.size()) == (2, 1)
    assert len(entries(redis_server)) == 3
    one.close()
    other.close()


@pytest.mark.parametrize("damage", ["cut", "changed", "moved", "text", "list", "eternal", "version"])
def test_what_is_damaged_or_foreign_is_a_miss(redis_server: RedisServer, damage: str) -> None:
    kept, server = store(redis_server), raw(redis_server)
    kept.put(KEY, ENTRY, 60, kept.get(KEY).generation)
    name = entries(redis_server)[0]
    value = server.get(name)
    if damage == "cut":
        server.set(name, value[:-1], px=60_000)
    elif damage == "changed":
        server.set(name, value.replace(b'"a"', b'"b"'), px=60_000)
    elif damage == "moved":
        server.rename(name, name.replace("parameters", "others"))
    elif damage == "text":
        server.set(name, b"\xff\x00", px=60_000)
    elif damage == "list":
        server.delete(name)
        server.rpush(name, "1")
    elif damage == "eternal":
        server.persist(name)
    else:
        server.set(name, b"2" + value, px=60_000)
    found = kept.get(KEY._replace(parameters="others") if damage == "moved" else KEY)
    assert found.entry is None
    kept.put(KEY, ENTRY, 60, found.generation)
    assert kept.get(KEY).entry == ENTRY
    server.close()
    kept.close()


@pytest.mark.parametrize("name", ["get_current_user", "credential", "credential:answers"])
def test_values_of_another_type_under_its_keys_give_way(
    redis_server: RedisServer, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    kept = store(redis_server)
    redis_server.client.rpush(f"codegen:cache:{{site}}:{name}", "foreign")
    kept.put(KEY, ENTRY, 60, kept.get(KEY).generation)
    assert kept.get(KEY).entry == ENTRY
    assert kept.size() in (0, 1)
    kept.invalidate([KEY.operation])
    assert kept.get(KEY).entry is None
    assert not caplog.records
    kept.close()


@pytest.mark.parametrize("between", ["write", "write elsewhere", "clear", "restart"])
def test_what_was_asked_before_a_change_is_not_kept(redis_server: RedisServer, between: str) -> None:
    kept, other = store(redis_server), store(redis_server, "other")
    generation = kept.get(KEY).generation
    if between == "write":
        kept.invalidate([KEY.operation])
    elif between == "write elsewhere":
        other.invalidate([KEY.operation])
    elif between == "clear":
        kept.clear()
    else:
        redis_server.client.flushall()
    kept.put(KEY, ENTRY, 60, generation)
    assert kept.get(KEY).entry is None
    kept.close()
    other.close()


@pytest.mark.parametrize("name", ["get_current_user", "credential"])
def test_what_was_kept_under_a_lost_generation_is_a_miss(redis_server: RedisServer, name: str) -> None:
    kept = store(redis_server)
    kept.put(KEY, ENTRY, 60, kept.get(KEY).generation)
    redis_server.client.delete(f"codegen:cache:{{site}}:{name}")
    assert kept.size() == 0
    assert kept.get(KEY).entry is None
    kept.close()


def test_without_redis_a_client_works_as_without_a_cache(
    caching: Caching, sandbox: Sandbox, mortal_redis: RedisServer, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="codegen_ext")
    client = caching(shared_state=mortal_redis.address)
    client.get_current_user()
    client.get_current_user()
    assert len(sandbox.requests) == 1
    mortal_redis.kill()
    for _ in range(3):
        client.get_current_user()
        clock.advance(PAUSE + 1)
    assert client.get_cache_stats().size == 0
    assert len(sandbox.requests) == 4
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "127.0.0.1" not in caplog.text
    mortal_redis.start()
    clock.advance(PAUSE + 1)
    client.get_current_user()
    client.get_current_user()
    assert len(sandbox.requests) == 5
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_a_redis_that_hangs_stalls_one_request_only(
    caching: Caching, sandbox: Sandbox, mortal_redis: RedisServer, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = caching(shared_state=mortal_redis.address)
    asked: list[str] = []
    send = Redis.execute_command
    monkeypatch.setattr(
        Redis, "execute_command", lambda self, *args, **kw: asked.append(args[0]) or send(self, *args, **kw)
    )
    mortal_redis.pause()
    for _ in range(5):
        client.get_current_user()
    assert len(asked) == 1
    clock.advance(PAUSE + 1)
    client.get_current_user()
    assert len(asked) == 2
    mortal_redis.go_on()


def test_a_write_while_redis_is_away_is_made_up_for(
    caching: Caching, sandbox: Sandbox, mortal_redis: RedisServer, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = caching(shared_state=mortal_redis.address)
    count = client.get_check_suite_settings(ORG, REPOSITORY).check_retry_count + 1
    with monkeypatch.context() as away:
        away.setattr(Redis, "execute_command", lambda *args, **kw: (_ for _ in ()).throw(ConnectionError()))
        client.update_check_suite_settings(ORG, REPOSITORY, check_retry_count=count)
    clock.advance(PAUSE + 1)
    assert client.get_check_suite_settings(ORG, REPOSITORY).check_retry_count == count


def test_many_tasks_send_one_request(gated: Callable[..., Gated], redis_server: RedisServer) -> None:
    """More tasks than the event loop has threads."""
    server = gated(held=())
    config = ClientConfig(api_token=TOKEN, base_url=server.base_url, shared_state=redis_server.address)
    before = len(redis_server.client.client_list())

    async def ask() -> None:
        async with AsyncCodegenClient(config) as client:
            answers = await asyncio.gather(*(client.get_current_user() for _ in range(100)))
            assert {answer.id for answer in answers} == {1}
            assert (await client.get_cache_stats()).hits == 99
            assert (await client.cache.get_stats()).size == 1
            await client.cache.clear()

    asyncio.run(ask())
    assert len(server.requests) == 1
    # A process that ends leaves nothing behind either: there is no lock, and every key has a time to live.
    assert len(redis_server.client.client_list()) <= before
    assert all(redis_server.client.pttl(key) > 0 for key in redis_server.client.scan_iter("*"))


@once
def test_nothing_is_sent_to_redis_before_it_is_needed(flavour: Flavour) -> None:
    with flavour.client(ClientConfig(api_token=TOKEN, shared_state=f"redis://127.0.0.1:{free_port()}/0")):
        pass


@once
def test_without_the_extra(flavour: Flavour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ConfigurationError, match=r"codegen-sdk\[redis\]"):
        flavour.client(ClientConfig(api_token=TOKEN, shared_state="redis://127.0.0.1"))


@once
def test_processes_share_answers(caching: Caching, sandbox: Sandbox, redis_server: RedisServer) -> None:
    caching(shared_state=redis_server.address).get_current_user()
    script = (
        "import json, sys\n"
        "from codegen_ext import ClientConfig, CodegenClient\n"
        "settings = json.loads(sys.stdin.read())\n"
        "with CodegenClient(ClientConfig(**settings)) as client:\n"
        "    client.get_current_user()\n"
        "    print(client.get_cache_stats().hits)\n"
    )
    settings = {"api_token": TOKEN, "base_url": sandbox.base_url, "shared_state": redis_server.address}
    done = subprocess.run(
        [sys.executable, "-c", script], input=json.dumps(settings), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "1"
    assert len(sandbox.requests) == 1
