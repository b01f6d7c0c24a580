"""FastAPI: one client of each kind for an application's lifespan, and a route that takes webhook calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

from .._async.client import AsyncCodegenClient
from .._sync.client import CodegenClient
from ..config import ClientConfig
from ..errors import ConfigurationError, needs_extra
from .shared import SharedClients

with needs_extra("fastapi", "FastAPI"):
    from fastapi import FastAPI
    from starlette.requests import HTTPConnection
    from starlette.routing import Route

if TYPE_CHECKING:
    from ..webhooks import WebhookHandler


class _Clients(SharedClients):
    """The clients of an application and their settings."""

    def __init__(self) -> None:
        super().__init__(lambda kind: kind(self.config))
        self.config: ClientConfig | None = None
        self.is_open = False

    async def close_async(self) -> None:
        self.is_open = False
        await super().close_async()


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
        await clients.close_async()


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
        app.router.on_shutdown.append(clients.close_async)
    return clients


def _checked(config: ClientConfig | None) -> ClientConfig:
    settings = ClientConfig.of(config, {})
    settings.validate()
    return settings
