"""The sandbox in process."""

import asyncio

import httpx
import pytest
from codegen_api.operations import OPERATIONS

from codegen_ext.testing import FakeClock, Fault, Sandbox

ME = OPERATIONS["get_current_user"].path
CHAT = OPERATIONS["create_chat_completion"].path
QUESTION = {"model": "m", "messages": [{"role": "user", "content": "one two"}], "stream": True}


@pytest.fixture
def sandbox(clock: FakeClock) -> Sandbox:
    return Sandbox(clock=clock, rate_limits=False)


@pytest.fixture
def options(sandbox: Sandbox) -> dict[str, object]:
    headers = {"authorization": f"Bearer {sandbox.token}"}
    return {"base_url": sandbox.base_url, "headers": headers, "transport": sandbox.transport(), "timeout": 5}


def test_async_clients_get_the_same_answers(sandbox, options, clock):
    async def ask() -> tuple[httpx.Response, bytes]:
        async with httpx.AsyncClient(**options) as client:
            sandbox.inject("*", Fault.latency(2))
            sandbox.inject("create_chat_completion", Fault.drip(50, 0.5))
            answer = await client.get(ME)
            async with client.stream("POST", CHAT, json=QUESTION) as stream:
                return answer, b"".join([piece async for piece in stream.aiter_raw()])

    answer, streamed = asyncio.run(ask())
    assert answer.json()["github_username"] == "octocat"
    assert streamed.endswith(b"data: [DONE]\n\n")
    assert clock.slept[:2] == [2, 2]
    assert set(clock.slept[2:]) == {0.5}


def test_async_clients_get_the_same_errors(sandbox, options):
    async def ask() -> None:
        async with httpx.AsyncClient(**options) as client:
            for fault, error in (
                (Fault.reset_before(), httpx.ReadError),
                (Fault.truncate(5), httpx.RemoteProtocolError),
                (Fault.latency(9), httpx.ReadTimeout),
            ):
                sandbox.inject("*", fault, times=1)
                with pytest.raises(error):
                    await client.get(ME)

    asyncio.run(ask())


def test_a_client_waits_no_longer_than_it_said(sandbox, options, clock):
    create = OPERATIONS["create_agent_run"].path.format(org_id=323)
    sandbox.inject("create_agent_run", Fault.latency(4))
    sandbox.inject("create_agent_run", Fault.latency(60), times=1)
    with httpx.Client(**options) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.post(create, json={"prompt": "x"})
        assert clock.slept == [4, 1]
        # The service has not noticed that nobody listens.
        assert len(sandbox.runs) == 1
        assert client.post(create, json={"prompt": "x"}, timeout=None).status_code == 200


def test_each_piece_of_a_body_has_its_own_timeout(sandbox, options, clock):
    sandbox.inject("*", Fault.drip(20, 4), times=1)
    sandbox.inject("*", Fault.drip(20, 6), times=1)
    with httpx.Client(**options) as client:
        assert client.get(ME).json()["github_username"] == "octocat"
        with pytest.raises(httpx.ReadTimeout):
            client.get(ME)
    assert clock.slept[-2:] == [4, 5]


def test_head_has_no_body(sandbox, options):
    with httpx.Client(**options) as client:
        response = client.head(ME)
    assert (response.status_code, response.content) == (405, b"")
    assert int(response.headers["content-length"]) > 0


def test_nothing_listens_while_it_serves_in_process(sandbox):
    assert sandbox.base_url == "http://sandbox.invalid"
    sandbox.stop()


def test_it_serves_both_ways_at_once(sandbox, options):
    with httpx.Client(**options) as inside, sandbox, httpx.Client(trust_env=False) as outside:
        runs = OPERATIONS["create_agent_run"].path.format(org_id=323)
        inside.post(runs, json={"prompt": "x"})
        outside.post(sandbox.base_url + runs, json={"prompt": "y"}, headers=options["headers"])
    assert [run.prompt for run in sandbox.runs] == ["x", "y"]
