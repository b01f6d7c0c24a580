"""Flask: an extension with one client for an application, and a route that takes webhook calls."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from .._sync.client import CodegenClient
from ..config import ClientConfig
from ..errors import ConfigurationError, needs_extra
from ..webhooks.apps import answer
from .shared import SharedClients

with needs_extra("flask", "Flask"):
    from flask import Flask, current_app, request

if TYPE_CHECKING:
    from ..webhooks import WebhookHandler


class Codegen:
    """Flask extension: `codegen = Codegen(app)`, or `Codegen()` and `init_app` later.

    Settings are the mapping `app.config["CODEGEN_CONFIG"]`, and the environment for what it leaves out. The client is
    made when first asked for, shared by threads, and closed when the application or the interpreter ends.
    """

    def __init__(self, app: Flask | None = None) -> None:
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Add the extension to an application.

        Raises:
            ConfigurationError: for a setting that does not exist.

        """
        config = ClientConfig.from_settings(app.config.get("CODEGEN_CONFIG", {}))
        shared = SharedClients(lambda kind: kind(config))
        app.extensions["codegen"] = shared
        weakref.finalize(app, shared.close)

    @property
    def client(self) -> CodegenClient:
        """Client of the current application; raises ConfigurationError without a token."""
        return _shared(current_app).get(CodegenClient)

    def close(self) -> None:
        """Close the client of the current application; the next use makes another."""
        _shared(current_app).close()

    def add_webhook_route(self, app: Flask, path: str, handler: WebhookHandler) -> None:
        """Take webhook calls at a path, by POST; an event ends the waits of the application's client for its run."""
        _shared(app).notified_by(handler)

        def codegen_webhook() -> Any:
            # Read no more than the handler would look at.
            body = request.stream.read(handler.max_body_bytes + 1)
            status, content = answer(handler, body, request.headers)
            return content, status

        app.add_url_rule(path, f"codegen_webhook:{path}", codegen_webhook, methods=["POST"])


def _shared(app: Flask) -> SharedClients:
    shared: SharedClients | None = app.extensions.get("codegen")
    if shared is None:
        raise ConfigurationError("this application lacks the extension: call Codegen(app)")
    return shared
