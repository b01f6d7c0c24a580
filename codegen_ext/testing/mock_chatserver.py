"""The mock clients of a ChatServer."""

from typing import ClassVar

from codegen_ext.chatserver import AsyncChatServerClient, ChatServerClient
from codegen_ext.clock import Clock

from .mock import Mocking


class ChatServerMocking(Mocking):
    """What both share."""

    _other_names: ClassVar = {"create_completion": "create_chat_completion"}


class MockChatServerClient(ChatServerMocking, ChatServerClient):
    """A `ChatServerClient` without a server: as `MockCodegenClient`; a completion is streamed to those who ask for it.

    Waiting takes no time unless a `clock` is given.
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        # What the ChatServer's clients read from the environment is not for a mock.
        super(ChatServerClient, self).__init__(**self._mocked(None, clock))


class AsyncMockChatServerClient(ChatServerMocking, AsyncChatServerClient):
    """An `AsyncChatServerClient` without a server; see `MockChatServerClient`."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        super(AsyncChatServerClient, self).__init__(**self._mocked(None, clock))
