"""The low-level client of the services in openapi.yaml; written by `make generate`.

`ChatServerClient` and `AsyncChatServerClient` perform the operations of the chatserver service over bare httpx.
`Client` and `AsyncClient` perform the operations of the codegen service over bare httpx.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._async.client import AsyncChatServerClient as AsyncChatServerClient
    from ._async.client import AsyncClient as AsyncClient
    from ._sync.client import ChatServerClient as ChatServerClient
    from ._sync.client import Client as Client

__all__ = (
    "AsyncChatServerClient",
    "ChatServerClient",
    "AsyncClient",
    "Client",
)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"._{'async' if name.startswith('Async') else 'sync'}.client", __name__), name)
