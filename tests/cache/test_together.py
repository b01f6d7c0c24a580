"""Identical requests at the same time: one is sent, and nobody waits for it in vain."""

import asyncio
import gc
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from codegen_api import operations

from codegen_ext import AsyncCodegenClient, ClientConfig, CodegenClient, NetworkError, NotFoundError, TimeoutError
from codegen_ext._async.cache import AsyncResponseCache
from codegen_ext._sync.cache import ResponseCache
from codegen_ext._sync.locks import Event
from codegen_ext.clock import Cancelled

from ..conftest import TOKEN
from ..support.loopback import CLOSE, reply
from .conftest import PATIENCE, Gated, user

MANY = 8
Gate = Callable[..., Gated]


def settings(server: Gated, **others: Any) -> ClientConfig:
    return ClientConfig(api_token=TOKEN, base_url=server.base_url, **{"max_retries": 0, **others})


def until(condition: Callable[[], object]) -> None:
    """Wait until something has happened in another thread."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


async def until_async(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.002)


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Tell how many callers found that another one is asking."""
    seen: list[int] = []

    def counted(kind: Any) -> None:
        join = kind._join

        def count(self: Any, key: Any) -> Any:
            flight, leads = join(self, key)
            if not leads:
                seen.append(1)
            return flight, leads

        monkeypatch.setattr(kind, "_join", count)

    counted(ResponseCache)
    counted(AsyncResponseCache)
    return seen


def test_threads_send_one_request(gated: Gate, waiting: list[int]) -> None:
    server = gated()
    with CodegenClient(settings(server)) as client, ThreadPoolExecutor(MANY) as pool:
        answers = [pool.submit(client.get_current_user) for _ in range(MANY)]
        until(lambda: len(waiting) == MANY - 1)
        server.gate.set()
        users = [answer.result(PATIENCE) for answer in answers]
        assert len({id(one) for one in users}) == MANY
        assert {one.github_username for one in users} == {"octocat"}
        assert client.get_cache_stats() | {"size": 1} == client.get_cache_stats()
        assert (client.get_cache_stats().hits, client.get_cache_stats().misses) == (MANY - 1, 1)
        assert client.cache._flights == {}
    assert len(server.requests) == 1


def test_tasks_send_one_request(gated: Gate, waiting: list[int]) -> None:
    server = gated()

    async def ask() -> None:
        async with AsyncCodegenClient(settings(server)) as client, asyncio.TaskGroup() as group:
            tasks = [group.create_task(client.get_current_user()) for _ in range(MANY)]
            await until_async(lambda: len(waiting) == MANY - 1)
            server.gate.set()
            assert {(await task).id for task in tasks} == {1}

    asyncio.run(ask())
    assert len(server.requests) == 1


def test_event_loops_send_one_request(gated: Gate, waiting: list[int]) -> None:
    server = gated()
    client = AsyncCodegenClient(settings(server))

    async def ask() -> int:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(client.get_current_user()) for _ in range(2)]
        await client.close()
        return sum(task.result().id for task in tasks)

    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(asyncio.run, ask()) for _ in range(3)]
        until(lambda: len(waiting) == 5)
        server.gate.set()
        assert [answer.result(PATIENCE) for answer in answers] == [2, 2, 2]
    assert len(server.requests) == 1


def test_who_waited_for_a_failure_asks_for_itself(gated: Gate, waiting: list[int]) -> None:
    server = gated(CLOSE, reply(user()))
    with CodegenClient(settings(server)) as client, ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.get_current_user)
        assert server.arrived.wait(PATIENCE)
        second = pool.submit(client.get_current_user)
        until(lambda: waiting)
        server.gate.set()
        assert first.exception(PATIENCE) is not None
        assert second.result(PATIENCE).id == 1
    assert len(server.requests) == 2


def test_who_waited_for_an_error_gets_an_error_of_its_own(gated: Gate, waiting: list[int]) -> None:
    server = gated(reply({"detail": "no"}, 404))
    with CodegenClient(settings(server)) as client, ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(client.get_current_user) for _ in range(2)]
        until(lambda: waiting)
        server.gate.set()
        assert all(isinstance(answer.exception(PATIENCE), NotFoundError) for answer in answers)
    assert len(server.requests) == 2


def test_who_waited_for_a_cancelled_task_asks_for_itself_and_for_the_others(gated: Gate, waiting: list[int]) -> None:
    server = gated()

    async def ask() -> None:
        async with AsyncCodegenClient(settings(server)) as client:
            first = asyncio.create_task(client.get_current_user())
            await until_async(lambda: server.requests)
            others = [asyncio.create_task(client.get_current_user()) for _ in range(MANY)]
            await until_async(lambda: len(waiting) == MANY)
            first.cancel()
            assert {(await other).id for other in others} == {1}
            assert first.cancelled()
            assert client.cache._flights == {}

    asyncio.run(ask())
    assert len(server.requests) == 2


def test_cancelling_who_waits_disturbs_nobody(gated: Gate, waiting: list[int]) -> None:
    server = gated()

    async def ask() -> None:
        async with AsyncCodegenClient(settings(server)) as client:
            tasks = [asyncio.create_task(client.get_current_user()) for _ in range(3)]
            await until_async(lambda: len(waiting) == 2)
            tasks[-1].cancel()
            await asyncio.wait([tasks[-1]])
            server.gate.set()
            assert [(await task).id for task in tasks[:2]] == [1, 1]

    asyncio.run(ask())
    assert len(server.requests) == 1


def test_an_answer_that_was_stored_a_moment_ago_is_found(gated: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between looking and asking there is time for somebody else to do both."""
    server = gated(held=())
    join = ResponseCache._join
    with CodegenClient(settings(server)) as client:

        def late(self: ResponseCache, key: Any) -> Any:
            monkeypatch.setattr(ResponseCache, "_join", join)
            client.get_current_user()
            return join(self, key)

        monkeypatch.setattr(ResponseCache, "_join", late)
        assert client.get_current_user().id == 1
    assert len(server.requests) == 1


def test_a_call_that_waits_too_long_says_so(gated: Gate, waiting: list[int]) -> None:
    server = gated()
    with CodegenClient(settings(server)) as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.get_current_user)
        assert server.arrived.wait(PATIENCE)
        hasty = client.with_options(total_timeout=0.1)
        with pytest.raises(TimeoutError, match="get_current_user"):
            hasty.get_current_user()
        server.gate.set()
        first.result(PATIENCE)


@pytest.mark.parametrize("how", ["write", "clear"])
def test_an_answer_that_a_change_overtook_is_not_kept(gated: Gate, how: str) -> None:
    server = gated(reply(user("old")), reply({}), reply(user("new")))
    with CodegenClient(settings(server)) as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.get_current_user)
        assert server.arrived.wait(PATIENCE)
        if how == "write":
            client.request("PUT", "/v1/users/me")
        else:
            client.clear_cache()
            client.request("GET", "/v1/other")
        # Who asks now must not wait for the answer from before the change either.
        assert client.get_current_user().github_username == "new"
        server.gate.set()
        assert first.result(PATIENCE).github_username == "old"
        assert client.get_current_user().github_username == "new"
    assert len(server.requests) == 3


def test_what_is_kept_does_not_serve_while_a_write_runs(gated: Gate) -> None:
    """A process that dies before the answer comes would leave it to others."""
    server = gated(reply(user("old")), reply({}), reply(user("new")), held=(1,))
    with CodegenClient(settings(server)) as client, ThreadPoolExecutor(1) as pool:
        client.get_current_user()
        write = pool.submit(client.request, "PUT", "/v1/users/me")
        until(lambda: len(server.requests) == 2)
        assert client.get_current_user().github_username == "new"
        server.gate.set()
        write.result(PATIENCE)
        client.get_current_user()
    assert len(server.requests) == 4


def test_a_failed_write_drops_what_was_read_while_it_ran(gated: Gate) -> None:
    server = gated(CLOSE, reply(user("old")), reply(user("new")))
    with CodegenClient(settings(server)) as client, ThreadPoolExecutor(1) as pool:
        write = pool.submit(client.request, "PUT", "/v1/users/me")
        assert server.arrived.wait(PATIENCE)
        assert client.get_current_user().github_username == "old"
        server.gate.set()
        assert isinstance(write.exception(PATIENCE), NetworkError)
        assert client.get_current_user().github_username == "new"


def test_a_cancelled_write_drops_what_was_read_while_it_ran(gated: Gate) -> None:
    server = gated(reply({}), reply(user("old")), reply(user("new")))

    async def ask() -> None:
        async with AsyncCodegenClient(settings(server)) as client:
            write = asyncio.create_task(client.request("PUT", "/v1/users/me"))
            await until_async(lambda: server.requests)
            assert (await client.get_current_user()).github_username == "old"
            write.cancel()
            await asyncio.wait([write])
            assert (await client.get_current_user()).github_username == "new"

    asyncio.run(ask())


def test_a_client_lives_across_event_loops(gated: Gate) -> None:
    server = gated(held=())
    client = AsyncCodegenClient(settings(server))

    async def ask() -> int:
        return (await client.get_current_user()).id

    async def end() -> int:
        async with client:
            return await ask()

    assert [asyncio.run(ask()), asyncio.run(ask()), asyncio.run(end())] == [1, 1, 1]
    gc.collect()  # an unclosed socket is an error here
    assert len(server.requests) == 1


def test_what_was_shared_counts_as_cached(gated: Gate, waiting: list[int]) -> None:
    server = gated()
    with CodegenClient(settings(server)) as client, ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(client.with_raw_response.get_current_user) for _ in "12"]
        until(lambda: waiting)
        server.gate.set()
        assert sorted("age" in call.result(PATIENCE).headers for call in calls) == [False, True]
        assert client.get_stats().cache_hit_rate == 0.5


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_what_a_thread_of_its_parent_asks(gated: Gate) -> None:
    server = gated()
    with CodegenClient(settings(server)) as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.get_current_user)
        assert server.arrived.wait(PATIENCE)
        child = os.fork()
        if child == 0:
            os._exit(client.get_current_user(timeout=PATIENCE).id != 1)
        assert os.waitpid(child, 0)[1] == 0
        server.gate.set()
        assert first.result(PATIENCE).id == 1


def test_a_call_that_waits_for_another_ends_when_it_is_cancelled(gated: Gate, waiting: list[int]) -> None:
    server = gated()
    with CodegenClient(settings(server)) as client, ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.get_current_user)
        assert server.arrived.wait(PATIENCE)
        cancel = Event()
        second = pool.submit(client.perform, operations.GET_CURRENT_USER, {}, cancel=cancel)
        until(lambda: waiting)
        cancel.set()
        assert isinstance(second.exception(PATIENCE), Cancelled)
        server.gate.set()
        assert first.result(PATIENCE).id == 1
