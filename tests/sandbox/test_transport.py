"""The sandbox in process: time-outs, and the async side of the transport."""

import asyncio

import httpx
import pytest
from codegen_api.operations import OPERATIONS

from codegen_ext.testing import Fault

ME = OPERATIONS["get_current_user"].path
CHAT = OPERATIONS["create_chat_completion"].path
CREATE = OPERATIONS["create_agent_run"].path.format(org_id=323)
QUESTION = {"model": "m", "messages": [{"role": "user", "content": "one two"}], "stream": True}


def test_async_clients_get_the_same_answers_and_errors(api):
    sandbox = api.sandbox
    options = {"base_url": sandbox.base_url, "headers": api.client.headers, "transport": sandbox.transport()}

    async def ask() -> tuple[httpx.Response, bytes]:
        async with httpx.AsyncClient(**options, timeout=5) as client:
            for fault, error in (
                (Fault.reset_before(), httpx.ReadError),
                (Fault.truncate(5), httpx.RemoteProtocolError),
                (Fault.latency(9), httpx.ReadTimeout),
            ):
                sandbox.inject("*", fault, times=1)
                with pytest.raises(error):
                    await client.get(ME)
            sandbox.inject("*", Fault.latency(2))
            sandbox.inject("create_chat_completion", Fault.drip(50, 0.5))
            answer = await client.get(ME)
            async with client.stream("POST", CHAT, json=QUESTION) as stream:
                return answer, b"".join([part async for part in stream.aiter_raw()])

    answer, streamed = asyncio.run(ask())
    assert answer.json()["github_username"] == "octocat"
    assert streamed.endswith(b"data: [DONE]\n\n")
    slept = api.clock.slept
    assert slept[:3] == [5, 2, 2]
    assert set(slept[3:]) == {0.5}


def test_a_client_waits_no_longer_than_its_timeout(api):
    sandbox, client = api.sandbox, api.client
    client.timeout = httpx.Timeout(5)
    sandbox.inject("create_agent_run", Fault.latency(4))
    sandbox.inject("create_agent_run", Fault.latency(60), times=1)
    with pytest.raises(httpx.ReadTimeout):
        client.post(CREATE, json={"prompt": "x"})
    assert api.clock.slept == [4, 1]
    assert len(sandbox.runs) == 1, "the service has not noticed that the client has left"
    assert client.post(CREATE, json={"prompt": "x"}, timeout=None).status_code == 200
    sandbox.inject("get_current_user", Fault.drip(20, 4), times=1)
    sandbox.inject("get_current_user", Fault.drip(20, 6), times=1)
    assert client.get(ME).json()["github_username"] == "octocat", "each part of a body has its own time-out"
    with pytest.raises(httpx.ReadTimeout):
        client.get(ME)
    assert api.clock.slept[-2:] == [4, 5]
