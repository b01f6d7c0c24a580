"""Identical requests at the same time: one is sent, and none waits for it in vain."""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from codegen_api import operations

from codegen_ext import AsyncCodegenClient, ClientConfig, CodegenClient, NetworkError, NotFoundError, TimeoutError
from codegen_ext._async.cache import AsyncResponseCache
from codegen_ext._sync.cache import ResponseCache
from codegen_ext._sync.locks import Event
from codegen_ext.clock import Cancelled
from codegen_ext.testing import FakeClock

from ..conftest import TOKEN
from ..support.loopback import CLOSE, reply
from ..support.waiting import until, until_async
from .conftest import PATIENCE, Gated, user

MANY = 8
Gate = Callable[..., Gated]


def settings(server: Gated) -> ClientConfig:
    return ClientConfig(api_token=TOKEN, base_url=server.base_url, max_retries=0)


def run_async(server: Gated, scenario: Callable[[AsyncCodegenClient], Awaitable[None]]) -> None:
    """Run a scenario with a client of a server."""

    async def run() -> None:
        async with AsyncCodegenClient(settings(server)) as client:
            await scenario(client)

    asyncio.run(run())


class Together:
    """A client of a server whose first answer is held back, with threads that call it."""

    def __init__(self, gated: Gate, pool: ThreadPoolExecutor) -> None:
        self._gated = gated
        self._pool = pool

    def serve(self, *answers: bytes, **options: Any) -> CodegenClient:
        self.server = self._gated(*answers, **options)
        self.client = CodegenClient(settings(self.server))
        return self.client

    def start(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Call in a thread, and return when the server was asked."""
        started = self._pool.submit(function, *args, **options)
        assert self.server.arrived.wait(PATIENCE)
        return started


@pytest.fixture
def together(gated: Gate) -> Iterator[Together]:
    with ThreadPoolExecutor(MANY) as pool:
        together = Together(gated, pool)
        yield together
        together.client.close()


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


def test_threads_send_one_request(together: Together, waiting: list[int]) -> None:
    client = together.serve()
    calls = [together.start(client.with_raw_response.get_current_user) for _ in range(MANY)]
    until(lambda: len(waiting) == MANY - 1)
    together.server.gate.set()
    answers = [call.result(PATIENCE) for call in calls]
    assert len({id(answer.parsed) for answer in answers}) == MANY
    assert {answer.parsed.github_username for answer in answers} == {"octocat"}
    assert sorted("age" in answer.headers for answer in answers) == [False] + [True] * (MANY - 1)
    assert (client.get_cache_stats().hits, client.get_cache_stats().misses) == (MANY - 1, 1)
    assert client.get_stats().cache_hit_rate == (MANY - 1) / MANY
    assert client.cache._flights == {}
    assert len(together.server.requests) == 1


def test_event_loops_and_their_tasks_send_one_request(gated: Gate, waiting: list[int]) -> None:
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


@pytest.mark.parametrize("failure", [httpx.ReadError("lost"), httpx.Response(404, json={"detail": "no"})])
def test_callers_that_waited_for_a_failure_ask_for_themselves_at_once(waiting: list[int], failure: Any) -> None:
    is_first, fail, both = iter([True, False, False]), threading.Event(), threading.Barrier(2, timeout=PATIENCE)

    def answer(request: httpx.Request) -> httpx.Response:
        if next(is_first):
            assert fail.wait(PATIENCE)
            if isinstance(failure, Exception):
                raise failure
            return failure
        both.wait()
        return httpx.Response(200, json=user())

    settings: Any = {"transport": httpx.MockTransport(answer), "max_retries": 0}
    with CodegenClient(api_token=TOKEN, **settings) as client, ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(client.get_current_user) for _ in range(3)]
        until(lambda: len(waiting) == 2)
        fail.set()
        errors = [call.exception(PATIENCE) for call in calls]
    assert sorted(type(error) for error in errors if error) == [
        NetworkError if isinstance(failure, Exception) else NotFoundError
    ]


def test_a_caller_that_waited_for_a_cancelled_task_asks_for_itself_and_the_others(
    gated: Gate, waiting: list[int]
) -> None:
    server = gated()

    async def scenario(client: AsyncCodegenClient) -> None:
        first = asyncio.create_task(client.get_current_user())
        await until_async(lambda: server.requests)
        others = [asyncio.create_task(client.get_current_user()) for _ in range(MANY)]
        await until_async(lambda: len(waiting) == MANY)
        first.cancel()
        assert {(await other).id for other in others} == {1}
        assert first.cancelled()
        assert client.cache._flights == {}

    run_async(server, scenario)
    assert len(server.requests) == 2


def test_cancelling_a_waiting_caller_disturbs_no_other(gated: Gate, waiting: list[int]) -> None:
    server = gated()

    async def scenario(client: AsyncCodegenClient) -> None:
        tasks = [asyncio.create_task(client.get_current_user()) for _ in range(3)]
        await until_async(lambda: len(waiting) == 2)
        tasks[-1].cancel()
        await asyncio.wait([tasks[-1]])
        server.gate.set()
        assert [(await task).id for task in tasks[:2]] == [1, 1]

    run_async(server, scenario)
    assert len(server.requests) == 1


def test_an_answer_that_was_stored_a_moment_ago_is_found(together: Together, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between looking and asking there is time for another caller to do both."""
    client, join = together.serve(held=()), ResponseCache._join

    def late(self: ResponseCache, key: Any) -> Any:
        monkeypatch.setattr(ResponseCache, "_join", join)
        client.get_current_user()
        return join(self, key)

    monkeypatch.setattr(ResponseCache, "_join", late)
    assert client.get_current_user().id == 1
    assert len(together.server.requests) == 1


def test_a_call_that_waits_too_long_or_is_cancelled_ends(together: Together, waiting: list[int]) -> None:
    client = together.serve()
    first = together.start(client.get_current_user)
    with pytest.raises(TimeoutError, match="get_current_user"):
        client.with_options(total_timeout=0.1).get_current_user()
    cancel = Event()
    second = together.start(client.perform, operations.GET_CURRENT_USER, {}, cancel=cancel)
    until(lambda: len(waiting) == 2)
    cancel.set()
    assert isinstance(second.exception(PATIENCE), Cancelled)
    together.server.gate.set()
    assert first.result(PATIENCE).id == 1


def test_a_call_that_waits_too_long_gets_the_stale_answer_where_there_is_one(gated: Gate, waiting: list[int]) -> None:
    server = gated(reply(user("kept")), reply(user("new")), held=(1,))
    config, clock = settings(server), FakeClock()
    config.stale_if_error = 100
    with CodegenClient(config, clock=clock) as client, ThreadPoolExecutor(1) as pool:
        client.get_current_user()
        clock.advance(301)
        first = pool.submit(client.get_current_user)
        until(lambda: len(server.requests) == 2)
        assert client.with_options(total_timeout=0.1).get_current_user().github_username == "kept"
        server.gate.set()
        assert first.result(PATIENCE).github_username == "new"
    assert (len(waiting), len(server.requests)) == (1, 2)


@pytest.mark.parametrize("how", ["write", "clear"])
def test_an_answer_that_a_change_overtook_is_not_kept(together: Together, how: str) -> None:
    client = together.serve(reply(user("old")), reply({}), reply(user("new")))
    first = together.start(client.get_current_user)
    if how == "write":
        client.request("PUT", "/v1/users/me")
    else:
        client.clear_cache()
        client.request("GET", "/v1/other")
    # A later caller must not wait for the answer from before the change either.
    assert client.get_current_user().github_username == "new"
    together.server.gate.set()
    assert first.result(PATIENCE).github_username == "old"
    assert client.get_current_user().github_username == "new"
    assert len(together.server.requests) == 3


def test_what_is_kept_does_not_serve_while_a_write_runs(together: Together) -> None:
    """A process that dies before the answer comes would leave it to others."""
    client = together.serve(reply(user("old")), reply({}), reply(user("new")), held=(1,))
    client.get_current_user()
    write = together.start(client.request, "PUT", "/v1/users/me")
    until(lambda: len(together.server.requests) == 2)
    assert client.get_current_user().github_username == "new"
    together.server.gate.set()
    write.result(PATIENCE)
    client.get_current_user()
    assert len(together.server.requests) == 4


def test_a_failed_write_drops_what_was_read_while_it_ran(together: Together) -> None:
    client = together.serve(CLOSE, reply(user("old")), reply(user("new")))
    write = together.start(client.request, "PUT", "/v1/users/me")
    assert client.get_current_user().github_username == "old"
    together.server.gate.set()
    assert isinstance(write.exception(PATIENCE), NetworkError)
    assert client.get_current_user().github_username == "new"


def test_a_cancelled_write_drops_what_was_read_while_it_ran(gated: Gate) -> None:
    server = gated(reply({}), reply(user("old")), reply(user("new")))

    async def scenario(client: AsyncCodegenClient) -> None:
        write = asyncio.create_task(client.request("PUT", "/v1/users/me"))
        await until_async(lambda: server.requests)
        assert (await client.get_current_user()).github_username == "old"
        write.cancel()
        await asyncio.wait([write])
        assert (await client.get_current_user()).github_username == "new"

    run_async(server, scenario)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_what_a_thread_of_its_parent_asks(together: Together) -> None:
    client = together.serve()
    first = together.start(client.get_current_user)
    child = os.fork()
    if child == 0:
        os._exit(client.get_current_user(timeout=PATIENCE).id != 1)
    assert os.waitpid(child, 0)[1] == 0
    together.server.gate.set()
    assert first.result(PATIENCE).id == 1
