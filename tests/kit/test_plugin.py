"""The fixtures of the pytest plugin, as users' tests get them."""

import asyncio
import os
import subprocess
import sys


def test_clients_of_the_sandbox(codegen_agent, codegen_client, codegen_sandbox, async_codegen_client):
    assert codegen_agent.run("Hello", repository="owner/repo").wait(poll_interval=0.05, timeout=30).result
    assert codegen_agent.client is codegen_client
    assert [(run.prompt, run.repo_id) for run in codegen_sandbox.runs] == [("Hello", 107)]
    assert codegen_sandbox.base_url.startswith("http://127.0.0.1:")
    assert len({codegen_client.create_agent_run(323, "x").id for _ in range(12)}) == 12, "nothing waits for a limit"


def test_with_the_clock_everything_is_on_it(codegen_clock, async_codegen_client, codegen_sandbox):
    codegen_sandbox.script(seconds=3600, times=2)

    async def use():
        run = await async_codegen_client.create_agent_run(323, "Take an hour")
        return (await async_codegen_client.wait_for_completion(323, run.id, poll_interval=900)).result

    for hours in (1, 2):
        assert asyncio.run(use()) == "Done: Take an hour", "each test may have a loop of its own"
        assert codegen_clock.monotonic() >= hours * 3600


def test_the_entry_point_offers_the_fixtures_which_close_their_clients_and_cost_other_tests_nothing(tmp_path):
    (tmp_path / "test_users.py").write_text(
        "import sys\n"
        "kept = []\n"
        "def test_other():\n"
        "    assert not {'httpx', 'codegen_api'} & set(sys.modules)\n"
        "def test_use(codegen_client, async_codegen_client, codegen_agent, codegen_clock, codegen_sandbox):\n"
        "    kept.extend([codegen_client, async_codegen_client])\n"
        "def test_closed():\n"
        "    assert [client.session.is_closed for client in kept] == [True, True]\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "codegen", "-p", "no:cacheprovider", str(tmp_path)]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # the others take seconds to import
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=env)
    assert "3 passed" in done.stdout, done.stdout + done.stderr
