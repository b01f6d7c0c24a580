"""A test case of unittest whose client needs no service."""

import unittest

from .mock import MockCodegenClient, MockResponse


class CodegenTestCase(unittest.TestCase):
    """Gives each test a `MockCodegenClient` of its own as `self.client`, closed after the test."""

    _client: MockCodegenClient | None = None

    @property
    def client(self) -> MockCodegenClient:
        """The client of this test, made when first used, so that a `setUp` of one's own needs no `super()`."""
        if self._client is None:
            self._client = MockCodegenClient()
            self.addCleanup(self._client.close)
        return self._client

    def mock_response(self, name: str, response: MockResponse | None) -> None:
        """Let an operation answer with `response`; as `MockCodegenClient.set_mock_response`."""
        self.client.set_mock_response(name, response)
