"""Clients of the ChatServer: its operations as methods, completions also as a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codegen_api.facade.chatserver import ChatServerOperations
from codegen_api.facade.chatserver_async import AsyncChatServerOperations

from ..async_base import AsyncClient
from ..base import BaseClient
from ..clock import Clock
from ..config import ClientConfig
from ..sync_base import SyncClient

if TYPE_CHECKING:
    from codegen_api.facade.chatserver_async_raw import AsyncRawChatServerOperations
    from codegen_api.facade.chatserver_raw import RawChatServerOperations

DEFAULT_BASE_URL = "http://localhost:3284"


class _ChatServerBase(BaseClient):
    _service = "chatserver"

    def _check(self) -> None:
        self.config.validate(needs_token=False)


def _arguments(
    api_key: str | None, base_url: str, timeout: float, transport: Any, clock: Clock | None
) -> dict[str, Any]:
    config = ClientConfig(api_token=api_key or "", org_id="", base_url=base_url, timeout=timeout, transport=transport)
    return {"config": config, **({} if clock is None else {"clock": clock})}


class ChatServerClient(_ChatServerBase, SyncClient, ChatServerOperations):
    """Every operation of a ChatServer as a method; may be shared by threads.

    Args:
        api_key: Travels as a bearer token; without one no header is sent.
        base_url: Address of the server.
        timeout: Seconds for each attempt.
        transport: An httpx transport instead of the network.
        clock: Where time comes from.

    """

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str = DEFAULT_BASE_URL,
        timeout: float = 30,
        *,
        transport: Any = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(**_arguments(api_key, base_url, timeout, transport, clock))

    @property
    def with_raw_response(self) -> RawChatServerOperations:
        """The same operations, each returning status, headers and body with the model in `parsed`."""
        from ..raw import RawChatServer

        return RawChatServer(self)


class AsyncChatServerClient(_ChatServerBase, AsyncClient, AsyncChatServerOperations):
    """`ChatServerClient` for asyncio: the same names, awaitable, and streams as async iterators."""

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str = DEFAULT_BASE_URL,
        timeout: float = 30,
        *,
        transport: Any = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(**_arguments(api_key, base_url, timeout, transport, clock))

    @property
    def with_raw_response(self) -> AsyncRawChatServerOperations:
        """The same operations, each returning status, headers and body with the model in `parsed`."""
        from ..raw import AsyncRawChatServer

        return AsyncRawChatServer(self)
