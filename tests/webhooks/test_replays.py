"""An event is handled once: duplicates, leases of processes that died, and stores that processes share."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from codegen_ext import ClientConfig, ConfigurationError, WebhookError, WebhookHandler
from codegen_ext.testing import FakeClock

from ..support.redis_server import RedisServer
from ..support.waiting import until, until_async
from .conftest import BODY, SECRET, START, Handle, Make, refusal, signed

KEEP = 660
"""Seconds for which a handled id is kept, more than a call can be within the time window."""
LEASE = 60


class Store(NamedTuple):
    """Where ids are kept."""

    address: str | None
    clock: FakeClock
    redis: RedisServer | None = None

    def advance(self, seconds: float) -> None:
        """Let time pass, also in Redis, which has a clock of its own."""
        self.clock.advance(seconds)
        for key in self.redis.client.scan_iter("codegen:claim:*") if self.redis else ():
            left = self.redis.client.pttl(key)  # type: ignore[union-attr]
            assert left > 0, "it is kept for ever"
            self.redis.client.pexpire(key, left - int(seconds * 1000))  # type: ignore[union-attr]


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store(request: pytest.FixtureRequest, clock: FakeClock, tmp_path: Path) -> Store:
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        return Store(server.address, clock, server)
    return Store(f"sqlite:///{tmp_path / 'ids.db'}" if request.param == "sqlite" else None, clock)


shared = pytest.mark.parametrize("store", ["sqlite", "redis"], indirect=True)


def test_a_duplicate_is_accepted_and_not_handled(handle: Handle, make: Make, store: Store) -> None:
    handler, handled = make(shared_state=store.address), []
    handler.on("*")(handled.append)
    # A sender dates each attempt again.
    results = [handle(handler, BODY, signed(BODY, at=START + age)) for age in (0, 9)]
    assert [(result.status_code, result.duplicate) for result in results] == [(200, False), (200, True)]
    forged = {**signed(BODY), "webhook-signature": signed(BODY, "msg_2")["webhook-signature"]}
    assert refusal(handle, handler, BODY, forged) == ("signature", 401)
    assert not handle(handler, BODY, signed(BODY, "msg_2")).duplicate
    assert len(handled) == 2


def test_of_deliveries_at_once_one_is_handled(make: Make, store: Store) -> None:
    handler, handled, go_on = make(shared_state=store.address), [], threading.Event()

    @handler.on("*")
    def slow(payload: Any) -> None:
        handled.append(payload["id"])
        go_on.wait(30)

    answers: list[Any] = []

    def send() -> None:
        try:
            answers.append(handler.handle_request(BODY, signed(BODY)).duplicate)
        except WebhookError as error:
            answers.append((error.reason, error.status_code))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    until(lambda: len(answers) == 7)
    go_on.set()
    for thread in threads:
        thread.join()
    send()
    assert answers == [("in_progress", 409)] * 7 + [False, True]
    assert handled == [7]


def test_what_was_interrupted_is_handled_when_its_lease_is_over(make: Make, store: Store) -> None:
    handler, started = make(shared_state=store.address), []

    @handler.on("*")
    async def slow(payload: Any) -> None:
        started.append(payload["id"])
        if len(started) == 1:
            await asyncio.Event().wait()

    async def main() -> None:
        task = asyncio.create_task(handler.handle_request_async(BODY, signed(BODY)))
        await until_async(lambda: started)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        store.advance(LEASE - 1)
        with pytest.raises(WebhookError, match="is being handled"):
            await handler.handle_request_async(BODY, signed(BODY))
        store.advance(1)
        assert not (await handler.handle_request_async(BODY, signed(BODY))).duplicate
        assert (await handler.handle_request_async(BODY, signed(BODY))).duplicate

    asyncio.run(main())
    assert started == [7, 7]


KILLED = """
import os, signal, sys
from codegen_ext import WebhookHandler
from codegen_ext.testing import FakeClock, webhook_call
clock = FakeClock()
handler = WebhookHandler(sys.argv[1], shared_state=sys.argv[2], clock=clock)
handler.on("agent_run.completed")(lambda payload: os.kill(os.getpid(), signal.SIGKILL))
call = webhook_call(sys.argv[1], "agent_run.completed", {"id": 7}, message_id="msg_1", clock=clock)
handler.handle_request(*call)
"""


@pytest.mark.parametrize("store", ["redis", pytest.param("sqlite", marks=pytest.mark.slow)], indirect=True)
def test_what_a_killed_process_had_begun_is_handled_once_in_the_end(make: Make, store: Store) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, SECRET, str(store.address)], check=False)
    assert ended.returncode == -signal.SIGKILL
    handler, handled = make(shared_state=store.address), []
    handler.on("agent_run.completed")(handled.append)
    assert refusal(handler.handle_request, BODY, signed(BODY)) == ("in_progress", 409)
    store.advance(LEASE)
    assert [handler.handle_request(BODY, signed(BODY)).duplicate for _ in range(2)] == [False, True]
    assert len(handled) == 1


def test_a_claim_whose_answer_is_lost_is_handled_once_in_the_end(
    make: Make, clock: FakeClock, mortal_redis: RedisServer
) -> None:
    store = Store(mortal_redis.address, clock, mortal_redis)
    handler, handled = make(shared_state=store.address), []
    handler.on("*")(handled.append)
    handler.handle_request(BODY, signed(BODY, "msg_0"))
    mortal_redis.pause()
    assert refusal(handler.handle_request, BODY, signed(BODY)) == ("unavailable", 503)
    mortal_redis.go_on()
    until(lambda: mortal_redis.client.dbsize() == 2)  # the claim has come after all
    assert refusal(handler.handle_request, BODY, signed(BODY)) == ("in_progress", 409)
    store.advance(LEASE)
    assert [handler.handle_request(BODY, signed(BODY)).duplicate for _ in range(2)] == [False, True]
    assert len(handled) == 2


@pytest.mark.parametrize("trouble", ["pause", "kill"])
def test_a_store_that_fails_after_the_handlers_does_not_change_the_answer(
    make: Make, mortal_redis: RedisServer, caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    handler, handled = make(shared_state=mortal_redis.address), []
    handler.on("*")(handled.append)
    handler.on("*")(lambda payload: getattr(mortal_redis, trouble)())
    assert handler.handle_request(BODY, signed(BODY)).status_code == 200
    assert "the webhook call msg_1 may be handled again" in caplog.text
    if trouble == "pause":  # only the answer was lost
        mortal_redis.go_on()
        until(lambda: mortal_redis.client.get("codegen:claim:webhook:msg_1") == "handled")
        assert handler.handle_request(BODY, signed(BODY)).duplicate
        assert len(handled) == 1


@shared
def test_handlers_share_the_ids(make: Make, store: Store) -> None:
    one, other = make(shared_state=store.address), make(config=ClientConfig(shared_state=store.address))
    assert not one.handle_request(BODY, signed(BODY)).duplicate
    assert other.handle_request(BODY, signed(BODY)).duplicate
    one.on("*")(lambda payload: payload["nothing"])
    assert not one.handle_request(BODY, signed(BODY, "msg_2")).ok
    assert not other.handle_request(BODY, signed(BODY, "msg_2")).duplicate, "what failed is released for all"


def test_an_id_is_kept_for_longer_than_a_call_is_accepted_and_no_longer_than_needed(make: Make, store: Store) -> None:
    handler, handled = make(shared_state=store.address), []
    headers = signed(BODY, at=START + 300)
    handler.on("*")(handled.append)
    for _ in range(10):
        with suppress(WebhookError):  # it is expired
            handler.handle_request(BODY, headers)
        store.advance(61)
    assert len(handled) == 1
    store.advance(KEEP - 610)
    handler.handle_request(BODY, signed(BODY, "msg_2", int(store.clock.time())))
    if store.redis:
        assert list(store.redis.client.scan_iter()) == ["codegen:claim:webhook:msg_2"]
    elif store.address:
        database = sqlite3.connect(store.address.removeprefix("sqlite:///"))
        assert database.execute("select name from codegen_claims").fetchall() == [("webhook:msg_2",)]
        database.close()


def test_memory_is_bounded_and_forgets_nothing_that_counts(
    handler: WebhookHandler, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler._claims, "_max_names", 2)
    for message_id in ("msg_1", "msg_2"):
        handler.handle_request(BODY, signed(BODY, message_id))
    assert refusal(handler.handle_request, BODY, signed(BODY, "msg_3")) == ("unavailable", 503)
    assert handler.handle_request(BODY, signed(BODY, "msg_1")).duplicate
    clock.advance(KEEP)
    assert handler.handle_request(BODY, signed(BODY, "msg_3", int(clock.time()))).ok


def test_without_the_shared_state_calls_are_refused(
    handle: Handle, make: Make, redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "no.db").write_text("this is no database" * 99)
    redis_server.client.lpush("codegen:claim:webhook:msg_1", "x")
    for broken in ("redis://:hunter2@127.0.0.1:9", f"sqlite:///{tmp_path / 'no.db'}", redis_server.address):
        handler = make(shared_state=broken)
        with pytest.raises(WebhookError, match="does not answer") as caught:
            handle(handler, BODY, signed(BODY))
        assert (caught.value.reason, caught.value.status_code) == ("unavailable", 503)
        assert "hunter2" not in repr(handler) + str(caught.value)
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ConfigurationError, match=r"codegen-sdk\[redis\]"):
        make(shared_state="redis://127.0.0.1:9")


@pytest.mark.slow
def test_a_fork_while_calls_are_handled(make: Make, store: Store) -> None:
    handler, stop = make(shared_state=store.address), threading.Event()

    def work() -> None:
        for number in range(100_000):
            if stop.is_set():
                return
            handler.handle_request(BODY, signed(BODY, f"msg_{number}"))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for number in range(10):
            child = os.fork()
            if child == 0:
                os._exit(not handler.handle_request(BODY, signed(BODY, f"child_{number}")).ok)
            ended = (0, 0)

            def is_over(child: int = child) -> bool:
                nonlocal ended
                ended = os.waitpid(child, os.WNOHANG)
                return ended[0] == child

            until(is_over)
            assert ended[1] == 0
    finally:
        stop.set()
        thread.join()
