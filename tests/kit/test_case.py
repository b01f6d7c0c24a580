# ruff: noqa: PT009 - users of unittest write so
"""The test case of unittest."""

import unittest

import pytest

from codegen_ext.testing import CodegenTestCase, MockCodegenClient


def run(case: type[unittest.TestCase]) -> unittest.TestResult:
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    return result


def test_each_test_has_a_client_of_its_own_which_is_closed() -> None:
    seen: list[MockCodegenClient] = []

    class Case(CodegenTestCase):
        def setUp(self) -> None:
            """Without super()."""

        def test_one(self) -> None:
            self.mock_response("create_agent_run", {"status": "running"})
            self.assertEqual(self.client.create_agent_run(323, "test").status, "running")
            self.assertIs(self.client, self.client)
            seen.append(self.client)

        def test_two(self) -> None:
            self.assertEqual(self.client.create_agent_run(323, "test").status, "pending")
            self.assertEqual(len(self.client.calls), 1)
            seen.append(self.client)
            self.fail("on purpose")

    result = run(Case)
    assert (result.testsRun, len(result.failures), result.errors) == (2, 1, [])
    assert seen[0] is not seen[1]
    assert all(client.session.is_closed for client in seen)
    assert run(CodegenTestCase).testsRun == 0, "it is no test itself"
    with pytest.raises(AttributeError):
        _ = CodegenTestCase.client.calls  # type: ignore[attr-defined]
