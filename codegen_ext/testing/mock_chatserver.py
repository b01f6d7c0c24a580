"""The mock clients of a ChatServer."""

from typing import ClassVar

from codegen_ext.chatserver import AsyncChatServerClient, ChatServerClient
from codegen_ext.clock import Clock

from .clock import FakeClock
from .mock import MOCK_SETTINGS, MOCK_TOKEN, MOCK_URL, Mocking


class ChatServerMocking(Mocking):
    """The names of a ChatServer's operations, and the constructor of both clients."""

    _mock_service: ClassVar = "chatserver"
    _mock_names: ClassVar = {"create_completion": "create_chat_completion"}

    def __init__(self, *, clock: Clock | None = None) -> None:
        clock = clock or FakeClock()
        settings = {"clock": clock, "transport": self._mock_transport(clock), **MOCK_SETTINGS}
        super().__init__(MOCK_TOKEN, MOCK_URL, **settings)  # type: ignore[call-arg] # that of the client


class MockChatServerClient(ChatServerMocking, ChatServerClient):
    """A `ChatServerClient` without a server: as `MockCodegenClient`; a completion is streamed to those who ask for it.

    Waiting takes no time unless a `clock` is given.
    """


class AsyncMockChatServerClient(ChatServerMocking, AsyncChatServerClient):
    """An `AsyncChatServerClient` without a server; see `MockChatServerClient`."""
