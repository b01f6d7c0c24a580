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
from typing import Any

import pytest

from codegen_ext import ClientConfig, ConfigurationError, WebhookError, WebhookHandler
from codegen_ext.testing import FakeClock, webhook_call

from ..support.redis_server import RedisServer
from ..support.waiting import until, until_async
from .conftest import BODY, SECRET, START, Handle, Make, refusal, signed

KEEP = 660
"""Seconds for which a handled id is kept, more than a call can be within the time window."""


@pytest.fixture(params=["memory", "sqlite", "redis"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        return server.address
    return f"sqlite:///{tmp_path / 'ids.db'}" if request.param == "sqlite" else None


shared = pytest.mark.parametrize("address", ["sqlite", "redis"], indirect=True)


def test_a_duplicate_is_accepted_and_not_handled(handle: Handle, make: Make, address: str | None) -> None:
    handler, handled = make(shared_state=address), []
    handler.on("*")(handled.append)
    # A sender dates each attempt again.
    results = [handle(handler, BODY, signed(BODY, at=START + age)) for age in (0, 9)]
    assert [(result.status_code, result.duplicate) for result in results] == [(200, False), (200, True)]
    forged = {**signed(BODY), "webhook-signature": signed(BODY, "msg_2")["webhook-signature"]}
    assert refusal(handle, handler, BODY, forged) == ("signature", 401)
    assert not handle(handler, BODY, signed(BODY, "msg_2")).duplicate
    assert len(handled) == 2


def test_of_deliveries_at_once_one_is_handled(make: Make, address: str | None) -> None:
    handler, handled, go_on = make(shared_state=address), [], threading.Event()

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


def test_what_was_interrupted_is_handled_when_its_lease_is_over(
    make: Make, clock: FakeClock, address: str | None
) -> None:
    handler, started = make(shared_state=address, lease_seconds=1 if address else 60), []

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
        with pytest.raises(WebhookError, match="is being handled"):
            await handler.handle_request_async(BODY, signed(BODY))
        clock.advance(60)
        if address and address.startswith("redis"):
            await asyncio.sleep(1.1)  # Redis has a clock of its own
        assert not (await handler.handle_request_async(BODY, signed(BODY))).duplicate
        assert (await handler.handle_request_async(BODY, signed(BODY))).duplicate

    asyncio.run(main())
    assert started == [7, 7]


KILLED = """
import os, signal, sys
from codegen_ext import WebhookHandler
from codegen_ext.testing import webhook_call
handler = WebhookHandler(sys.argv[1], shared_state=sys.argv[2], lease_seconds=1)
handler.on("agent_run.completed")(lambda payload: os.kill(os.getpid(), signal.SIGKILL))
handler.handle_request(*webhook_call(sys.argv[1], "agent_run.completed", {"id": 7}, message_id="msg_1"))
"""


@pytest.mark.parametrize("address", ["redis", pytest.param("sqlite", marks=pytest.mark.slow)], indirect=True)
def test_what_a_killed_process_had_begun_is_handled_once_in_the_end(address: str) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, SECRET, address], check=False)
    assert ended.returncode == -signal.SIGKILL
    handled: list[Any] = []
    call = webhook_call(SECRET, "agent_run.completed", {"id": 7}, message_id="msg_1")
    with WebhookHandler(SECRET, shared_state=address, lease_seconds=1) as handler:
        handler.on("agent_run.completed")(handled.append)

        def is_accepted() -> bool:
            with suppress(WebhookError):  # it is in progress until the lease is over
                return handler.handle_request(*call).ok
            return False

        until(is_accepted)
        assert handler.handle_request(*call).duplicate
    assert len(handled) == 1


def test_a_claim_whose_answer_is_lost_is_handled_once_in_the_end(make: Make, mortal_redis: RedisServer) -> None:
    handler, handled = make(shared_state=mortal_redis.address, lease_seconds=3), []
    handler.on("*")(handled.append)
    handler.handle_request(BODY, signed(BODY, "msg_0"))
    mortal_redis.pause()
    assert refusal(handler.handle_request, BODY, signed(BODY)) == ("unavailable", 503)
    mortal_redis.go_on()
    until(lambda: mortal_redis.client.dbsize() == 2)  # the claim has come after all
    assert refusal(handler.handle_request, BODY, signed(BODY)) == ("in_progress", 409)
    until(lambda: mortal_redis.client.dbsize() == 1)
    assert [handler.handle_request(BODY, signed(BODY)).duplicate for _ in range(2)] == [False, True]
    assert len(handled) == 2


@pytest.mark.parametrize("trouble", ["pause", "kill"])
def test_a_store_that_fails_after_the_handlers_does_not_change_the_answer(
    handle: Handle, make: Make, mortal_redis: RedisServer, caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    handler, handled = make(shared_state=mortal_redis.address), []
    handler.on("*")(handled.append)
    handler.on("*")(lambda payload: getattr(mortal_redis, trouble)())
    assert handle(handler, BODY, signed(BODY)).status_code == 200
    assert "the webhook call msg_1 may be handled again" in caplog.text
    if trouble == "pause":  # only the answer was lost
        mortal_redis.go_on()
        until(lambda: mortal_redis.client.get("codegen:claim:webhook:msg_1") == "handled")
        assert handle(handler, BODY, signed(BODY)).duplicate
        assert len(handled) == 1


@shared
def test_handlers_share_the_ids(handle: Handle, make: Make, address: str) -> None:
    one, other = make(shared_state=address), make(config=ClientConfig(shared_state=address))
    assert not handle(one, BODY, signed(BODY)).duplicate
    assert handle(other, BODY, signed(BODY)).duplicate
    one.on("*")(lambda payload: payload["nothing"])
    assert not handle(one, BODY, signed(BODY, "msg_2")).ok
    assert not handle(other, BODY, signed(BODY, "msg_2")).duplicate, "what failed is released for all"


def test_an_id_is_kept_for_longer_than_a_call_is_accepted(handler: WebhookHandler, clock: FakeClock) -> None:
    headers, handled = signed(BODY, at=START + 300), []
    handler.on("*")(handled.append)
    for _ in range(10):
        with suppress(WebhookError):  # it is expired
            handler.handle_request(BODY, headers)
        clock.advance(61)
    assert len(handled) == 1


def test_ids_are_forgotten_after_the_window(
    make: Make, clock: FakeClock, tmp_path: Path, redis_server: RedisServer
) -> None:
    path = tmp_path / "ids.db"
    handler = make(shared_state=f"sqlite:///{path}")
    handler.handle_request(BODY, signed(BODY))
    clock.advance(KEEP)
    handler.handle_request(BODY, signed(BODY, "msg_2", int(clock.time())))
    with sqlite3.connect(path) as database:
        assert database.execute("select name from codegen_claims").fetchall() == [("webhook:msg_2",)]
    database.close()
    make(shared_state=redis_server.address).handle_request(BODY, signed(BODY, at=int(clock.time())))
    [key] = redis_server.client.scan_iter()
    assert KEEP - 60 < redis_server.client.ttl(key) <= KEEP


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
    handle: Handle, make: Make, redis_server: RedisServer, tmp_path: Path
) -> None:
    (tmp_path / "no.db").write_text("this is no database" * 99)
    redis_server.client.lpush("codegen:claim:webhook:msg_1", "x")
    for broken in ("redis://:hunter2@127.0.0.1:9", f"sqlite:///{tmp_path / 'no.db'}", redis_server.address):
        handler = make(shared_state=broken)
        with pytest.raises(WebhookError, match="does not answer") as caught:
            handle(handler, BODY, signed(BODY))
        assert (caught.value.reason, caught.value.status_code) == ("unavailable", 503)
        assert "hunter2" not in repr(handler) + str(caught.value)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, make: Make) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ConfigurationError, match=r"codegen-sdk\[redis\]"):
        make(shared_state="redis://127.0.0.1:9")


@pytest.mark.slow
def test_a_fork_while_calls_are_handled(make: Make, address: str | None) -> None:
    handler, stop = make(shared_state=address), threading.Event()

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
