"""Where the ids of accepted calls are kept."""

import asyncio
import sqlite3
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from codegen_ext import ClientConfig, ConfigurationError, WebhookError, WebhookHandler
from codegen_ext.testing import FakeClock
from codegen_ext.webhooks.seen import KEEP, SeenHere, open_seen

from ..support.redis_server import RedisServer
from .calls import envelope, signed
from .conftest import Handle

BODY = envelope()


@pytest.fixture(params=["sqlite", "redis"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ids.db'}"
    server: RedisServer = request.getfixturevalue("redis_server")
    return server.address


def test_handlers_share_the_ids(handle: Handle, make: Callable[..., WebhookHandler], address: str) -> None:
    one, other = make(shared_state=address), make(config=ClientConfig(shared_state=address))
    assert handle(one, BODY, signed(BODY)).ok
    with pytest.raises(WebhookError, match="accepted before"):
        handle(other, BODY, signed(BODY))
    assert handle(other, BODY, signed(BODY, "msg_2")).ok


def test_a_failed_call_is_forgotten_for_all(handle: Handle, make: Callable[..., WebhookHandler], address: str) -> None:
    one, other = make(shared_state=address), make(shared_state=address)
    one.on("*")(lambda payload: payload["nothing"])
    assert not handle(one, BODY, signed(BODY)).ok
    assert handle(other, BODY, signed(BODY)).ok


@pytest.mark.parametrize("kind", ["memory", "shared"])
def test_of_calls_at_once_one_is_accepted(
    make: Callable[..., WebhookHandler], kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    handler = make(shared_state=None if kind == "memory" else f"sqlite:///{tmp_path / 'ids.db'}")
    accepted, refused, failed = [], [], []
    barrier = threading.Barrier(8)

    def send() -> None:
        barrier.wait()
        try:
            accepted.append(handler.handle_request(BODY, signed(BODY)))
        except WebhookError as error:
            refused.append(error.reason)
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(accepted), refused, failed) == (1, ["replayed"] * 7, [])


def test_a_call_that_is_cancelled_while_its_id_is_written_may_come_again(
    make: Callable[..., WebhookHandler], tmp_path: Path
) -> None:
    handler = make(shared_state=f"sqlite:///{tmp_path / 'ids.db'}")
    given: list[int] = []
    handler.on("*")(lambda payload: given.append(payload["id"]))

    async def main() -> None:
        with closing(sqlite3.connect(tmp_path / "ids.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            task = asyncio.create_task(handler.handle_request_async(BODY, signed(BODY)))
            await asyncio.sleep(0.1)
            task.cancel()
            await asyncio.sleep(0.1)
            other.execute("ROLLBACK")
            with pytest.raises(asyncio.CancelledError):
                await task
        assert given == []
        assert (await handler.handle_request_async(BODY, signed(BODY))).ok
        with pytest.raises(WebhookError, match="accepted before"):
            await handler.handle_request_async(BODY, signed(BODY))
        assert given == [7]

    asyncio.run(main())


def test_a_replay_that_is_cancelled_leaves_the_id(make: Callable[..., WebhookHandler], address: str) -> None:
    handler = make(shared_state=address)

    async def main() -> None:
        assert (await handler.handle_request_async(BODY, signed(BODY))).ok
        task = asyncio.create_task(handler.handle_request_async(BODY, signed(BODY)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(WebhookError, match="accepted before"):
            await handler.handle_request_async(BODY, signed(BODY))

    asyncio.run(main())


def test_memory_forgets_after_the_window(clock: FakeClock) -> None:
    seen = SeenHere(clock)
    assert seen.claim("a")
    clock.advance(KEEP - 1)
    assert not seen.claim("a")
    assert seen.claim("b")
    clock.advance(1)
    assert seen.claim("a")
    assert len(seen) == 2
    clock.advance(KEEP)
    assert seen.claim("c")
    assert len(seen) == 1


def test_memory_is_bounded_and_does_not_forget_what_counts(clock: FakeClock) -> None:
    seen = SeenHere(clock, most=2)
    assert seen.claim("a")
    assert seen.claim("b")
    with pytest.raises(WebhookError) as caught:
        seen.claim("c")
    assert (caught.value.reason, caught.value.status_code) == ("unavailable", 503)
    assert not seen.claim("a")
    seen.release("b")
    assert seen.claim("c")


def test_a_file_forgets_after_the_window(clock: FakeClock, tmp_path: Path) -> None:
    path = tmp_path / "ids.db"
    seen = open_seen(f"sqlite:///{path}", clock)
    assert seen.claim("a")
    clock.advance(KEEP)
    assert seen.claim("b")
    database = sqlite3.connect(path)
    assert database.execute("SELECT id FROM codegen_webhook_ids").fetchall() == [("b",)]
    database.close()


def test_redis_forgets_after_the_window(redis_server: RedisServer, make: Callable[..., WebhookHandler]) -> None:
    make(shared_state=redis_server.address).handle_request(BODY, signed(BODY))
    [key] = redis_server.client.scan_iter()
    assert KEEP - 60 < redis_server.client.ttl(key) <= KEEP


def test_without_the_shared_state_calls_are_refused(
    handle: Handle, make: Callable[..., WebhookHandler], mortal_redis: RedisServer, tmp_path: Path
) -> None:
    handler = make(shared_state=mortal_redis.address)
    mortal_redis.kill()
    for broken in (handler, make(shared_state=f"sqlite:///{tmp_path}/missing/ids.db")):
        with pytest.raises(WebhookError, match="does not answer") as caught:
            handle(broken, BODY, signed(BODY))
        assert (caught.value.reason, caught.value.status_code) == ("unavailable", 503)
    mortal_redis.start()
    assert handle(handler, BODY, signed(BODY)).ok


def test_a_password_is_not_shown(make: Callable[..., WebhookHandler], mortal_redis: RedisServer) -> None:
    handler = make(shared_state=f"redis://:hunter2@127.0.0.1:{mortal_redis.port}/0")
    mortal_redis.kill()
    with pytest.raises(WebhookError) as caught:
        handler.handle_request(BODY, signed(BODY))
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(handler)


@pytest.mark.parametrize("address", ["sqlite:///", "sqlite:///:memory:", "sqlite://x", "postgres://x", "ids.db"])
def test_an_address_that_is_none(make: Callable[..., WebhookHandler], address: str) -> None:
    with pytest.raises(ConfigurationError, match="redis:// or sqlite:///"):
        make(shared_state=address)


@pytest.mark.parametrize(
    ("module", "extra", "options"),
    [("redis", "redis", {"shared_state": "redis://127.0.0.1:9"}), ("standardwebhooks.webhooks", "webhooks", {})],
)
def test_a_missing_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, make: Callable[..., WebhookHandler], module: str, extra: str, options: Any
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigurationError, match=rf"codegen-sdk\[{extra}\]"):
        make(**options)


def test_a_call_that_cannot_be_forgotten_still_gives_its_result(
    handle: Handle,
    make: Callable[..., WebhookHandler],
    mortal_redis: RedisServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    handler = make(shared_state=mortal_redis.address)

    @handler.on("*")
    def fails(payload: Any) -> None:
        mortal_redis.kill()
        raise ValueError

    assert not handle(handler, BODY, signed(BODY)).ok
    assert "the webhook call msg_1 is still taken for accepted" in caplog.text
