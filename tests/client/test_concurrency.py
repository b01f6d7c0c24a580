"""One client for many threads, tasks and event loops."""

import asyncio
import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from codegen_ext import AsyncCodegenClient, ClientClosedError, ClientConfig, CodegenClient, NetworkError
from codegen_ext.testing import FakeClock, Sandbox

from ..conftest import TOKEN, Flavour
from ..support.loopback import HANG, Loopback, reply


def settings(sandbox: Sandbox) -> ClientConfig:
    # Without a cache, as only what travels says something about connections.
    return ClientConfig(api_token=TOKEN, base_url=sandbox.base_url, enable_caching=False, rate_limits=False)


def test_threads_may_share_a_client(sandbox: Sandbox, clock: FakeClock) -> None:
    with CodegenClient(settings(sandbox), clock=clock) as client, ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda number: client.create_agent_run(323, f"run {number}"), range(40)))
        prompts = {run.id: run.prompt for run in sandbox.runs}
        assert [prompts[run.id] for run in runs] == [f"run {number}" for number in range(40)]
        finished = list(pool.map(lambda run: client.wait_for_completion(323, run.id), runs))
        assert [run.id for run in finished] == [run.id for run in runs]
        assert client.get_stats().total_requests == len(sandbox.requests)


def test_threads_may_share_an_agents_view_of_the_repositories(sandbox: Sandbox, clock: FakeClock) -> None:
    from codegen_ext import Agent

    with CodegenClient(settings(sandbox), clock=clock) as client, ThreadPoolExecutor(8) as pool:
        agent = Agent(323, client=client)
        list(pool.map(lambda number: agent.run("hello", repository="owner/repo"), range(16)))
    assert {run.order.repo_id for run in sandbox.runs} == {107}


def test_tasks_may_share_a_client(sandbox: Sandbox, clock: FakeClock) -> None:
    async def main() -> list[int]:
        async with AsyncCodegenClient(settings(sandbox), clock=clock) as client:
            runs = await asyncio.gather(*(client.create_agent_run(323, f"run {number}") for number in range(30)))
            finished = await asyncio.gather(*(client.wait_for_completion(323, run.id) for run in runs))
            assert [run.id for run in finished] == [run.id for run in runs]
            return [run.id for run in finished]

    assert len(set(asyncio.run(main()))) == 30


def test_event_loops_may_follow_each_other(sandbox: Sandbox) -> None:
    client = AsyncCodegenClient(settings(sandbox))
    for _ in range(4):
        assert asyncio.run(client.get_current_user()).id == 1

    async def finish() -> None:
        await client.get_current_user()
        await client.close()

    asyncio.run(finish())
    gc.collect()


def test_closing_forgets_what_ended_loops_left(sandbox: Sandbox) -> None:
    client = AsyncCodegenClient(settings(sandbox))
    asyncio.run(client.get_current_user())
    asyncio.run(client.close())
    gc.collect()


def test_event_loops_may_use_a_client_at_the_same_time(sandbox: Sandbox) -> None:
    client = AsyncCodegenClient(settings(sandbox))

    async def ask() -> list[Any]:
        return await asyncio.gather(*(client.get_current_user() for _ in range(10)))

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: asyncio.run(ask()), range(4)))
    assert [user.id for users in answers for user in users] == [1] * 40


class ClosingClock(FakeClock):
    """Closes a client while one of its calls sleeps."""

    client: Any

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.client.close()

    async def sleep_async(self, seconds: float) -> None:
        FakeClock.sleep(self, seconds)
        await self.client.close()


def test_a_call_that_slept_while_the_client_was_closed_opens_nothing(
    serve: Callable[..., Loopback], flavour: Flavour
) -> None:
    server, clock = serve(reply({}, 503)), ClosingClock()
    config = ClientConfig(api_token=TOKEN, base_url=server.base_url, enable_caching=False)
    client = flavour.client(config, clock=clock)
    clock.client = getattr(client, "_target", client)
    with pytest.raises(ClientClosedError, match="get_current_user"):
        client.get_current_user()
    assert len(server.requests) == 1


def test_a_call_that_was_about_to_be_sent_while_the_client_was_closed_opens_nothing(
    serve: Callable[..., Loopback], connect: Callable[..., Any], flavour: Flavour
) -> None:
    server = serve(reply({}))
    client = connect(server.base_url)
    target = getattr(client, "_target", client)

    async def close(request: object) -> None:
        await target.close()

    # httpx asks whether it is closed before it calls hooks.
    client.session.event_hooks = {"request": [close if flavour.is_async else lambda request: client.close()]}
    with pytest.raises(ClientClosedError):
        client.get_current_user()
    assert server.requests == []


def test_an_answer_that_comes_while_the_client_is_closed_is_a_failure(
    connect: Callable[..., Any], flavour: Flavour
) -> None:
    async def answer_async(request: httpx.Request) -> httpx.Response:
        await client._target.close()
        return httpx.Response(200, json={})

    def answer(request: httpx.Request) -> httpx.Response:
        client.close()
        return httpx.Response(200, json={})

    client = connect(transport=httpx.MockTransport(answer_async if flavour.is_async else answer))
    with pytest.raises(NetworkError, match="closed while"):
        client.get_current_user()


def test_a_client_that_was_never_used_can_be_closed(sandbox: Sandbox) -> None:
    asyncio.run(AsyncCodegenClient(settings(sandbox)).close())
    CodegenClient(settings(sandbox)).close()


def test_cancelling_a_call_leaves_the_client_usable(serve: Callable[..., Loopback]) -> None:
    server = serve(HANG, reply({"id": 1, "email": None, "github_user_id": "1", "github_username": "octocat"}))

    async def main() -> None:
        async with AsyncCodegenClient(ClientConfig(api_token=TOKEN, base_url=server.base_url)) as client:
            call = asyncio.create_task(client.get_current_user())
            await asyncio.to_thread(server.arrived.wait)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert (await client.get_current_user()).id == 1

    asyncio.run(main())
