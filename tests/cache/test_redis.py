"""Answers shared by processes through Redis: a real one, which is paused, killed, emptied and written to by others."""

import asyncio
import logging
import sys
from contextlib import closing
from unittest.mock import Mock

import pytest
from redis import Redis

from codegen_ext import AsyncCodegenClient, ClientConfig, ConfigurationError, ServerError
from codegen_ext.cache import Answer, Key
from codegen_ext.redis_cache import PAUSE, RedisStore
from codegen_ext.storage import RedisClient, StoreUnavailable
from codegen_ext.testing import FakeClock, Fault

from ..conftest import TOKEN, once
from ..support.calls import ORG, REPOSITORY
from ..support.loopback import reply
from ..support.programs import free_port
from ..support.waiting import until
from .conftest import user

KEY = Key("credential", "get_current_user", "parameters")
ANSWER = Answer(((b"content-type", b"application/json"), (b"x-name", "Jürgen".encode("latin-1"))), b'{"a":\n"\xff"}')


class Kept(RedisStore):
    """A store that keeps and finds by key alone."""

    def __init__(self, server, credential=KEY.credential, max_size=10):
        super().__init__(server.address, "site", credential, max_size, FakeClock())

    def keep(self, key=KEY, seconds=60):
        self.put(key, ANSWER, seconds, self.get(key)[1])

    def has(self, key=KEY):
        found, _ = self.get(key)
        assert found is None or found[:2] == ANSWER[:2]
        return found is not None


@pytest.fixture
def kept(redis_server):
    with closing(Kept(redis_server)) as store:
        yield store


@pytest.fixture
def raw(redis_server):
    """A client that answers bytes."""
    with closing(Redis(port=redis_server.port)) as client:
        yield client


@pytest.fixture
def sharing(caching, redis_server):
    """Build clients that share answers."""
    return lambda base_url=None, **settings: caching(base_url, shared_state=redis_server.address, **settings)


def entries(server):
    return sorted(key for key in server.client.scan_iter("*") if key.count(":") == 7)


def test_clients_share_answers_until_one_of_them_writes(sharing, sandbox):
    first, second = sharing(), sharing()
    count = first.get_check_suite_settings(ORG, REPOSITORY).check_retry_count
    assert first.get_users(ORG) == second.get_users(ORG)
    assert len(sandbox.requests) == 2
    assert second.get_cache_stats() == {"size": 2, "max_size": 128, "hits": 1, "misses": 0, "hit_rate_percentage": 100}
    assert second.with_raw_response.get_users(ORG).headers["age"] == "0"
    second.update_check_suite_settings(ORG, REPOSITORY, check_retry_count=count + 1)
    assert first.get_check_suite_settings(ORG, REPOSITORY).check_retry_count == count + 1
    first.get_users(ORG)
    assert len(sandbox.requests) == 4
    second.clear_cache()
    assert first.get_cache_stats().size == 0


def test_no_token_sees_what_another_was_answered(sharing, serve):
    server = serve(reply(user("ann")), reply(user("bob")), reply({}), reply(user("ann2")), reply(user("bob2")))
    ann, bob = (sharing(server.base_url, api_token=token) for token in ("a", "b"))
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


def test_the_token_is_nowhere_in_redis(sharing, raw):
    client = sharing()
    client.get_users(ORG)
    client.update_check_suite_settings(ORG, REPOSITORY, check_retry_count=1)
    client.get_current_user()
    shown = [repr(client.cache), repr(vars(client.cache))]
    for name in raw.scan_iter("*"):
        shown.append(repr((name, raw.zrange(name, 0, -1) if raw.type(name) == b"zset" else raw.get(name))))
        assert name.startswith(b"codegen:cache:")
        assert raw.pttl(name) > 0
    assert len(shown) > 5
    assert not [text for text in shown if TOKEN[5:20] in text]


@once
def test_a_client_with_a_shorter_time_uses_nothing_older(sharing, sandbox, redis_server):
    long, short = sharing(), sharing(cache_ttl_seconds=100, stale_if_error=40)
    long.get_current_user()
    redis_server.client.pexpire(*entries(redis_server), 150_000)
    long.get_current_user()
    assert len(sandbox.requests) == 1
    sandbox.inject("get_current_user", Fault.status(503))
    with pytest.raises(ServerError):
        short.get_current_user()


def test_the_answer_that_ends_first_gives_way_for_each_credential(redis_server):
    with closing(Kept(redis_server, "one", 2)) as one, closing(Kept(redis_server, "other", 2)) as other:
        keys = [KEY._replace(credential="one", parameters=str(number)) for number in range(3)]
        other.keep(KEY._replace(credential="other"))
        for key, seconds in zip(keys, (50, 40, 60), strict=True):
            one.keep(key, seconds)
        assert [one.has(key) for key in keys] == [True, False, True]
        assert (one.size(), other.size()) == (2, 1)
    assert len(entries(redis_server)) == 3


DAMAGES = {
    "changed": lambda raw, name, value: raw.set(name, value.replace(b'"a"', b'"b"'), px=60_000),
    "moved": lambda raw, name, value: raw.rename(name, name.replace("parameters", "others")),
    "list": lambda raw, name, value: raw.delete(name) and raw.rpush(name, "1"),
    "eternal": lambda raw, name, value: raw.persist(name),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_or_foreign_is_a_miss(kept, raw, redis_server, damage):
    kept.keep()
    (name,) = entries(redis_server)
    DAMAGES[damage](raw, name, raw.get(name))
    assert not kept.has(KEY._replace(parameters="others") if damage == "moved" else KEY)
    kept.keep()
    assert kept.has()


@pytest.mark.parametrize("name", ["get_current_user", "credential", "credential:answers"])
def test_values_of_another_type_under_its_keys_give_way(kept, redis_server, name, caplog):
    redis_server.client.rpush(f"codegen:cache:{{site}}:{name}", "foreign")
    kept.keep()
    assert kept.has()
    assert kept.size() in (0, 1)
    kept.invalidate([KEY.operation])
    assert not kept.has()
    assert not caplog.records


def test_without_redis_a_client_works_as_without_a_cache(caching, sandbox, mortal_redis, clock, caplog, monkeypatch):
    tries, send = [], RedisClient.commands
    monkeypatch.setattr(RedisClient, "commands", lambda self, *sent: tries.append(1) or send(self, *sent))
    caplog.set_level(logging.INFO, logger="codegen_ext")
    client = caching(shared_state=mortal_redis.address)
    client.get_current_user()
    client.get_current_user()
    assert len(sandbox.requests) == 1
    mortal_redis.kill()
    for count in (1, 2):  # one call tries again every few seconds
        tries.clear()
        for _ in range(3):
            client.get_current_user()
        assert (len(tries), len(sandbox.requests)) == (1, 1 + 3 * count)
        assert client.get_cache_stats().size == 0
        clock.advance(PAUSE + 1)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "127.0.0.1" not in caplog.text
    mortal_redis.start()
    client.get_current_user()
    client.get_current_user()
    assert len(sandbox.requests) == 8
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


@pytest.fixture
def owing(kept, monkeypatch):
    """A store with an answer that a change made stale while Redis was away, which it is asked about again."""
    kept.keep()
    with monkeypatch.context() as away:
        away.setattr(RedisClient, "commands", Mock(side_effect=StoreUnavailable("ConnectionError")))
        kept.invalidate([KEY.operation])
    kept._clock.advance(PAUSE + 1)
    return kept


def test_a_change_while_redis_is_away_is_made_up_for_by_one_caller(owing, monkeypatch):
    def fail(*_):
        assert not owing.has()  # which asks nothing, as other threads meanwhile
        tries.append(1)
        raise StoreUnavailable("ConnectionError")

    tries = []
    with monkeypatch.context() as away:
        away.setattr(RedisClient, "commands", fail)
        assert not owing.has()
    assert tries == [1]
    owing._clock.advance(PAUSE + 1)
    assert not owing.has()


def test_a_change_meanwhile_is_not_forgotten(owing, redis_server, monkeypatch):
    send = RedisClient.commands

    def overtaken(redis, *commands):
        monkeypatch.setattr(RedisClient, "commands", send)
        done = send(redis, *commands)
        with closing(Kept(redis_server)) as other:
            other.keep()
        owing.invalidate([KEY.operation])
        return done

    monkeypatch.setattr(RedisClient, "commands", overtaken)
    owing.has()
    assert not owing.has()


async def test_many_tasks_send_one_request(serve, redis_server):
    """More tasks than an executor of the event loop would have threads."""
    server = serve(reply(user()))
    config = ClientConfig(api_token=TOKEN, base_url=server.base_url, shared_state=redis_server.address)
    before = len(redis_server.client.client_list())
    async with AsyncCodegenClient(config) as client:
        answers = await asyncio.gather(*(client.get_current_user() for _ in range(50)))
        assert {answer.id for answer in answers} == {1}
        stats = await client.get_cache_stats()
        assert (stats.hits, stats.size, await client.cache.get_stats()) == (49, 1, stats)
    assert len(server.requests) == 1
    until(lambda: len(redis_server.client.client_list()) <= before)


@once
def test_nothing_is_sent_to_redis_before_it_is_needed(flavour, monkeypatch):
    config = ClientConfig(api_token=TOKEN, shared_state=f"redis://127.0.0.1:{free_port()}/0")
    with flavour.client(config):
        pass
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ConfigurationError, match=r"codegen-sdk\[redis\]"):
        flavour.client(config, rate_limits=False)
