"""An event is handled once: duplicates, leases of processes that died, and stores that processes share."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import NamedTuple

import pytest

from codegen_ext import ClientConfig, ConfigurationError, WebhookError
from codegen_ext.testing import FakeClock

from ..support.programs import RedisServer
from ..support.waiting import until, until_async
from .conftest import BODY, HEADERS, SECRET, START, answer, deliver, envelope, signed

KEEP = 660
"""Seconds for which a handled id is kept, more than a call can be within the time window."""
LEASE = 60


class Store(NamedTuple):
    """Where ids are kept."""

    address: str | None
    clock: FakeClock
    redis: RedisServer | None = None

    def advance(self, seconds):
        """Let time pass, also in Redis, which has a clock of its own."""
        self.clock.advance(seconds)
        for key in self.redis.client.scan_iter("codegen:claim:*") if self.redis else ():
            left = self.redis.client.pttl(key)
            assert left > 0, "it is kept for ever"
            self.redis.client.pexpire(key, left - int(seconds * 1000))


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store(request, clock, tmp_path):
    if request.param == "redis":
        server = request.getfixturevalue("redis_server")
        return Store(server.address, clock, server)
    return Store(f"sqlite:///{tmp_path / 'ids.db'}" if request.param == "sqlite" else None, clock)


def test_a_duplicate_is_accepted_and_not_handled_by_any_handler(call, make, store):
    one, handled = make(shared_state=store.address), []
    other = make(config=ClientConfig(shared_state=store.address)) if store.address else one
    for handler in {one, other}:
        handler.on("*")(handled.append)
    # A sender dates each attempt again.
    results = [call(each, headers=signed(BODY, at=START + age)) for age, each in ((0, one), (9, other))]
    assert [(result.status_code, result.duplicate) for result in results] == [(200, False), (200, True)]
    forged = {**HEADERS, "webhook-signature": signed(BODY, "msg_2")["webhook-signature"]}
    assert answer(other.handle_request, BODY, forged) == "signature 401"
    assert len(handled) == 1
    one.on("*")(lambda payload: payload["nothing"] if len(handled) == 2 else None)
    assert not call(one, "msg_2").ok
    assert [call(other, "msg_2").duplicate for _ in range(2)] == [False, True], "what failed is released for all"


def test_of_deliveries_at_once_one_is_handled(make, store):
    handler, handled, go_on = make(shared_state=store.address), [], threading.Event()

    @handler.on("*")
    def slow(payload):
        handled.append(payload["id"])
        go_on.wait(30)

    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(answer, deliver, handler) for _ in range(8)]
        until(lambda: sum(each.done() for each in sent) == 7)
        go_on.set()
    answers = [each.result() for each in sent]
    assert sorted(answers) == ["accepted", *["in_progress 409"] * 7]
    assert answer(deliver, handler) == "duplicate"
    assert handled == [7]


async def test_what_was_interrupted_is_handled_when_its_lease_is_over(make, store):
    handler, started = make(shared_state=store.address), []

    @handler.on("*")
    async def slow(payload):
        started.append(payload["id"])
        if len(started) == 1:
            await asyncio.Event().wait()

    task = asyncio.create_task(handler.handle_request_async(BODY, HEADERS))
    await until_async(lambda: started)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    store.advance(LEASE - 1)
    with pytest.raises(WebhookError, match="is being handled"):
        await handler.handle_request_async(BODY, HEADERS)
    store.advance(1)
    assert not (await handler.handle_request_async(BODY, HEADERS)).duplicate
    assert (await handler.handle_request_async(BODY, HEADERS)).duplicate


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
def test_what_a_killed_process_had_begun_is_handled_once_in_the_end(make, store):
    ended = subprocess.run([sys.executable, "-c", KILLED, SECRET, str(store.address)], check=False)
    assert ended.returncode == -signal.SIGKILL
    handler, handled = make(shared_state=store.address), []
    handler.on("agent_run.completed")(handled.append)
    assert answer(deliver, handler) == "in_progress 409"
    store.advance(LEASE)
    assert [answer(deliver, handler) for _ in range(2)] == ["accepted", "duplicate"]
    assert len(handled) == 1


def test_an_answer_of_the_store_that_is_lost_costs_and_doubles_nothing(make, clock, mortal_redis, caplog):
    store = Store(mortal_redis.address, clock, mortal_redis)
    handler, handled = make(shared_state=store.address), []
    handler.on("*")(handled.append)
    assert answer(deliver, handler, "msg_0") == "accepted"
    mortal_redis.pause()
    assert answer(deliver, handler) == "unavailable 503"
    mortal_redis.go_on()
    until(lambda: mortal_redis.client.dbsize() == 2)  # the claim has come after all
    assert answer(deliver, handler) == "in_progress 409"
    store.advance(LEASE)
    assert [answer(deliver, handler) for _ in range(2)] == ["accepted", "duplicate"]
    handler.on("agent_run.failed")(lambda payload: getattr(mortal_redis, payload["error"])())
    for message_id, trouble in (("msg_2", "pause"), ("msg_3", "kill")):
        body = envelope("agent_run.failed", error=trouble)
        assert answer(deliver, handler, message_id, body) == "accepted", "the handlers have succeeded"
        assert f"the webhook call {message_id} may be handled again" in caplog.text
        if trouble == "pause":
            mortal_redis.go_on()
            until(lambda: mortal_redis.client.get("codegen:claim:webhook:msg_2") == "handled")
            assert answer(deliver, handler, message_id, body) == "duplicate"
    assert len(handled) == 4


def test_an_id_is_kept_for_longer_than_a_call_is_accepted_and_no_longer_than_needed(make, store):
    handler, handled = make(shared_state=store.address), []
    headers = signed(BODY, at=START + 300)
    handler.on("*")(handled.append)
    for _ in range(10):
        with suppress(WebhookError):  # it is expired
            handler.handle_request(BODY, headers)
        store.advance(61)
    assert len(handled) == 1
    store.advance(KEEP - 610)
    deliver(handler, "msg_2", at=int(store.clock.time()))
    if store.redis:
        assert list(store.redis.client.scan_iter()) == ["codegen:claim:webhook:msg_2"]
    elif store.address:
        database = sqlite3.connect(store.address.removeprefix("sqlite:///"))
        assert database.execute("select name from codegen_claims").fetchall() == [("webhook:msg_2",)]
        database.close()


def test_memory_is_bounded_and_forgets_nothing_that_counts(handler, clock, monkeypatch):
    monkeypatch.setattr(handler._claims, "_max_names", 2)
    answers = [answer(deliver, handler, message_id) for message_id in ("msg_1", "msg_2", "msg_3", "msg_1")]
    assert answers == ["accepted", "accepted", "unavailable 503", "duplicate"]
    clock.advance(KEEP)
    assert deliver(handler, "msg_3", at=int(clock.time())).ok


def test_without_the_shared_state_calls_are_refused(call, make, redis_server, tmp_path, monkeypatch):
    (tmp_path / "no.db").write_text("this is no database" * 99)
    redis_server.client.lpush("codegen:claim:webhook:msg_1", "x")
    for broken in ("redis://:hunter2@127.0.0.1:9", f"sqlite:///{tmp_path / 'no.db'}", redis_server.address):
        handler = make(shared_state=broken)
        with pytest.raises(WebhookError, match="does not answer") as caught:
            call(handler)
        assert (caught.value.reason, caught.value.status_code) == ("unavailable", 503)
        assert "hunter2" not in repr(handler) + str(caught.value)
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ConfigurationError, match=r"codegen-sdk\[redis\]"):
        make(shared_state="redis://127.0.0.1:9")


@pytest.mark.slow
def test_a_fork_while_calls_are_handled(make, store):
    handler, stop = make(shared_state=store.address), threading.Event()

    def work():
        for number in range(100_000):
            if stop.is_set():
                return
            deliver(handler, f"msg_{number}")

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work)
        for number in range(10):
            child = os.fork()
            if child == 0:
                signal.alarm(30)
                os._exit(not deliver(handler, f"child_{number}").ok)
            assert os.waitpid(child, 0)[1] == 0
        stop.set()
