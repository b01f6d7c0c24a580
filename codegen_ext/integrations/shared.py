"""One client for an application whose requests run in threads."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..client import CodegenClient
from ..config import ClientConfig


class SharedClient:
    """Makes a client when it is first asked for, and after it was closed another one; shared by threads."""

    def __init__(self, configure: Callable[[], ClientConfig]) -> None:
        self._configure = configure
        self._lock = threading.Lock()
        self._client: CodegenClient | None = None

    def get(self) -> CodegenClient:
        """Return the client; raise ConfigurationError without a token, or when a setting is wrong."""
        with self._lock:
            if self._client is None:
                self._client = CodegenClient(self._configure())
            return self._client

    def close(self) -> None:
        """Close the client, if there is one."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()
