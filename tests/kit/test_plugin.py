"""The fixtures of the pytest plugin, as users' tests get them."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

from codegen_ext import Agent, AsyncCodegenClient, CodegenClient
from codegen_ext.testing import FakeClock, Sandbox


def test_a_client_of_the_sandbox(codegen_client: CodegenClient, codegen_sandbox: Sandbox) -> None:
    run = codegen_client.create_agent_run(codegen_sandbox.org_id, "Hello")
    assert codegen_client.wait_for_completion(323, run.id, poll_interval=0.05, timeout=30).result == "Done: Hello"
    assert [run.prompt for run in codegen_sandbox.runs] == ["Hello"]
    assert codegen_sandbox.base_url.startswith("http://127.0.0.1:")


def test_an_agent_of_the_sandbox(codegen_agent: Agent, codegen_client: CodegenClient, codegen_sandbox: Sandbox) -> None:
    assert codegen_agent.run("Hello", repository="owner/repo").wait(poll_interval=0.05, timeout=30).result
    assert [run.order.repo_id for run in codegen_sandbox.runs] == [107]
    assert codegen_agent.client is codegen_client


def test_an_async_client_of_the_sandbox(async_codegen_client: AsyncCodegenClient, codegen_sandbox: Sandbox) -> None:
    async def use() -> str | None:
        run = await async_codegen_client.create_agent_run(323, "Hello")
        done = await async_codegen_client.wait_for_completion(323, run.id, poll_interval=0.05, timeout=30)
        return done.result

    assert asyncio.run(use()) == "Done: Hello"
    assert asyncio.run(use()) == "Done: Hello", "each test may have a loop of its own"


def test_nothing_waits_for_a_limit(codegen_client: CodegenClient, async_codegen_client: AsyncCodegenClient) -> None:
    assert not codegen_client.config.rate_limits
    assert not async_codegen_client.config.rate_limits
    assert len({codegen_client.create_agent_run(323, "x").id for _ in range(12)}) == 12


def test_with_the_clock_everything_is_on_it(
    codegen_clock: FakeClock,
    codegen_client: CodegenClient,
    async_codegen_client: AsyncCodegenClient,
    codegen_sandbox: Sandbox,
) -> None:
    codegen_sandbox.script(seconds=3600)
    run = codegen_client.create_agent_run(323, "Take an hour")
    begin = time.monotonic()
    assert codegen_client.wait_for_completion(323, run.id).status == "completed"
    assert codegen_clock.monotonic() >= 3600
    assert time.monotonic() - begin < 1800
    codegen_sandbox.script(seconds=3600)

    async def use() -> str | None:
        run = await async_codegen_client.create_agent_run(323, "And another")
        return (await async_codegen_client.wait_for_completion(323, run.id)).status

    assert asyncio.run(use()) == "completed"
    assert codegen_clock.monotonic() >= 7200


def test_the_entry_point_offers_the_fixtures_and_they_close_their_clients(tmp_path: Path) -> None:
    (tmp_path / "test_users.py").write_text(
        "kept = []\n"
        "def test_use(codegen_client, async_codegen_client, codegen_agent, codegen_clock, codegen_sandbox):\n"
        "    kept.extend([codegen_client, async_codegen_client])\n"
        "def test_closed():\n"
        "    assert [client.session.is_closed for client in kept] == [True, True]\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_other_tests_pay_nothing() -> None:
    code = "import sys, codegen_ext.testing.pytest_plugin; print({'httpx', 'codegen_api'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
