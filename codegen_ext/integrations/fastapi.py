"""FastAPI: one client of each kind for an application's lifespan, and a route that takes webhook calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from .._async.client import AsyncCodegenClient
from .._sync.client import CodegenClient
from ..config import ClientConfig
from ..errors import ConfigurationError, needs_extra

with needs_extra("fastapi", "FastAPI"):
    from fastapi import FastAPI
    from starlette.requests import HTTPConnection
    from starlette.routing import Route

if TYPE_CHECKING:
    from ..webhooks import WebhookHandler

C = TypeVar("C", CodegenClient, AsyncCodegenClient)


class _Clients:
    """The clients of an application, made when first asked for, and the webhook handlers that end their waits."""

    def __init__(self) -> None:
        self.config: ClientConfig | None = None
        self.is_open = False
        self._handlers: list[WebhookHandler] = []
        self._made: dict[type, Any] = {}

    def get(self, kind: type[C]) -> C:
        if kind not in self._made:
            self._made[kind] = kind(self.config)
            for handler in self._handlers:
                handler.add_client(self._made[kind])
        client: C = self._made[kind]
        return client

    def notified_by(self, handler: WebhookHandler) -> None:
        self._handlers.append(handler)
        for client in self._made.values():
            handler.add_client(client)

    async def close(self) -> None:
        self.is_open = False
        made, self._made = self._made, {}
        for client in made.values():
            for handler in self._handlers:
                handler.remove_client(client)
        if CodegenClient in made:
            made[CodegenClient].close()
        if AsyncCodegenClient in made:
            await made[AsyncCodegenClient].close()


def _clients_of(app: FastAPI) -> _Clients:
    if not hasattr(app.state, "codegen_clients"):
        app.state.codegen_clients = _Clients()
    clients: _Clients = app.state.codegen_clients
    return clients


@asynccontextmanager
async def codegen_clients(app: FastAPI, config: ClientConfig | None = None) -> AsyncIterator[None]:
    """Let an application's requests share clients, which are closed at the end; for use within a lifespan.

    Without `config`, the clients read the environment.

    Raises:
        ConfigurationError: without a token, or when a setting is wrong.

    """
    clients = _clients_of(app)
    clients.config = _checked(config)
    clients.is_open = True
    try:
        yield
    finally:
        await clients.close()


def codegen_lifespan(config: ClientConfig | None = None) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return a lifespan: `FastAPI(lifespan=codegen_lifespan(config))`; within one's own, use `codegen_clients`.

    Raises:
        ConfigurationError: without a token, or when a setting is wrong.

    """
    checked = _checked(config)
    return lambda app: codegen_clients(app, checked)


async def get_codegen_client(connection: HTTPConnection) -> CodegenClient:
    """Return the application's client: `client: CodegenClient = Depends(get_codegen_client)`.

    Raises:
        ConfigurationError: without a token, or when the application has a lifespan without `codegen_clients`.

    """
    return _open_clients_of(connection.app).get(CodegenClient)


async def get_async_codegen_client(connection: HTTPConnection) -> AsyncCodegenClient:
    """Return the application's async client; as `get_codegen_client`."""
    return _open_clients_of(connection.app).get(AsyncCodegenClient)


def add_webhook_route(app: FastAPI, path: str, handler: WebhookHandler) -> None:
    """Take webhook calls at a path, by POST; an event ends the waits of the application's clients for its run."""
    _clients_of(app).notified_by(handler)
    app.router.routes.append(Route(path, handler.asgi_app(), methods=["POST"]))


def _open_clients_of(app: FastAPI) -> _Clients:
    clients = _clients_of(app)
    if not clients.is_open:
        # FastAPI's own lifespan calls what is registered here; another one would leave the clients open.
        if type(app.router.lifespan_context).__name__ != "_DefaultLifespan":
            raise ConfigurationError(
                "this application has a lifespan of its own: enter codegen_clients(app) there, which closes clients"
            )
        clients.is_open = True
        app.router.on_shutdown.append(clients.close)
    return clients


def _checked(config: ClientConfig | None) -> ClientConfig:
    settings = ClientConfig.of(config, {})
    settings.validate()
    return settings
