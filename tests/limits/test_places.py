"""The shared places themselves: addresses, secrets, what is left behind, and what a process that dies leaves behind."""

import logging
import os
import pickle
import random
import sqlite3
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from codegen_ext.limits.opening import open_store
from codegen_ext.limits.plan import Bucket, micro
from codegen_ext.limits.primary import Away, Primary
from codegen_ext.limits.redis import RedisPrimary
from codegen_ext.limits.sqlite import SqlitePrimary
from codegen_ext.limits.store import Store

from codegen_ext import ClientConfig, CodegenClient, ConfigurationError
from codegen_ext.clock import SYSTEM_CLOCK
from codegen_ext.testing import Sandbox

from ..conftest import TOKEN
from ..support.redis_server import RedisServer, free_port

BUCKET = Bucket.of("scope", "group", 1_000_000, 1.0)


@pytest.fixture(params=["redis", "sqlite"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place of each kind."""
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        return server.address
    return f"sqlite:///{tmp_path}/limits.db"


@pytest.fixture
def opened(address: str) -> Iterator[Store]:
    store = open_store(address, SYSTEM_CLOCK)
    yield store
    store.close()


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "redis",
        "redis://",
        "redis:///0",
        "redis://host:port",
        "redis://[::1",
        "redis://host?nonsense=1",
        "http://host",
        "unix:///tmp/redis.sock",
        "sqlite:file.db",
        "sqlite://file.db",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:////no/such/directory/file.db",
        "sqlite:////tmp",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_when_a_client_is_built(bad: str) -> None:
    secret = bad.replace("://", "://user:hunter2@", 1)
    for text in (bad, secret):
        if text:
            with pytest.raises(ConfigurationError) as caught:
                CodegenClient(ClientConfig(api_token="abc", shared_state=text))
            assert caught.value.config_key == "shared_state"
            assert "must be" in caught.value.message or "create it" in caught.value.message
            assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ConfigurationError, match=r"codegen-sdk\[redis\]"):
        open_store(f"redis://127.0.0.1:{free_port()}", SYSTEM_CLOCK)


def test_no_password_and_no_token_is_shown_or_kept(
    redis_server: RedisServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, flavour: Any
) -> None:
    redis_server.client.config_set("requirepass", "hunter2")
    redis_server.client.auth("hunter2")
    caplog.set_level(logging.DEBUG)
    try:
        right = redis_server.address.replace("//", "//:hunter2@")
        wrong = redis_server.address.replace("//", f"//{flavour.is_async}:hunter3@")
        with Sandbox(token=TOKEN) as sandbox:
            for place in (right, wrong, f"sqlite:///{tmp_path}/limits.db"):
                config = ClientConfig(api_token=TOKEN, base_url=sandbox.base_url, shared_state=place)
                with flavour.client(config) as client:
                    client.get_current_user()
                    assert client.get_rate_limit_status().groups["standard"].remaining < 60
                    for text in (repr(client), repr(config), repr(client.rate_limiter)):
                        assert "hunter" not in text
        keys = redis_server.client.keys()
        assert keys
        assert all(key.startswith("codegen:limit:{") for key in keys)
        assert not any(TOKEN in key or sandbox.base_url in key for key in keys)
        assert all(redis_server.client.pttl(key) > 0 for key in keys)
        assert all(TOKEN.encode() not in file.read_bytes() for file in tmp_path.iterdir())
        assert "are away (AuthenticationError)" in caplog.text
        for record in caplog.records:
            assert "hunter" not in record.getMessage() + repr(vars(record))
    finally:
        redis_server.client.config_set("requirepass", "")


def test_an_error_of_the_place_says_nothing_but_its_kind() -> None:
    address = f"redis://:hunter2@127.0.0.1:{free_port()}/0"
    with pytest.raises(Away) as caught:
        RedisPrimary(address).status([BUCKET])
    assert caught.value.reason == "ConnectionError"
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    assert "hunter2" not in repr(pickle.dumps(caught.value.args))


def test_clients_of_a_process_have_one_store_and_the_last_one_closes_it(address: str) -> None:
    first, second = open_store(address, SYSTEM_CLOCK), open_store(address, SYSTEM_CLOCK)
    assert first is second
    first.close()
    assert second.take("a", [BUCKET], 0.0).booked
    second.close()
    third = open_store(address, SYSTEM_CLOCK)
    assert third.take("b", [BUCKET], 0.0).booked
    third.close()


def test_a_status_asks_the_place(opened: Store) -> None:
    bucket = Bucket.of("status", "group", 5, 60.0)
    for ticket in "abc":
        opened.take(ticket, [bucket], 0.0)
    usage = opened.status([bucket])[0]
    assert (usage.remaining, usage.limit, usage.closed_for) == (2, 5, 0)
    assert 0 < usage.reset_time <= 60


def test_two_clients_see_one_anothers_requests_and_closures(address: str, flavour: Any) -> None:
    # One of them in another process, as far as the store can tell: it has a store of its own.
    other = _primary(address)
    with Sandbox(token=TOKEN) as sandbox:
        config = ClientConfig(api_token=TOKEN, base_url=sandbox.base_url, shared_state=address, total_timeout=2)
        with flavour.client(config) as client:
            client.get_current_user()
            buckets = client.rate_limiter._groups["standard"]
            assert other.status(buckets)[0].remaining == 59
            other.close_for(buckets, micro(3600))
            with pytest.raises(Exception, match="no place for this request") as caught:
                client.get_current_user()
            assert 3590 < caught.value.retry_after <= 3600
            assert len(sandbox.requests) == 1
    other.close()


def _primary(address: str) -> Primary:
    return RedisPrimary(address) if address.startswith("redis") else SqlitePrimary(address.removeprefix("sqlite:///"))


HAMMER = """
import sys
from codegen_ext.limits.plan import Bucket
from codegen_ext.limits.{module} import {kind}
primary, bucket = {kind}(sys.argv[1]), Bucket(*{bucket})
for number in range(10**9):
    primary.take(f"killed {{number}}", [bucket], 0, 0, "process", "")
    primary.close_for([bucket], 0)
    if number == 3:
        print("started", flush=True)
"""


def test_a_process_that_is_killed_at_any_moment_leaves_no_lock_behind(address: str) -> None:
    primary, chance = _primary(address), random.Random(1)
    kind = type(primary).__name__
    script = HAMMER.format(module=kind.removesuffix("Primary").lower(), kind=kind, bucket=tuple(BUCKET))
    for _ in range(5):
        command = [sys.executable, "-c", script, address.removeprefix("sqlite:///")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "started\n"
            time.sleep(chance.uniform(0, 0.03))
            process.kill()
        # It raises Away when it does not get through within two seconds.
        assert primary.take("t", [BUCKET], 0, 0, "test", "").booked
    primary.close()


def in_child(work: Callable[[], bool]) -> bool:
    """Return what a function says in a forked child."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    return os.waitpid(child, 0)[1] == 0


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_connections_of_its_own(opened: Store) -> None:
    assert opened.take("parent", [BUCKET], 0.0).booked

    def work() -> bool:
        booked = all(opened.take(f"child {number}", [BUCKET], 0.0).booked for number in range(20))
        opened.close()
        return booked

    assert in_child(work)
    assert opened.take("parent again", [BUCKET], 0.0).booked
    assert opened.status([BUCKET])[0].remaining > BUCKET.requests - 30


def test_a_connection_that_died_of_age_is_replaced_without_a_warning(
    mortal_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    primary = RedisPrimary(mortal_redis.address)
    primary.take("a", [BUCKET], 0, 0, "p", "")
    mortal_redis.client.client_kill_filter(_type="normal")
    assert primary.take("b", [BUCKET], 0, 0, "p", "").booked
    mortal_redis.pause()
    start = time.monotonic()
    with pytest.raises(Away, match="TimeoutError"):
        primary.take("c", [BUCKET], 0, 0, "p", "")
    assert time.monotonic() - start < 30
    mortal_redis.go_on()
    primary.close()


def test_a_locked_file_counts_as_away(tmp_path: Path) -> None:
    primary = SqlitePrimary(str(tmp_path / "limits.db"), busy_seconds=0.05)
    primary.take("a", [BUCKET], 0, 0, "p", "")
    other = sqlite3.connect(tmp_path / "limits.db", isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(Away, match="OperationalError"):
        primary.take("b", [BUCKET], 0, 0, "p", "")
    other.close()
    assert primary.take("c", [BUCKET], 0, 0, "p", "").booked
    primary.close()


def test_a_file_that_is_no_database_counts_as_away(tmp_path: Path) -> None:
    (tmp_path / "limits.db").write_bytes(b"nonsense" * 1_000)
    with pytest.raises(Away, match="DatabaseError"):
        SqlitePrimary(str(tmp_path / "limits.db")).status([BUCKET])


def test_many_threads_open_a_new_file_at_once(tmp_path: Path) -> None:
    path, answers = str(tmp_path / "limits.db"), []

    def work() -> None:
        primary = SqlitePrimary(path)
        answers.append(primary.take(threading.current_thread().name, [BUCKET], 0, 0, "p", "").booked)
        primary.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 8


def test_a_file_keeps_nothing_that_is_over(tmp_path: Path) -> None:
    now = micro(1_000)
    primary = SqlitePrimary(str(tmp_path / "limits.db"), lambda: now)
    for number in range(50):
        primary.take(str(number), [BUCKET], 0, 0, f"process {number}", "")
    primary.close_for([BUCKET], micro(5))
    now += micro(100)
    primary.status([BUCKET])
    primary.take("last", [BUCKET], 0, 0, "p", "")
    primary.close()
    with sqlite3.connect(tmp_path / "limits.db") as database:
        tables = ("places", "closures", "peers")
        counts = [database.execute(f"select count(*) from {table}").fetchone()[0] for table in tables]
    database.close()
    assert counts == [1, 0, 1]
