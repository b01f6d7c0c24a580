"""The clients of an application whose requests share them."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from .. import _fork

if TYPE_CHECKING:
    from ..webhooks import WebhookHandler

C = TypeVar("C")


class SharedClients:
    """A client of each kind that is made when first asked for, and again after it was closed; shared by threads."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make
        self._made: dict[type, Any] = {}
        self._handlers: list[WebhookHandler] = []
        self.after_fork()
        _fork.register(self)

    def after_fork(self) -> None:
        """Replace the lock; the clients themselves can be used on in the child."""
        self._lock = threading.Lock()

    def get(self, kind: type[C]) -> C:
        """Return the client of a kind; raises ConfigurationError without a token, or when a setting is wrong."""
        with self._lock:
            if kind not in self._made:
                self._made[kind] = self._make(kind)
                for handler in self._handlers:
                    handler.add_client(self._made[kind])
            client: C = self._made[kind]
            return client

    def notified_by(self, handler: WebhookHandler) -> None:
        """Let the events of a webhook handler end the waits of the clients."""
        with self._lock:
            self._handlers.append(handler)
            for client in self._made.values():
                handler.add_client(client)

    def close(self) -> None:
        """Close the sync client, if there is one."""
        for client in self._forget():
            client.close()

    async def close_async(self) -> None:
        """Close the clients that there are."""
        for client in self._forget():
            closing = client.close()
            if inspect.isawaitable(closing):
                await closing

    def _forget(self) -> list[Any]:
        with self._lock:
            made, self._made = list(self._made.values()), {}
            for client in made:
                for handler in self._handlers:
                    handler.remove_client(client)
            return made
