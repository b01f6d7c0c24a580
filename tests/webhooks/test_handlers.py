"""What handlers and middleware get, and what becomes of their failures."""

import asyncio
import functools
import json
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from codegen_ext import ConfigurationError, WebhookError, WebhookEvent, WebhookHandler, WebhookResult
from codegen_ext.webhooks import EVENTS

from .calls import RUN, SECRET, envelope, signed
from .conftest import Handle

BODY = envelope()


def call(handle: Handle, handler: WebhookHandler, body: bytes = BODY, message_id: str = "msg_1") -> WebhookResult:
    return handle(handler, body, signed(body, message_id))


def test_handlers_get_the_flat_data(handle: Handle, handler: WebhookHandler) -> None:
    lines = []

    @handler.on("agent_run.completed")
    def handle_completion(payload: Any) -> None:
        lines.append(f"Agent run {payload['id']} completed!")

    @handler.on("agent_run.failed")
    def handle_failure(payload: Any) -> None:
        lines.append(f"Agent run {payload['id']} failed: {payload['error']}")

    call(handle, handler)
    call(handle, handler, envelope("agent_run.failed", status="TIMEOUT", error="Too slow"), "msg_2")
    assert lines == ["Agent run 7 completed!", "Agent run 7 failed: Too slow"]


def test_names_and_wildcards(handle: Handle, handler: WebhookHandler) -> None:
    seen: list[tuple[str, str]] = []
    patterns = ["agent_run.completed", "agent_run.*", "*", "*.completed", "agent_run.c*", "other.*", "agent_run"]
    for pattern in patterns:
        handler.on(pattern)(lambda payload, event, pattern=pattern: seen.append((pattern, event.type)))  # type: ignore[misc]
    call(handle, handler)
    assert [pattern for pattern, _ in seen] == [
        "agent_run.completed",
        "agent_run.*",
        "*",
        "*.completed",
        "agent_run.c*",
    ]
    assert {event for _, event in seen} == {"agent_run.completed"}
    seen.clear()
    call(handle, handler, json.dumps({"type": "other.thing", "data": {"any": [1]}}).encode(), "msg_2")
    assert [pattern for pattern, _ in seen] == ["*", "other.*"]


@pytest.mark.parametrize("name", ["", " ", "agent run", "[a]", "a?", None, len])
def test_a_name_that_is_none(handler: WebhookHandler, name: Any) -> None:
    with pytest.raises(ConfigurationError, match="expected the name of an event"):
        handler.on(name)
    with pytest.raises(ConfigurationError, match="expected a function"):
        handler.on("agent_run.*")(name if name is not len else 3)


@pytest.mark.parametrize("event", EVENTS)
def test_the_payload_of_every_event(handle: Handle, handler: WebhookHandler, event: str) -> None:
    payloads: list[dict[str, Any]] = []
    handler.on(event)(payloads.append)
    body = json.dumps({"type": event, "data": {"id": 7, "status": "SOME_NEW_WORD", "novel": 1}}).encode()
    assert call(handle, handler, body).ok
    word = {"created": "pending"}.get(event.partition(".")[2], event.partition(".")[2])
    error = "the service gave no reason" if word == "failed" else None
    left_out = dict.fromkeys(set(RUN) - {"id", "status"})
    expected = {"id": 7, "status": word, "raw_status": "SOME_NEW_WORD", "error": error, "novel": 1}
    assert payloads == [{**left_out, **expected}]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"error": "E", "result": "R", "summary": "S"}, "E"),
        ({"error": None, "result": "R", "summary": "S"}, "R"),
        ({"error": "", "result": None, "summary": "S"}, "S"),
    ],
)
def test_why_a_run_failed(handle: Handle, handler: WebhookHandler, fields: dict[str, Any], reason: str) -> None:
    payloads: list[dict[str, Any]] = []
    handler.on("agent_run.failed")(payloads.append)
    call(handle, handler, envelope("agent_run.failed", status="ERROR", **fields))
    assert payloads[0]["error"] == reason


def test_an_event_without_handlers_is_accepted(handle: Handle, handler: WebhookHandler) -> None:
    result = call(handle, handler)
    assert (result.ok, result.status_code, result.outcomes) == (True, 200, ())
    assert result.event.data["id"] == 7


def test_async_and_sync_handlers_in_one(handle: Handle, handler: WebhookHandler) -> None:
    order = []

    @handler.on("*")
    def first(payload: Any) -> None:
        order.append("first")

    @handler.on("*")
    async def second(payload: Any) -> None:
        await asyncio.sleep(0)
        order.append("second")

    async def third(prefix: str, payload: Any) -> None:
        order.append(prefix + "third")

    class Fourth:
        async def __call__(self, payload: Any, event: WebhookEvent) -> None:
            order.append(f"fourth {event.id}")

    handler.on("*")(functools.partial(third, "the "))
    handler.on("*")(Fourth())
    handler.on("*")(lambda payload: third("a hidden ", payload))
    result = call(handle, handler)
    assert result.ok, result.errors
    assert order == ["first", "second", "the third", "fourth msg_1", "a hidden third"]
    assert [outcome.name.rpartition(".")[2] for outcome in result.outcomes[:2]] == ["first", "second"]


def test_an_event_loop_is_not_blocked_by_a_sync_handler(handler: WebhookHandler) -> None:
    threads = []
    handler.on("*")(lambda payload: threads.append(threading.get_ident()))
    asyncio.run(handler.handle_request_async(BODY, signed(BODY)))
    assert threads
    assert threads != [threading.get_ident()]


def test_an_async_handler_within_a_loop_needs_the_async_method(handler: WebhookHandler) -> None:
    @handler.on("*")
    async def handle(payload: Any) -> None:
        pass

    async def main() -> None:
        with pytest.raises(ConfigurationError, match="await handle_request_async"):
            handler.handle_request(BODY, signed(BODY))
        assert (await handler.handle_request_async(BODY, signed(BODY))).ok, "the call was not used up"

    asyncio.run(main())


def test_a_failing_handler_does_not_stop_the_others(
    handle: Handle, handler: WebhookHandler, caplog: pytest.LogCaptureFixture
) -> None:
    done = []

    @handler.on("*")
    def fails(payload: Any) -> None:
        payload.clear()
        raise KeyError(f"the secret is {SECRET}")

    @handler.on("*")
    async def fails_too(payload: Any) -> None:
        raise ValueError("no")

    handler.on("*")(lambda payload: done.append(payload["id"]))
    with caplog.at_level(logging.ERROR, "codegen_ext.webhooks"):
        result = call(handle, handler)
    assert done == [7], "each handler has its own copy"
    assert (result.ok, result.status_code) == (False, 500)
    assert [type(outcome.error) for outcome in result.errors] == [KeyError, ValueError]
    assert [type(outcome.error) for outcome in result.outcomes] == [KeyError, ValueError, type(None)]
    assert len(caplog.records) == 2
    assert "fails failed on the webhook event agent_run.completed (msg_1)" in caplog.text
    assert "KeyError" in caplog.text
    assert SECRET not in caplog.text


def test_a_call_whose_handler_failed_may_come_again(handle: Handle, handler: WebhookHandler) -> None:
    attempts = []

    @handler.on("*")
    def fails_once(payload: Any) -> None:
        attempts.append(payload["id"])
        if len(attempts) == 1:
            raise ConnectionError("the database is away")

    assert not call(handle, handler).ok
    assert call(handle, handler).ok
    with pytest.raises(WebhookError, match="accepted before"):
        call(handle, handler)
    assert attempts == [7, 7]


def test_an_interrupted_call_may_come_again(handler: WebhookHandler) -> None:
    async def main() -> None:
        started = asyncio.Event()

        @handler.on("*")
        async def slow(payload: Any) -> None:
            if not started.is_set():
                started.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(handler.handle_request_async(BODY, signed(BODY)))
        await started.wait()
        with pytest.raises(WebhookError, match="accepted before"):
            await handler.handle_request_async(BODY, signed(BODY))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await handler.handle_request_async(BODY, signed(BODY))).ok

    asyncio.run(main())


def test_middleware_stands_around_the_handlers(handle: Handle, handler: WebhookHandler) -> None:
    order: list[Any] = []

    @handler.middleware
    def outer(event: WebhookEvent) -> Iterator[Any]:
        order.append(f"outer {event.type}")
        result = yield
        order.append(("outer", result.ok))

    @handler.middleware
    async def inner(event: WebhookEvent) -> Any:
        order.append("inner")
        result = yield
        order.append(("inner", result.ok))

    @handler.middleware
    async def before(event: WebhookEvent) -> None:
        order.append("before")

    @handler.on("*")
    def fails(payload: Any) -> None:
        order.append("handler")
        raise ValueError

    call(handle, handler)
    assert order == [
        "outer agent_run.completed",
        "inner",
        "before",
        "handler",
        ("inner", False),
        ("outer", False),
    ]


@pytest.mark.parametrize("is_async", [False, True])
def test_middleware_may_refuse(handle: Handle, handler: WebhookHandler, is_async: bool) -> None:
    order: list[str] = []

    def around(event: WebhookEvent) -> Iterator[None]:
        try:
            yield
            order.append("after")
        finally:
            order.append("closed")

    async def around_async(event: WebhookEvent) -> Any:
        try:
            yield
            order.append("after")
        finally:
            order.append("closed")

    handler.middleware(around_async if is_async else around)
    refuses = True

    @handler.middleware
    def only_ours(event: WebhookEvent) -> None:
        if refuses:
            raise WebhookError("not our organisation", 403)

    handler.on("*")(lambda payload: order.append("handler"))
    with pytest.raises(WebhookError, match="not our organisation") as caught:
        call(handle, handler)
    assert caught.value.status_code == 403
    assert order == ["closed"]
    refuses = False
    assert call(handle, handler).ok, "a refused call is not remembered"
    assert order == ["closed", "handler", "after", "closed"]


def test_failing_middleware_is_reported(handle: Handle, handler: WebhookHandler) -> None:
    order: list[str] = []

    @handler.middleware
    def fails_before(event: WebhookEvent) -> None:
        if event.id == "msg_1":
            raise RuntimeError("before")

    @handler.middleware
    def fails_after(event: WebhookEvent) -> Iterator[None]:
        yield
        raise RuntimeError("after")

    @handler.middleware
    def yields_twice(event: WebhookEvent) -> Iterator[None]:
        yield
        yield

    @handler.middleware
    async def yields_twice_too(event: WebhookEvent) -> Any:
        yield
        yield

    handler.on("*")(lambda payload: order.append("handler"))
    assert [str(outcome.error) for outcome in call(handle, handler).errors] == ["before"]
    assert order == []
    errors = [str(outcome.error) for outcome in call(handle, handler, message_id="msg_2").errors]
    assert errors == [*["a webhook middleware must yield once"] * 2, "after"]
    assert order == ["handler"]


class Client:
    """Takes in runs as the watcher of a client does."""

    def __init__(self, config: Any) -> None:
        self.config = config
        self.runs: list[Any] = []

    def notify_run(self, run: Any) -> None:
        self.runs.append(run)
        if run["id"] == 8:
            raise RuntimeError("the watcher is broken")


def test_a_client_is_told_about_runs(handle: Handle, make: Callable[..., WebhookHandler], connect: Any) -> None:
    client = Client(connect("http://127.0.0.1:9").config)
    handler = make(client=client)
    assert call(handle, handler).ok
    assert client.runs == [RUN], "as the contract describes it"
    assert call(handle, handler, json.dumps({"type": "other", "data": {"id": 9}}).encode(), "msg_2").ok
    with pytest.raises(WebhookError):
        call(handle, handler)
    assert len(client.runs) == 1
    bare = json.dumps({"type": "agent_run.failed", "data": {"id": 5}}).encode()
    assert call(handle, handler, bare, "msg_4").ok
    assert client.runs[-1] == {"id": 5, "status": "failed"}
    assert call(handle, handler, envelope(id=8), "msg_3").ok, "a wait that is not woken polls"


def test_a_clients_settings_count(make: Callable[..., WebhookHandler], connect: Any) -> None:
    with pytest.raises(ConfigurationError, match="enable_webhooks"):
        make(client=Client(connect("http://127.0.0.1:9", enable_webhooks=False).config))
