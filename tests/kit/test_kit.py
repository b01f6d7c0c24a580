# ruff: noqa: PT009 - users of unittest write so
"""The names of the kit and what the page on testing lists, its clock, and its test case of unittest."""

import asyncio
import unittest

import pytest

import codegen_ext.testing
from codegen_ext import CodegenClient
from codegen_ext.chatserver import ChatServerClient
from codegen_ext.testing import (
    AsyncMockChatServerClient,
    AsyncMockCodegenClient,
    CodegenTestCase,
    FakeClock,
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


def test_a_fake_clock_moves_when_told():
    clock = FakeClock(start=100)
    clock.advance(1.5)
    clock.sleep(2)
    asyncio.run(clock.sleep_async(0.5))
    assert (clock.time(), clock.monotonic(), clock.slept) == (104, 4, [2, 0.5])


def test_each_test_case_has_a_client_of_its_own_which_is_closed():
    seen = []

    class Case(CodegenTestCase):
        def setUp(self):
            """Without super()."""

        def test_one(self):
            self.mock_response("create_agent_run", {"status": "running"})
            seen.append(self.client)

        def test_two(self):
            self.assertEqual(self.client.create_agent_run(323, "test").status, "pending")
            seen.append(self.client)

    result = unittest.defaultTestLoader.loadTestsFromTestCase(Case).run(unittest.TestResult())
    assert (result.testsRun, result.failures, result.errors) == (2, [], [])
    assert seen[0] is not seen[1]
    assert all(client.session.is_closed for client in seen)
