"""One client for an application whose requests run in threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from .. import _fork
from .._sync.client import CodegenClient

if TYPE_CHECKING:
    from ..webhooks import WebhookHandler


class SharedClient:
    """A client that is made when first asked for, and again after it was closed; shared by threads."""

    def __init__(self, make: Callable[[], CodegenClient]) -> None:
        self._make = make
        self._client: CodegenClient | None = None
        self._handlers: list[WebhookHandler] = []
        self.after_fork()
        _fork.register(self)

    def after_fork(self) -> None:
        """Replace the lock; the client itself can be used on in the child."""
        self._lock = threading.Lock()

    def get(self) -> CodegenClient:
        """Return the client; raises ConfigurationError without a token, or when a setting is wrong."""
        with self._lock:
            if self._client is None:
                self._client = self._make()
                for handler in self._handlers:
                    handler.add_client(self._client)
            return self._client

    def notified_by(self, handler: WebhookHandler) -> None:
        """Let the events of a webhook handler end the waits of the client."""
        with self._lock:
            self._handlers.append(handler)
            if self._client is not None:
                handler.add_client(self._client)

    def close(self) -> None:
        """Close the client, if there is one."""
        with self._lock:
            client, self._client = self._client, None
            if client is not None:
                for handler in self._handlers:
                    handler.remove_client(client)
                client.close()
