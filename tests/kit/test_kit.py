# ruff: noqa: PT009 - users of unittest write so
"""The names of the kit and what the page on testing lists, its test case of unittest, and its fixtures."""

import asyncio
import os
import subprocess
import sys

import pytest

import codegen_ext.testing
from codegen_ext import CodegenClient
from codegen_ext.chatserver import ChatServerClient
from codegen_ext.testing import (
    AsyncMockChatServerClient,
    AsyncMockCodegenClient,
    CodegenTestCase,
    MockChatServerClient,
    MockCodegenClient,
    pytest_plugin,
)

from ..docs.pages import ROOT, table

PAGE = ROOT / "docs" / "testing.md"


def public(kind):
    return {name for name in dir(kind) if not name.startswith("_")}


def test_what_there_is_is_listed():
    assert dir(codegen_ext.testing) == codegen_ext.testing.__all__
    with pytest.raises(AttributeError, match="Nothing"):
        codegen_ext.testing.Nothing  # noqa: B018
    own = public(MockCodegenClient) - public(CodegenClient)
    assert {row["Mock client"].name.partition("(")[0] for row in table(PAGE, "Mock client")} == own
    assert own <= public(AsyncMockCodegenClient) & public(AsyncMockChatServerClient)
    assert own == public(MockChatServerClient) - public(ChatServerClient)
    fixtures = {name for name in vars(pytest_plugin) if "codegen" in name}
    assert {row["Fixture"].name for row in table(PAGE, "Fixture")} == fixtures


def test_each_test_case_has_a_client_of_its_own_which_is_closed():
    seen = []

    class Case(CodegenTestCase):
        def setUp(self):
            """Without super()."""

        def test_it(self):
            seen.append(self.client)
            self.assertEqual(self.client.create_agent_run(323, "test").status, "pending")
            self.mock_response("create_agent_run", {"status": "running"})

    assert all(Case("test_it").run().wasSuccessful() for _ in range(2))
    assert seen[0] is not seen[1]
    assert all(client.session.is_closed for client in seen)


def test_with_the_clock_all_are_on_it(codegen_clock, codegen_sandbox, codegen_client, async_codegen_client):
    assert len({codegen_client.create_agent_run(323, "x").id for _ in range(12)}) == 12
    assert codegen_clock.slept == [], "nothing waits for a limit"
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
        "def test_use(codegen_client, async_codegen_client, codegen_agent, codegen_sandbox):\n"
        "    assert codegen_agent.client is codegen_client\n"
        "    assert codegen_agent.run('Hello').wait(poll_interval=0.05, timeout=30).result\n"
        "    assert [run.prompt for run in codegen_sandbox.runs] == ['Hello']\n"
        "    kept.extend([codegen_client, async_codegen_client])\n"
        "def test_closed():\n"
        "    assert [client.session.is_closed for client in kept] == [True, True]\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "codegen", "-p", "no:cacheprovider", str(tmp_path)]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # the others take seconds to import
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=env)
    assert "3 passed" in done.stdout, done.stdout + done.stderr
