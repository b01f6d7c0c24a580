"""What handlers get, and what becomes of their failures."""

import asyncio
import functools
import json
import threading

import pytest

from codegen_ext import Agent, ConfigurationError, WebhookError, WebhookEvent
from codegen_ext.webhooks import EVENTS

from .conftest import BODY, RUN, SECRET, deliver, envelope, signed


def event(name, **data):
    """Return a body whose data are these fields alone."""
    return json.dumps({"type": name, "data": data}).encode()


def test_names_and_patterns(handler):
    seen = []
    for pattern in ("agent_run.completed", "agent_run.failed", "agent_run.*", "*", "*.completed", "other.*"):
        handler.on(pattern)(lambda payload, event, pattern=pattern: seen.append((event.type, pattern)))
    assert deliver(handler).ok
    assert deliver(handler, "msg_2", event("other.thing", any=[1])).ok
    own = [("agent_run.completed", pattern) for pattern in ("agent_run.completed", "agent_run.*", "*", "*.completed")]
    assert seen == [*own, ("other.thing", "*"), ("other.thing", "other.*")]


def only_keywords(payload, *, urgent): ...


def test_what_cannot_be_registered(handler):
    names = dict.fromkeys(("", " ", "agent run", "[a]", "a?", None, len), "expected the name of an event")
    names |= {"agent_run.complete": "did you mean agent_run.completed", "check.done": r"a name with \*"}
    functions = dict.fromkeys((3, None), "expected a function")
    functions |= dict.fromkeys((lambda: 0, lambda a, b, c: 0, only_keywords), r"cannot handle \*")
    wrong = [(name, print, problem) for name, problem in names.items()]
    for name, function, problem in [*wrong, *(("*", function, problem) for function, problem in functions.items())]:
        with pytest.raises(ConfigurationError, match=problem):
            handler.on(name)(function)


def test_handlers_take_the_data_the_event_or_both(call, handler):
    seen = []

    def event_only(event: WebhookEvent):
        seen.append(("event", event.id, event.data["id"]))

    def event_by_name(event: "WebhookEvent", *, extra="default"):
        seen.append(("name", event.type))

    def data_only(event, extra="default"):
        seen.append(("data", event["id"], extra))

    class Both:
        async def __call__(self, payload, event: WebhookEvent):
            seen.append(("both", payload["id"], event.id))

    for function in (event_only, event_by_name, data_only, Both(), lambda *args: seen.append(("args", len(args)))):
        handler.on("agent_run.*")(function)
    handler.on("agent_run.*")(dict)  # a builtin that does not tell its arguments
    assert call(handler).ok
    one = [("event", "msg_1", 7), ("name", "agent_run.completed"), ("data", 7, "default")]
    assert seen == [*one, ("both", 7, "msg_1"), ("args", 1)]


def test_the_data_of_every_event(handler):
    payloads = []
    handler.on("*")(payloads.append)
    for name in EVENTS:
        deliver(handler, name, event(name, id=7, status="SOME_NEW_WORD", novel=1))
    left_out = dict.fromkeys(set(RUN) - {"id", "status"})
    for name, payload in zip(EVENTS, payloads, strict=True):
        word = {"created": "pending"}.get(name.partition(".")[2], name.partition(".")[2])
        error = "the service gave no reason" if word == "failed" else None
        expected = {"id": 7, "status": word, "raw_status": "SOME_NEW_WORD", "error": error, "novel": 1}
        assert payload == {**left_out, **expected}
    for error, result in (("E", "R"), (None, "R"), ("", None)):
        body = envelope("agent_run.failed", status="ERROR", error=error, result=result, summary="S")
        deliver(handler, f"{error}{result}", body)
    assert [payload["error"] for payload in payloads[-3:]] == ["E", "R", "S"]


def test_async_and_sync_handlers_run_in_the_order_of_registration(call, handler):
    order = []

    @handler.on("*")
    def first(payload):
        order.append("a thread" if threading.current_thread() is not threading.main_thread() else "first")

    async def later(prefix, payload):
        await asyncio.sleep(0)
        order.append(prefix)

    handler.on("*")(functools.partial(later, "second"))
    handler.on("*")(lambda payload: later("a hidden third", payload))
    result = call(handler)
    assert result.ok, result.errors
    assert order[1:] == ["second", "a hidden third"]
    assert result.outcomes[0].name.rpartition(".")[2] == "first"

    async def main():
        with pytest.raises(ConfigurationError, match="await handle_request_async"):
            deliver(handler, "msg_2")
        result = await handler.handle_request_async(BODY, signed(BODY, "msg_2"))
        assert not result.duplicate, "the call was not used up"

    asyncio.run(main())
    assert order[3] == "a thread", "a sync handler does not block the event loop"


def test_what_fails_stops_no_other_handler_and_is_handled_by_the_next_delivery(call, handler, caplog):
    errors = {
        "msg_1": (KeyError(f"the secret is {SECRET}"), 500),
        "msg_2": (StopIteration(), 500),  # which a future cannot hold
        "msg_3": (WebhookError("not our organization", 403), 403),
        "msg_4": (WebhookError("not ours"), 500),
    }
    attempts = []
    done = []

    @handler.on("*")
    def fails_once(payload, event):
        payload.clear()
        attempts.append(str(event.id))
        if attempts.count(attempts[-1]) == 1:
            raise errors[attempts[-1]][0]

    @handler.on("*")
    async def fails_too(payload):
        if attempts.count(attempts[-1]) == 1:
            raise ValueError("no")

    handler.on("*")(lambda payload: done.append(payload["id"]))
    for message_id, (error, status) in errors.items():
        caplog.clear()
        result = call(handler, message_id)
        assert (result.ok, result.status_code) == (False, status)
        assert [outcome.error is None for outcome in result.outcomes] == [False, False, True]
        assert len(result.errors) == len(caplog.records) == 2
        assert f"fails_once failed on the webhook event agent_run.completed ({message_id})" in caplog.text
        assert type(error).__name__ in caplog.text
        assert SECRET not in caplog.text
        assert [call(handler, message_id).duplicate for _ in range(2)] == [False, True]
    assert done == [7] * 8, "each handler has its own copy"


class Client:
    """Takes in runs as a client does."""

    def __init__(self, config):
        self.config = config
        self.runs = []

    def notify_run(self, run):
        self.runs.append(run)
        if run["id"] == 8:
            raise RuntimeError("the poller is broken")


def test_clients_are_notified_of_runs_once(call, make, connect):
    client, later = (Client(connect("http://127.0.0.1:9").config) for _ in range(2))
    handler = make(client=client)
    for _ in range(2):
        assert call(handler).ok
    assert client.runs == [RUN], "as the contract describes it"
    handler.add_client(later)
    assert call(handler, "msg_2", event("other", id=9)).ok
    assert call(handler, "msg_4", event("agent_run.failed", id=5)).ok
    assert client.runs[1:] == later.runs == [{"id": 5, "status": "failed"}]
    handler.remove_client(later)
    assert call(handler, "msg_3", envelope(id=8)).ok, "a wait that is not woken polls"
    assert len(later.runs) == 1


def test_settings_that_cannot_be_meant(make, connect):
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
