# ruff: noqa: PT009, PT027 - users of unittest write so
"""The test case of unittest."""

import unittest

import pytest

from codegen_ext import ClientConfig, ValidationError
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

        def test_wrong(self) -> None:
            with self.assertRaises(ValidationError):
                self.mock_response("get_agent_run", {"id": "x"})

        def test_with_a_client_of_ones_own(self) -> None:
            self.client = MockCodegenClient(ClientConfig(api_token="any", timeout=3))
            self.addCleanup(self.client.close)
            self.mock_response("get_current_user", {"email": "a@example.com"})
            self.assertEqual(self.client.get_current_user().email, "a@example.com")

    result = run(Case)
    assert (result.testsRun, len(result.failures), result.errors) == (4, 1, [])
    assert seen[0] is not seen[1]
    assert all(client.session.is_closed for client in seen)


def test_it_is_no_test_itself() -> None:
    assert run(CodegenTestCase).testsRun == 0
    with pytest.raises(AttributeError):
        _ = CodegenTestCase.client.calls  # type: ignore[attr-defined]
