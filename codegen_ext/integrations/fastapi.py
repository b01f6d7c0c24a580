"""FastAPI: one client of each kind for an application's lifespan, and a route that takes webhook calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from .._async.client import AsyncCodegenClient
from .._sync.client import CodegenClient
from ..errors import ConfigurationError, MissingExtraError

try:
    from fastapi import FastAPI
    from starlette.requests import HTTPConnection
    from starlette.routing import Route
except ImportError as error:
    raise MissingExtraError(f"FastAPI needs an extra: pip install 'codegen-sdk[fastapi]' ({error})") from error

if TYPE_CHECKING:
    from ..config import ClientConfig
    from ..webhooks import WebhookHandler

C = TypeVar("C", CodegenClient, AsyncCodegenClient)
_STATE = "codegen_clients"
_HANDLERS = "codegen_webhook_handlers"


class _Clients:
    """The clients of one application, made when first asked for."""

    def __init__(self, config: ClientConfig | None, handlers: list[WebhookHandler]) -> None:
        self._config = config
        self._handlers = handlers
        self.made: dict[type, Any] = {}

    def get(self, kind: type[C]) -> C:
        if kind not in self.made:
            self.made[kind] = kind(self._config)
            for handler in self._handlers:
                handler.add_client(self.made[kind])
        client: C = self.made[kind]
        return client

    async def close(self) -> None:
        made, self.made = self.made, {}
        for client in made.values():
            for handler in self._handlers:
                handler.remove_client(client)
        if CodegenClient in made:
            made[CodegenClient].close()
        if AsyncCodegenClient in made:
            await made[AsyncCodegenClient].close()


def _handlers_of(app: FastAPI) -> list[WebhookHandler]:
    """Return the webhook handlers that have a route in an application."""
    if not hasattr(app.state, _HANDLERS):
        setattr(app.state, _HANDLERS, [])
    handlers: list[WebhookHandler] = getattr(app.state, _HANDLERS)
    return handlers


@asynccontextmanager
async def codegen_clients(app: FastAPI, config: ClientConfig | None = None) -> AsyncIterator[None]:
    """Let an application's requests share clients, which are closed at the end; for use within a lifespan.

    Without `config`, the clients read the environment.
    """
    clients = _Clients(config, _handlers_of(app))
    setattr(app.state, _STATE, clients)
    try:
        yield
    finally:
        delattr(app.state, _STATE)
        await clients.close()


def codegen_lifespan(config: ClientConfig | None = None) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return a lifespan: `FastAPI(lifespan=codegen_lifespan(config))`; within one's own, use `codegen_clients`."""
    return lambda app: codegen_clients(app, config)


async def get_codegen_client(connection: HTTPConnection) -> CodegenClient:
    """Return the application's client: `client: CodegenClient = Depends(get_codegen_client)`.

    Raises:
        ConfigurationError: without a token, or when the application has a lifespan without `codegen_clients`.

    """
    return _clients_of(connection.app).get(CodegenClient)


async def get_async_codegen_client(connection: HTTPConnection) -> AsyncCodegenClient:
    """Return the application's async client; as `get_codegen_client`."""
    return _clients_of(connection.app).get(AsyncCodegenClient)


def _clients_of(app: FastAPI) -> _Clients:
    clients: _Clients | None = getattr(app.state, _STATE, None)
    if clients is None:
        # FastAPI's own lifespan calls what is registered here; another one would leave the clients open.
        if type(app.router.lifespan_context).__name__ != "_DefaultLifespan":
            raise ConfigurationError(
                "this application has a lifespan of its own: enter codegen_clients(app) there, which closes clients"
            )
        clients = _Clients(None, _handlers_of(app))
        setattr(app.state, _STATE, clients)
        app.router.on_shutdown.append(clients.close)
    return clients


def add_webhook_route(app: FastAPI, path: str, handler: WebhookHandler) -> None:
    """Take webhook calls at a path, by POST; an event ends the waits of the application's clients for its run."""
    _handlers_of(app).append(handler)
    clients: _Clients | None = getattr(app.state, _STATE, None)
    for client in clients.made.values() if clients else ():
        handler.add_client(client)
    app.router.routes.append(Route(path, handler.asgi_app(), methods=["POST"]))
