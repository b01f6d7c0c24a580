"""Shared windows in Redis and SQLite: step by step against a model, killed, forked, damaged, and what they show."""

import itertools
import sqlite3
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from pathlib import Path
from unittest.mock import ANY, Mock

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from codegen_ext import CodegenClient, ConfigurationError, rate_limits
from codegen_ext.rate_limits.redis import RedisWindows
from codegen_ext.rate_limits.shared import open_limit_store
from codegen_ext.rate_limits.sqlite import SqliteWindows
from codegen_ext.rate_limits.store import PEER_PERIOD, Reply, Sent
from codegen_ext.rate_limits.window import SECOND, Limit, micro
from codegen_ext.storage import StoreUnavailable

from ..support.programs import free_port
from ..support.waiting import in_child
from .conftest import ModelStore, settings

LIMITS = (Limit("a", 2, 10 * SECOND), Limit("b", 3, 25 * SECOND), Limit("c", 1, 7 * SECOND))
WIDE = (Limit("wide", 1_000_000, 60 * SECOND),)
"""Lasts for longer than a test, whose stores have the clock of the machine, may take."""
SCRIPT = Path(rate_limits.__file__).with_name("redis.lua")
_scopes = itertools.count()


@pytest.fixture(params=["redis", "sqlite"])
def address(request, tmp_path):
    """A store of each kind."""
    if request.param == "redis":
        server = request.getfixturevalue("redis_server")
        return server.address
    return f"sqlite:///{tmp_path}/limits.db"


class Time:
    """The clock of all three; the script in Redis reads it from a key, and its own clock when keys end."""

    def __init__(self, address, redis):
        self._redis = redis
        self.set(1_763_000_000_000_000)
        self.store = RedisWindows(address)
        text = SCRIPT.read_text()
        replaced = text.replace("redis.call('TIME')", "{0, tonumber(redis.call('GET', 'now'))}")
        assert replaced != text
        self.store._attempt = self.store._redis.script(replaced)
        self.store._now = self

    def __call__(self):
        return self.now

    def set(self, now):
        self.now = now
        self._redis.set("now", now)


@pytest.fixture
def sides(tmp_path, redis_server):
    clock = Time(redis_server.address, redis_server.client)
    stores = [ModelStore(clock), SqliteWindows(str(tmp_path / "state.db"), clock), clock.store]
    yield clock, stores
    for store in stores:
        store.close()


which = st.lists(st.sampled_from([0, 1, 2]), min_size=1, max_size=3, unique=True)
member = st.integers(0, 7)
period = st.integers(0, 30 * SECOND)
step = st.one_of(
    st.tuples(st.just("pass"), period),
    st.tuples(st.just("attempt"), which, st.sampled_from("pqr")),
    st.tuples(st.just("write"), which, st.dictionaries(member, period, max_size=4)),
    st.tuples(st.just("read"), which),
)


def perform(store, scope, number, action, chosen, *rest):
    limits = tuple(LIMITS[index] for index in chosen)
    if action == "attempt":
        return store.attempt(scope, limits, rest[0], f"m{number}", "")._replace(life="")
    if action == "write":
        earlier = [(one, age) for one, age in rest[0].items() if one < number]  # a later attempt has a new name
        return store.write(scope, [Sent(limits, f"m{one}", age) for one, age in earlier], {})
    now, windows = store.read(scope, limits)
    return now, [(list(window.times), window.wait(now)) for window in windows]


@profile(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(step, max_size=30))
def test_both_give_the_answers_of_the_model(sides, steps):
    clock, stores = sides
    scope = f"s{next(_scopes)}"
    clock.set(clock.now + PEER_PERIOD)
    for number, wanted in enumerate(steps):
        if wanted[0] == "pass":
            clock.set(clock.now + wanted[1])
            continue
        model, file, redis = (perform(store, scope, number, *wanted) for store in stores)
        assert model == file == redis


def test_a_clock_that_is_set_back_leaves_in_the_window_what_was_there(sides):
    clock, stores = sides
    start = clock.now
    for store in stores[1:]:
        for second, name in enumerate("ab"):
            clock.set(start + second * SECOND)
            assert store.attempt("s", LIMITS[:1], "p", name, "").wait == 0
        clock.set(start + 4 * SECOND)
        assert store.attempt("s", LIMITS[:1], "p", "c", "").wait == 6 * SECOND
        clock.set(start - 3_600 * SECOND)
        assert store.attempt("s", LIMITS[:1], "p", "c", "").wait == 10 * SECOND
        clock.set(start - 3_590 * SECOND)
        assert store.attempt("s", LIMITS[:1], "p", "c", "").wait == 0


def test_a_closure_counts_from_now_for_all_and_the_longest_wins(address):
    with closing(open_limit_store(address)) as first, closing(open_limit_store(address)) as second:
        for seconds, longest in ((500, 500), (6_000, 6_000), (200, 6_000)):
            first.write("s", [], {LIMITS[0]: micro(seconds)})
            wait = second.attempt("s", LIMITS[:2], "p", "m", "").wait
            now, (window,) = second.read("s", LIMITS[:1])
            assert longest - 60 < (window.closed - now) / SECOND <= wait / SECOND <= longest
        assert second.attempt("s", LIMITS[1:], "p", "m", "").wait == 0
        assert second.attempt("other", LIMITS[:1], "p", "m", "").wait == 0


def test_a_redis_that_has_forgotten_writes_nothing_down_for_those_that_know_it(mortal_redis):
    with closing(open_limit_store(mortal_redis.address)) as store:
        life = store.attempt("s", WIDE, "p", "m", "").life
        assert store.attempt("s", WIDE, "p", "m", life) == Reply(life, 0, 1, 1)
        mortal_redis.client.flushall()
        reply = store.attempt("s", WIDE, "p", "n", life)
        assert (reply.life != life, reply.used) == (True, 0)
        assert store.attempt("s", WIDE, "p", "o", reply.life).used == 1
        # What begins again with an older state on disk is another one too.
        dump = mortal_redis.client.dump("codegen:limit:{s}:life")
        mortal_redis.kill()
        mortal_redis.start()
        mortal_redis.client.restore("codegen:limit:{s}:life", 0, dump)
        assert store.attempt("s", WIDE, "p", "q", reply.life).used == 0


@pytest.mark.parametrize(
    "bad",
    [
        *("redis", "redis://", "redis:///0", "redis://host:port", "redis://[::1", "redis://host?nonsense=1"),
        *("http://host", "unix:///tmp/redis.sock", "sqlite:file.db", "sqlite://file.db", "sqlite:///"),
        *("sqlite:///:memory:", "sqlite:////no/such/directory/file.db", "sqlite:////tmp", "sqlite:////tmp/a\0b"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_showing_it(bad):
    for address in (bad, bad.replace("://", "://user:hunter2@", 1)):
        with pytest.raises(ConfigurationError, match=r"must be|create it") as caught:
            CodegenClient(settings((1, 1.0), shared_state=address))
        assert caught.value.config_key == "shared_state"
        assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("option", ["decode_responses=true", "encoding=utf-16", "protocol=3&decode_responses=1"])
def test_options_of_the_address_do_not_change_what_is_answered(redis_server, option):
    with closing(open_limit_store(f"{redis_server.address}?{option}")) as store:
        assert store.attempt("s", WIDE, "p", "m", "").wait == 0
        assert len(store.read("s", WIDE)[1][0].times) == 1


def test_an_unavailable_store_is_described_by_the_class_of_its_error():
    with pytest.raises(StoreUnavailable) as caught:
        open_limit_store(f"redis://:{'hunter' + '2'}@127.0.0.1:{free_port()}/0").read("s", WIDE)
    assert caught.value.reason == "ConnectionError"
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("key", ["life", "peers", "wide", "wide:closed"])
def test_a_key_of_another_type_makes_redis_unavailable(redis_server, key):
    redis_server.client.lpush(f"codegen:limit:{{s}}:{key}", "foreign")
    # Of a closure only the time to live is read.
    raises = nullcontext() if key == "wide:closed" else pytest.raises(StoreUnavailable, match="ResponseError")
    with closing(open_limit_store(redis_server.address)) as store, raises:
        assert store.attempt("s", WIDE, "p", "m", "").wait == 0


def test_a_forked_child_has_connections_of_its_own(address):
    with closing(open_limit_store(address)) as store:
        assert store.attempt("s", WIDE, "p", "parent", "").wait == 0
        assert in_child(lambda: all(store.attempt("s", WIDE, "q", f"c{n}", "").wait == 0 for n in range(20))) == 0
        assert store.attempt("s", WIDE, "p", "parent again", "") == Reply(ANY, 0, 2, 22)
        if isinstance(store, RedisWindows):
            ours = store._redis.command("CLIENT", "ID")
            assert in_child(lambda: store._redis.command("CLIENT", "ID") != ours) == 0


def test_a_process_forks_only_while_no_thread_is_within_a_transaction(tmp_path):
    within, done = threading.Event(), []

    def work():
        with store._file.transaction():
            within.set()
            time.sleep(0.2)
            done.append(1)

    with closing(SqliteWindows(str(tmp_path / "limits.db"))) as store, ThreadPoolExecutor(1) as pool:
        pool.submit(work)
        assert within.wait(30)
        assert in_child(lambda: done and store.attempt("s", WIDE, "p", "m", "").wait == 0) == 0


def test_a_redis_that_hangs_or_is_full_is_unavailable(mortal_redis):
    with closing(open_limit_store(mortal_redis.address)) as store:
        store.attempt("s", WIDE, "p", "a", "")
        mortal_redis.client.client_kill_filter(_type="normal")
        assert store.attempt("s", WIDE, "p", "b", "").wait == 0
        mortal_redis.pause(store._redis)
        with pytest.raises(StoreUnavailable, match="TimeoutError"):
            store.attempt("s", WIDE, "p", "c", "")
        mortal_redis.go_on()
        mortal_redis.client.config_set("maxmemory", "1")
        with pytest.raises(StoreUnavailable, match=r"OutOfMemoryError|ResponseError"):
            store.attempt("s", WIDE, "p", "d", "")
        mortal_redis.client.config_set("maxmemory", "0")
        assert store.attempt("s", WIDE, "p", "d", "").wait == 0


def test_an_answer_that_was_not_read_is_not_that_of_the_next_request(redis_server, monkeypatch):
    with closing(open_limit_store(redis_server.address)) as store:
        assert store.attempt("s", WIDE, "p", "m", "").used == 1
        with monkeypatch.context() as patch:
            patch.setattr("redis.connection.Connection.read_response", Mock(side_effect=KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                store.attempt("s", WIDE, "p", "n", "")
        assert store.attempt("s", WIDE, "p", "o", "").used == 3


def test_a_locked_file_and_one_that_is_no_database_are_unavailable(tmp_path):
    path = tmp_path / "limits.db"
    with closing(SqliteWindows(str(path))) as store, closing(sqlite3.connect(path, isolation_level=None)) as other:
        store._file._busy_seconds = 0.05
        store.attempt("s", WIDE, "p", "a", "")
        other.execute("begin immediate")
        with pytest.raises(StoreUnavailable, match="OperationalError"):
            store.attempt("s", WIDE, "p", "b", "")
        other.execute("rollback")
        assert store.attempt("s", WIDE, "p", "c", "").used == 2
    path.write_bytes(b"nonsense" * 1_000)
    with pytest.raises(StoreUnavailable, match="DatabaseError"):
        store.read("s", WIDE)


def test_a_new_file_that_another_process_is_opening_is_waited_for(tmp_path):
    path = str(tmp_path / "limits.db")
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("begin immediate")
        threading.Timer(0.1, other.execute, ("commit",)).start()
        with closing(SqliteWindows(path)) as store:
            assert store.attempt("s", WIDE, "p", "m", "").wait == 0


def test_nothing_is_kept_that_is_over(tmp_path):
    now = micro(1_000)
    with closing(SqliteWindows(str(tmp_path / "limits.db"), lambda: now)) as store:
        for number in range(50):
            store.attempt("s", WIDE, f"process {number}", f"m{number}", "")
        store.write("s", [], {WIDE[0]: micro(5)})
        now += micro(100)
        store.attempt("s", WIDE, "p", "last", "")
    with closing(sqlite3.connect(tmp_path / "limits.db")) as database:
        tables = ("limit_requests", "limit_closures", "limit_peers")
        counts = [database.execute(f"select count(*) from {table}").fetchone()[0] for table in tables]
    assert counts == [1, 0, 1]
