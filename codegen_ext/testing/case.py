"""A test case of unittest whose client needs no service."""

import unittest
from functools import cached_property

from .mock import MockCodegenClient
from .sandbox.responses import MockResponse


class CodegenTestCase(unittest.TestCase):
    """Gives each test a `MockCodegenClient` of its own as `self.client`, closed after the test."""

    @cached_property
    def client(self) -> MockCodegenClient:
        """The client of this test, made when first used, so that a `setUp` needs no `super()`."""
        client = MockCodegenClient()
        self.addCleanup(client.close)
        return client

    def mock_response(self, name: str, response: MockResponse | None) -> None:
        """Let an operation answer with `response`; as `MockCodegenClient.set_mock_response`."""
        self.client.set_mock_response(name, response)
