"""What handlers get, what becomes of their failures, and that each event is handled once, in whatever process."""

import asyncio
import functools
import json
import os
import signal
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import NamedTuple
from unittest.mock import Mock

import pytest

from codegen_ext import Agent, ClientConfig, ConfigurationError, WebhookError, WebhookEvent
from codegen_ext.testing import FakeClock
from codegen_ext.webhooks import EVENTS

from ..support.programs import RedisServer
from ..support.waiting import in_child, until, until_async
from .conftest import BODY, HEADERS, RUN, SECRET, START, answer, deliver, envelope, signed

KEEP = 660
"""Seconds for which a handled id is kept, more than a call can be within the time window."""
LEASE = 60


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


def test_what_cannot_be_registered(handler):
    names = dict.fromkeys(("", " ", "agent run", "[a]", "a?", None, len), "expected the name of an event")
    names |= {"agent_run.complete": "did you mean agent_run.completed", "check.done": r"a name with \*"}
    functions = dict.fromkeys((3, None), "expected a function")
    functions |= dict.fromkeys((lambda: 0, lambda a, b, c: 0, lambda a, *, b: 0), r"cannot handle \*")
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
        "msg_5": (WebhookError("not ours", 99), 500),  # which is no status
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
    assert done == [7] * 2 * len(errors), "each handler has its own copy"


def test_clients_are_notified_of_runs_once(call, make):
    def break_down(run):
        if run["id"] == 8:
            raise RuntimeError("the poller is broken")

    client, later = (Mock(spec=["config", "notify_run"], config=ClientConfig()) for _ in range(2))
    later.notify_run.side_effect = break_down
    handler = make(client=client)
    for _ in range(2):
        assert call(handler).ok
    client.notify_run.assert_called_once_with(RUN)  # as the contract describes it
    handler.add_client(later)
    assert call(handler, "msg_2", event("other", id=9)).ok
    assert call(handler, "msg_4", event("agent_run.failed", id=5)).ok
    later.notify_run.assert_called_once_with({"id": 5, "status": "failed"})
    assert call(handler, "msg_3", envelope(id=8)).ok, "a wait that is not woken polls"
    handler.remove_client(later)
    assert call(handler, "msg_5", envelope(id=6)).ok
    assert [each.notify_run.call_count for each in (client, later)] == [4, 2]


def test_settings_that_cannot_be_meant(make):
    for options, problem in (
        (
            {"client": Mock(spec=["config", "notify_run"], config=ClientConfig(enable_webhooks=False))},
            "enable_webhooks",
        ),
        ({"client": 7}, "expected a client or an agent, got 7"),
    ):
        with pytest.raises(ConfigurationError, match=problem):
            make(**options)
    with Agent(323, "a-test-token") as agent:
        make(client=agent)


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
    assert [(await handler.handle_request_async(BODY, HEADERS)).duplicate for _ in range(2)] == [False, True]


@pytest.mark.parametrize("store", ["redis", "sqlite"], indirect=True)
def test_what_a_killed_process_had_begun_is_handled_once_in_the_end(make, store):
    handler, handled, us = make(shared_state=store.address), [], os.getpid()

    @handler.on("*")
    def handle(payload):
        if os.getpid() != us:
            os.kill(os.getpid(), signal.SIGKILL)
        handled.append(payload)

    assert in_child(lambda: deliver(handler)) == -signal.SIGKILL
    assert answer(deliver, handler) == "in_progress 409"
    store.advance(LEASE)
    assert [answer(deliver, handler) for _ in range(2)] == ["accepted", "duplicate"]
    assert len(handled) == 1


def test_an_answer_of_the_store_that_is_lost_costs_and_doubles_nothing(make, clock, mortal_redis, caplog):
    store = Store(mortal_redis.address, clock, mortal_redis)
    handler, handled = make(shared_state=store.address), []
    handler.on("*")(handled.append)
    assert answer(deliver, handler, "msg_0") == "accepted"
    redis = handler._claims._redis
    mortal_redis.pause(redis)
    assert answer(deliver, handler) == "unavailable 503"
    mortal_redis.go_on()
    until(lambda: mortal_redis.client.dbsize() == 2)  # the claim has come after all
    assert answer(deliver, handler) == "in_progress 409"
    store.advance(LEASE)
    assert [answer(deliver, handler) for _ in range(2)] == ["accepted", "duplicate"]
    handler.on("agent_run.failed")(lambda payload: mortal_redis.pause(redis))
    late = envelope("agent_run.failed")
    assert answer(deliver, handler, "msg_2", late) == "accepted", "the handlers have succeeded"
    assert "the webhook call msg_2 may be handled again" in caplog.text
    mortal_redis.go_on()
    until(lambda: mortal_redis.client.get("codegen:claim:webhook:msg_2") == "handled")
    assert answer(deliver, handler, "msg_2", late) == "duplicate"
    assert len(handled) == 3


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


def test_without_the_shared_state_calls_are_refused(call, make, redis_server, tmp_path):
    (tmp_path / "no.db").write_text("this is no database" * 99)
    redis_server.client.lpush("codegen:claim:webhook:msg_1", "x")
    for broken in ("redis://:hunter2@127.0.0.1:9", f"sqlite:///{tmp_path / 'no.db'}", redis_server.address):
        handler = make(shared_state=broken)
        with pytest.raises(WebhookError, match="does not answer") as caught:
            call(handler)
        assert (caught.value.reason, caught.value.status_code) == ("unavailable", 503)
        assert "hunter2" not in repr(handler) + str(caught.value)


def test_a_fork_while_a_call_is_handled(handler):
    with handler._claims._lock:  # as another thread of the parent may
        assert in_child(lambda: deliver(handler).ok) == 0
