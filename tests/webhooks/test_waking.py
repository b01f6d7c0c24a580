"""A received end of a run ends the waits for it without another poll; needs the watcher of the branch `waiting`."""

import asyncio
import threading
from typing import Any

import pytest

from codegen_ext import AsyncCodegenClient, ClientConfig, CodegenClient, WebhookHandler
from codegen_ext.testing import Sandbox, webhook_call

from ..conftest import TOKEN
from ..support.waiting import until, until_async

SECRET = "your-webhook-secret"


def config_of(sandbox: Sandbox) -> ClientConfig:
    return ClientConfig(api_token=TOKEN, base_url=sandbox.base_url)


def reads(sandbox: Sandbox) -> int:
    return sum(request.method == "GET" for request in sandbox.requests)


@pytest.mark.parametrize(
    ("event", "status"),
    [("agent_run.completed", "COMPLETE"), ("agent_run.failed", "ERROR"), ("agent_run.paused", "PAUSED")],
)
def test_a_sync_wait(sandbox: Sandbox, event: str, status: str) -> None:
    with CodegenClient(config_of(sandbox)) as client:
        handler = WebhookHandler(SECRET, client=client)
        run = client.create_agent_run(323, "Hello [[outcome=never]]")
        ended: list[Any] = []
        waiter = threading.Thread(
            target=lambda: ended.append(client.wait_for_completion(323, run.id, poll_interval=3_600)), daemon=True
        )
        waiter.start()
        until(lambda: reads(sandbox))
        polls = reads(sandbox)
        data = {"id": run.id, "organization_id": 323, "status": status, "result": "told"}
        assert handler.handle_request(*webhook_call(SECRET, event, data)).ok
        waiter.join(30)
        assert (str(ended[0].status), ended[0].result) == (event.partition(".")[2], "told")
        assert reads(sandbox) <= polls + 1


def test_an_async_wait_from_another_thread(sandbox: Sandbox) -> None:
    async def main() -> None:
        async with AsyncCodegenClient(config_of(sandbox)) as client:
            handler = WebhookHandler(SECRET, client=client)
            run = await client.create_agent_run(323, "Hello [[outcome=never]]")
            waiter = asyncio.create_task(client.wait_for_completion(323, run.id, poll_interval=3_600))
            await until_async(lambda: reads(sandbox))
            data = {"id": run.id, "organization_id": 323, "status": "COMPLETE", "result": "told"}
            call = webhook_call(SECRET, "agent_run.completed", data)
            assert (await asyncio.to_thread(handler.handle_request, *call)).ok
            async with asyncio.timeout(30):
                assert (await waiter).result == "told"

    asyncio.run(main())
