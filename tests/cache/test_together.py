"""Identical requests at the same time: one is sent, and none waits for it in vain."""

import asyncio
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from codegen_api import operations

from codegen_ext import AsyncCodegenClient, ClientConfig, CodegenClient, NetworkError, NotFoundError, TimeoutError
from codegen_ext._sync.cache import ResponseCache
from codegen_ext._sync.locks import Event
from codegen_ext.clock import Cancelled

from ..conftest import TOKEN
from ..support.loopback import CLOSE, HOLD, reply
from ..support.waiting import in_child, until, until_async
from .conftest import user

MANY = 8
PATIENCE = 30.0
"""Seconds after which a test that waits in real time has failed."""


def config_for(server, **settings):
    return ClientConfig(api_token=TOKEN, base_url=server.base_url, max_retries=0, **settings)


def waiting(client):
    """Return how many callers wait for the answer to another one's request."""
    return sum(len(flight.done._waiters) for flight in list(client.cache._flights.values()))


def test_threads_send_one_request(serve):
    server = serve(reply(user()) + HOLD)
    with CodegenClient(config_for(server)) as client, ThreadPoolExecutor(MANY) as pool:
        calls = [pool.submit(client.with_raw_response.get_current_user) for _ in range(MANY)]
        until(lambda: waiting(client) == MANY - 1)
        server.gate.set()
        answers = [call.result(PATIENCE) for call in calls]
        assert len({id(answer.parsed) for answer in answers}) == MANY
        assert {answer.parsed.github_username for answer in answers} == {"octocat"}
        assert sorted("age" in answer.headers for answer in answers) == [False] + [True] * (MANY - 1)
        assert (client.get_cache_stats().hits, client.get_cache_stats().misses) == (MANY - 1, 1)
        assert client.get_stats().cache_hit_rate == (MANY - 1) / MANY
        assert client.cache._flights == {}
    assert len(server.requests) == 1


def test_event_loops_send_one_request_also_when_a_task_is_cancelled(serve):
    server = serve(reply(user()) + HOLD)
    client = AsyncCodegenClient(config_for(server))
    leaving, left = threading.Event(), []

    async def ask():
        tasks = [asyncio.create_task(client.get_current_user()) for _ in range(3)]
        await until_async(lambda: leaving.is_set() or waiting(client) == 8)
        leaving.set()
        tasks[-1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[-1]
        left.append(1)
        found = [(await task).id for task in tasks[:2]]
        await client.close()
        return found

    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(asyncio.run, ask()) for _ in range(3)]
        until(lambda: len(left) == 3)
        server.gate.set()
        assert [answer.result(PATIENCE) for answer in answers] == [[1, 1]] * 3
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", [NetworkError, NotFoundError])
def test_after_a_failure_each_caller_asks_at_once(kind):
    numbers, fail, both = itertools.count(), threading.Event(), threading.Barrier(2, timeout=PATIENCE)

    def answer(request):
        if next(numbers):
            both.wait()
            return httpx.Response(200, json=user())
        assert fail.wait(PATIENCE)
        if kind is NetworkError:
            raise httpx.ReadError("lost")
        return httpx.Response(404, json={})

    config = ClientConfig(api_token=TOKEN, transport=httpx.MockTransport(answer), max_retries=0)
    with CodegenClient(config) as client, ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(client.get_current_user) for _ in range(3)]
        until(lambda: waiting(client) == 2)
        fail.set()
        errors = [call.exception(PATIENCE) for call in calls]
    assert [type(error) for error in errors if error] == [kind]


async def test_after_a_cancelled_task_one_caller_asks_for_all(serve):
    server = serve(reply(user()) + HOLD, reply(user()))
    async with AsyncCodegenClient(config_for(server)) as client:
        first = asyncio.create_task(client.get_current_user())
        await until_async(lambda: server.requests)
        others = [asyncio.create_task(client.get_current_user()) for _ in range(MANY)]
        await until_async(lambda: waiting(client) == MANY)
        first.cancel()
        assert {(await other).id for other in others} == {1}
        assert first.cancelled()
        assert client.cache._flights == {}
    assert len(server.requests) == 2


def test_an_answer_that_was_stored_a_moment_ago_is_found(serve, monkeypatch):
    """Between looking and asking there is time for another caller to do both."""
    server, join = serve(reply(user())), ResponseCache._join

    def late(self, key):
        monkeypatch.setattr(ResponseCache, "_join", join)
        client.get_current_user()
        return join(self, key)

    monkeypatch.setattr(ResponseCache, "_join", late)
    with CodegenClient(config_for(server)) as client:
        assert client.get_current_user().id == 1
    assert len(server.requests) == 1


def test_a_call_that_waits_too_long_or_is_cancelled_ends(serve, clock):
    server, cancel = serve(reply(user("kept")) + HOLD, reply(user("new")) + HOLD), Event()
    with CodegenClient(config_for(server, stale_if_error=100), clock=clock) as client, ThreadPoolExecutor(2) as pool:
        hasty = client.with_options(total_timeout=0.1)
        first = pool.submit(client.get_current_user)
        until(lambda: len(server.requests) == 1)
        with pytest.raises(TimeoutError, match="get_current_user"):
            hasty.get_current_user()
        second = pool.submit(client.perform, operations.GET_CURRENT_USER, {}, cancel=cancel)
        until(lambda: waiting(client) == 1)
        cancel.set()
        assert isinstance(second.exception(PATIENCE), Cancelled)
        server.gate.set()
        assert first.result(PATIENCE).github_username == "kept"
        server.gate.clear()
        clock.advance(301)
        third = pool.submit(client.get_current_user)
        until(lambda: len(server.requests) == 2)
        assert hasty.get_current_user().github_username == "kept"
        server.gate.set()
        assert third.result(PATIENCE).github_username == "new"


@pytest.mark.parametrize("how", ["write", "clear"])
def test_an_answer_that_a_change_overtook_is_not_kept(serve, how):
    server = serve(reply(user("old")) + HOLD, reply({}), reply(user("new")))
    with CodegenClient(config_for(server)) as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.get_current_user)
        until(lambda: len(server.requests) == 1)
        if how == "clear":
            client.clear_cache()
        client.request("PUT" if how == "write" else "GET", "/v1/other")
        # A later caller must not wait for the answer from before the change either.
        assert client.get_current_user().github_username == "new"
        server.gate.set()
        assert first.result(PATIENCE).github_username == "old"
        assert client.get_current_user().github_username == "new"
    assert len(server.requests) == 3


@pytest.mark.parametrize("written", [reply({}), CLOSE, b""], ids=["succeeds", "fails", "is cancelled"])
async def test_what_is_read_while_a_write_runs_does_not_outlive_it(serve, written):
    """A process that dies before the answer comes would leave what is kept to others."""
    server = serve(reply(user("kept")), written + HOLD, reply(user("meanwhile")), reply(user("new")))
    async with AsyncCodegenClient(config_for(server)) as client:
        await client.get_current_user()
        write = asyncio.create_task(client.request("PUT", "/v1/users/me"))
        await until_async(lambda: len(server.requests) == 2)
        assert (await client.get_current_user()).github_username == "meanwhile"
        if written:
            server.gate.set()
        else:
            write.cancel()
        await asyncio.wait([write])
        assert (await client.get_current_user()).github_username == "new"


def test_a_forked_child_does_not_wait_for_what_a_thread_of_its_parent_asks(serve):
    server = serve(reply(user()) + HOLD, reply(user()))
    with CodegenClient(config_for(server)) as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.get_current_user)
        until(lambda: len(server.requests) == 1)
        assert in_child(client.get_current_user) == 0
        server.gate.set()
        assert first.result(PATIENCE).id == 1
