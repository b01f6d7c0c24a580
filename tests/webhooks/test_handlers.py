"""What handlers get, and what becomes of their failures."""

import asyncio
import functools
import json
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from codegen_ext import Agent, ConfigurationError, WebhookError, WebhookEvent, WebhookHandler, WebhookResult
from codegen_ext.webhooks import EVENTS

from .calls import RUN, SECRET, envelope, signed
from .conftest import Handle

BODY = envelope()


def call(handle: Handle, handler: WebhookHandler, body: bytes = BODY, message_id: str = "msg_1") -> WebhookResult:
    return handle(handler, body, signed(body, message_id))


@pytest.mark.parametrize(
    ("pattern", "types"),
    [
        ("agent_run.completed", ["agent_run.completed"]),
        ("agent_run.*", ["agent_run.completed"]),
        ("*", ["agent_run.completed", "other.thing"]),
        ("*.completed", ["agent_run.completed"]),
        ("other.*", ["other.thing"]),
    ],
)
def test_names_and_patterns(handle: Handle, handler: WebhookHandler, pattern: str, types: list[str]) -> None:
    seen: list[str] = []
    handler.on(pattern)(lambda payload, event: seen.append(event.type))
    call(handle, handler)
    call(handle, handler, json.dumps({"type": "other.thing", "data": {"any": [1]}}).encode(), "msg_2")
    assert seen == types


@pytest.mark.parametrize("name", ["", " ", "agent run", "[a]", "a?", None, len])
def test_a_name_that_is_none(handler: WebhookHandler, name: Any) -> None:
    with pytest.raises(ConfigurationError, match="expected the name of an event"):
        handler.on(name)


@pytest.mark.parametrize(
    ("name", "hint"), [("agent_run.complete", "did you mean agent_run.completed"), ("check.done", "a name with *")]
)
def test_an_unknown_event(handler: WebhookHandler, name: str, hint: str) -> None:
    with pytest.raises(ConfigurationError, match=hint):
        handler.on(name)


def only_keywords(payload: Any, *, urgent: bool) -> None: ...


@pytest.mark.parametrize("function", [3, None, lambda: 0, lambda a, b, c: 0, only_keywords])
def test_what_cannot_handle_an_event(handler: WebhookHandler, function: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"expected a function|cannot handle agent_run\.\*"):
        handler.on("agent_run.*")(function)


def test_handlers_take_the_data_the_event_or_both(handle: Handle, handler: WebhookHandler) -> None:
    seen: list[Any] = []

    def event_only(event: WebhookEvent) -> None:
        seen.append(("event", event.id, event.data["id"]))

    def event_by_name(event: "WebhookEvent") -> None:
        seen.append(("name", event.type))

    def data_only(event: Any, extra: str = "default") -> None:
        seen.append(("data", event["id"], extra))

    class Both:
        async def __call__(self, payload: Any, event: WebhookEvent) -> None:
            seen.append(("both", payload["id"], event.id))

    for function in (event_only, event_by_name, data_only, Both(), lambda *args: seen.append(("args", len(args)))):
        handler.on("agent_run.*")(function)
    handler.on("agent_run.*")([].append)
    assert call(handle, handler).ok
    assert seen == [
        ("event", "msg_1", 7),
        ("name", "agent_run.completed"),
        ("data", 7, "default"),
        ("both", 7, "msg_1"),
        ("args", 1),
    ]


@pytest.mark.parametrize("event", EVENTS)
def test_the_data_of_every_event(handle: Handle, handler: WebhookHandler, event: str) -> None:
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
    assert (result.ok, result.status_code, result.outcomes, result.duplicate) == (True, 200, (), False)
    assert result.event.data["id"] == 7


def test_async_and_sync_handlers_run_in_the_order_of_registration(handle: Handle, handler: WebhookHandler) -> None:
    order = []
    handler.on("*")(lambda payload: order.append("first"))

    @handler.on("*")
    async def second(payload: Any) -> None:
        await asyncio.sleep(0)
        order.append("second")

    async def third(prefix: str, payload: Any) -> None:
        order.append(prefix + "third")

    handler.on("*")(functools.partial(third, "the "))
    handler.on("*")(lambda payload: third("a hidden ", payload))
    result = call(handle, handler)
    assert result.ok, result.errors
    assert order == ["first", "second", "the third", "a hidden third"]
    assert result.outcomes[1].name.rpartition(".")[2] == "second"


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
        assert not (await handler.handle_request_async(BODY, signed(BODY))).duplicate, "the call was not used up"

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
    assert [type(outcome.error) for outcome in result.outcomes] == [KeyError, ValueError, type(None)]
    assert len(result.errors) == len(caplog.records) == 2
    assert "fails failed on the webhook event agent_run.completed (msg_1)" in caplog.text
    assert "KeyError" in caplog.text
    assert SECRET not in caplog.text


def no_pull_request(payload: Any) -> None:
    next(iter(payload["github_pull_requests"]))


def fail(error: Exception) -> Callable[[Any], None]:
    def function(payload: Any) -> None:
        raise error

    return function


@pytest.mark.parametrize(
    ("function", "status"),
    [
        (fail(ConnectionError("the database is away")), 500),
        (no_pull_request, 500),  # StopIteration, which a future cannot hold
        (fail(WebhookError("not our organization", 403)), 403),
        (fail(WebhookError("not ours")), 500),
    ],
)
def test_what_failed_is_handled_by_the_next_delivery(
    handle: Handle, make: Callable[..., WebhookHandler], function: Callable[[Any], None], status: int
) -> None:
    handler, attempts = make(), []
    handler.on("*")(attempts.append)
    handler.on("*")(lambda payload: function(payload) if len(attempts) == 1 else None)
    assert call(handle, handler).status_code == status
    assert [call(handle, handler).duplicate for _ in range(2)] == [False, True]
    assert len(attempts) == 2


class Client:
    """Takes in runs as the poller of a client does."""

    def __init__(self, config: Any) -> None:
        self.config = config
        self.runs: list[Any] = []

    def notify_run(self, run: Any) -> None:
        self.runs.append(run)
        if run["id"] == 8:
            raise RuntimeError("the poller is broken")


def test_clients_are_notified_of_runs_once(handle: Handle, make: Callable[..., WebhookHandler], connect: Any) -> None:
    client, later = (Client(connect("http://127.0.0.1:9").config) for _ in range(2))
    handler = make(client=client)
    for _ in range(2):
        assert call(handle, handler).ok
    assert client.runs == [RUN], "as the contract describes it"
    handler.add_client(later)
    assert call(handle, handler, json.dumps({"type": "other", "data": {"id": 9}}).encode(), "msg_2").ok
    bare = json.dumps({"type": "agent_run.failed", "data": {"id": 5}}).encode()
    assert call(handle, handler, bare, "msg_4").ok
    assert client.runs[1:] == later.runs == [{"id": 5, "status": "failed"}]
    handler.remove_client(later)
    assert call(handle, handler, envelope(id=8), "msg_3").ok, "a wait that is not woken polls"
    assert len(later.runs) == 1


def test_settings_that_cannot_be_meant(make: Callable[..., WebhookHandler], connect: Any) -> None:
    with pytest.raises(ConfigurationError, match="enable_webhooks"):
        make(client=Client(connect("http://127.0.0.1:9", enable_webhooks=False).config))
    for options, problem in (
        ({"client": 7}, "expected a client or an agent, got 7"),
        ({"config": {"org_id": 323}}, "config must be a ClientConfig"),
        ({"lease_seconds": 0}, "lease_seconds must be a number of seconds"),
        ({"max_body_bytes": "1MB"}, "max_body_bytes must be a whole number from 1, got '1MB'"),
        ({"shared_state": 5}, "shared_state must be a redis://, rediss:// or sqlite:/// address"),
    ):
        with pytest.raises(ConfigurationError, match=problem):
            make(**options)
    with Agent(323, "a-test-token") as agent:
        make(client=agent)
