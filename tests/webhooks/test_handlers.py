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

from .conftest import BODY, RUN, SECRET, Handle, Make, envelope, signed


def call(handle: Handle, handler: WebhookHandler, body: bytes = BODY, message_id: str = "msg_1") -> WebhookResult:
    return handle(handler, body, signed(body, message_id))


def test_names_and_patterns(handler: WebhookHandler) -> None:
    seen: list[tuple[str, str]] = []
    for pattern in ("agent_run.completed", "agent_run.failed", "agent_run.*", "*", "*.completed", "other.*"):
        handler.on(pattern)(lambda payload, event, pattern=pattern: seen.append((event.type, pattern)))
    other = json.dumps({"type": "other.thing", "data": {"any": [1]}}).encode()
    for number, body in enumerate((BODY, other)):
        assert handler.handle_request(body, signed(body, f"msg_{number}")).ok
    own = [("agent_run.completed", pattern) for pattern in ("agent_run.completed", "agent_run.*", "*", "*.completed")]
    assert seen == [*own, ("other.thing", "*"), ("other.thing", "other.*")]


def only_keywords(payload: Any, *, urgent: bool) -> None: ...


def test_what_cannot_be_registered(handler: WebhookHandler) -> None:
    names: dict[Any, str] = dict.fromkeys(
        ("", " ", "agent run", "[a]", "a?", None, len), "expected the name of an event"
    )
    names |= {"agent_run.complete": "did you mean agent_run.completed", "check.done": r"a name with \*"}
    for name, problem in names.items():
        with pytest.raises(ConfigurationError, match=problem):
            handler.on(name)(print)
    functions: dict[Any, str] = dict.fromkeys((3, None), "expected a function")
    functions |= dict.fromkeys((lambda: 0, lambda a, b, c: 0, only_keywords), r"cannot handle \*")
    for function, problem in functions.items():
        with pytest.raises(ConfigurationError, match=problem):
            handler.on("*")(function)


def test_handlers_take_the_data_the_event_or_both(handle: Handle, handler: WebhookHandler) -> None:
    seen: list[Any] = []

    def event_only(event: WebhookEvent) -> None:
        seen.append(("event", event.id, event.data["id"]))

    def event_by_name(event: "WebhookEvent", *, extra: str = "default") -> None:
        seen.append(("name", event.type))

    def data_only(event: Any, extra: str = "default") -> None:
        seen.append(("data", event["id"], extra))

    class Both:
        async def __call__(self, payload: Any, event: WebhookEvent) -> None:
            seen.append(("both", payload["id"], event.id))

    for function in (event_only, event_by_name, data_only, Both(), lambda *args: seen.append(("args", len(args)))):
        handler.on("agent_run.*")(function)
    handler.on("agent_run.*")(dict)  # a builtin that does not tell its arguments
    assert call(handle, handler).ok
    assert seen == [
        ("event", "msg_1", 7),
        ("name", "agent_run.completed"),
        ("data", 7, "default"),
        ("both", 7, "msg_1"),
        ("args", 1),
    ]


@pytest.mark.parametrize("event", EVENTS)
def test_the_data_of_every_event(handler: WebhookHandler, event: str) -> None:
    payloads: list[dict[str, Any]] = []
    handler.on(event)(payloads.append)
    body = json.dumps({"type": event, "data": {"id": 7, "status": "SOME_NEW_WORD", "novel": 1}}).encode()
    assert handler.handle_request(body, signed(body)).ok
    word = {"created": "pending"}.get(event.partition(".")[2], event.partition(".")[2])
    error = "the service gave no reason" if word == "failed" else None
    left_out = dict.fromkeys(set(RUN) - {"id", "status"})
    expected = {"id": 7, "status": word, "raw_status": "SOME_NEW_WORD", "error": error, "novel": 1}
    assert payloads == [{**left_out, **expected}]


def test_why_a_run_failed(handler: WebhookHandler) -> None:
    payloads: list[dict[str, Any]] = []
    handler.on("agent_run.failed")(payloads.append)
    for number, (error, result) in enumerate((("E", "R"), (None, "R"), ("", None))):
        body = envelope("agent_run.failed", status="ERROR", error=error, result=result, summary="S")
        handler.handle_request(body, signed(body, f"msg_{number}"))
    assert [payload["error"] for payload in payloads] == ["E", "R", "S"]


def test_async_and_sync_handlers_run_in_the_order_of_registration(handle: Handle, handler: WebhookHandler) -> None:
    order, threads = [], []

    @handler.on("*")
    def first(payload: Any) -> None:
        order.append("first")
        threads.append(threading.get_ident())

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

    async def main() -> None:
        headers = signed(BODY, "msg_2")
        with pytest.raises(ConfigurationError, match="await handle_request_async"):
            handler.handle_request(BODY, headers)
        assert not (await handler.handle_request_async(BODY, headers)).duplicate, "the call was not used up"

    asyncio.run(main())
    assert threads[1] != threading.get_ident(), "a sync handler does not block the event loop"


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
    handle: Handle, handler: WebhookHandler, function: Callable[[Any], None], status: int
) -> None:
    attempts: list[Any] = []
    handler.on("*")(attempts.append)
    handler.on("*")(lambda payload: function(payload) if len(attempts) == 1 else None)
    assert call(handle, handler).status_code == status
    assert [call(handle, handler).duplicate for _ in range(2)] == [False, True]
    assert len(attempts) == 2


class Client:
    """Takes in runs as a client does."""

    def __init__(self, config: Any) -> None:
        self.config = config
        self.runs: list[Any] = []

    def notify_run(self, run: Any) -> None:
        self.runs.append(run)
        if run["id"] == 8:
            raise RuntimeError("the poller is broken")


def test_clients_are_notified_of_runs_once(handle: Handle, make: Make, connect: Any) -> None:
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


def test_settings_that_cannot_be_meant(make: Make, connect: Any) -> None:
    for options, problem in (
        ({"client": Client(connect("http://127.0.0.1:9", enable_webhooks=False).config)}, "enable_webhooks"),
        ({"client": 7}, "expected a client or an agent, got 7"),
        ({"config": {"org_id": 323}}, "config must be a ClientConfig"),
        ({"lease_seconds": 0}, "lease_seconds must be a number of seconds"),
        ({"max_body_bytes": "1MB"}, "max_body_bytes must be a whole number from 1, got '1MB'"),
        ({"shared_state": 5}, "shared_state must be a redis://, rediss:// or sqlite:/// address"),
        *(
            ({"shared_state": address}, "shared_state")
            for address in ("sqlite:///", "sqlite:///:memory:", "sqlite://x", "postgres://x", "ids.db")
        ),
    ):
        with pytest.raises(ConfigurationError, match=problem):
            make(**options)
    with Agent(323, "a-test-token") as agent:
        make(client=agent)
