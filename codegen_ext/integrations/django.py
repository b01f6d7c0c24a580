"""Django: an app that checks `CODEGEN_CONFIG`, one client for the process, and a view that takes webhook calls.

INSTALLED_APPS = ["codegen_ext.integrations.django.CodegenApp"]
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..client import CodegenClient
from ..config import ClientConfig
from ..errors import ConfigurationError
from ..webhooks.mounting import answer

try:
    from django.apps import AppConfig
    from django.conf import settings
    from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
except ImportError as error:
    raise ConfigurationError(f"Django needs an extra: pip install 'codegen-sdk[django]' ({error})") from error

if TYPE_CHECKING:
    from ..webhooks import WebhookHandler

_lock = threading.Lock()
_client: CodegenClient | None = None


class CodegenApp(AppConfig):  # type: ignore[misc] # Django is not typed
    """Checks `settings.CODEGEN_CONFIG` at start: raises ConfigurationError for a setting that does not exist."""

    name = "codegen_ext.integrations.django"
    label = "codegen"
    verbose_name = "Codegen"

    def ready(self) -> None:
        """Read the settings, so that a wrong name stops the start and not the first request."""
        _config()


def get_codegen_client() -> CodegenClient:
    """Return the client of this process, made from `settings.CODEGEN_CONFIG` and the environment; closed at its end.

    Raises:
        ConfigurationError: without a token, or when a setting is wrong.

    """
    global _client  # noqa: PLW0603 - a process has one
    with _lock:
        if _client is None:
            _client = CodegenClient(_config())
            atexit.register(close_codegen_client)
        return _client


def close_codegen_client() -> None:
    """Close the client of this process; the next use makes another."""
    global _client
    with _lock:
        client, _client = _client, None
    if client is not None:
        atexit.unregister(close_codegen_client)
        client.close()


def webhook_view(handler: WebhookHandler) -> Callable[[HttpRequest], HttpResponse]:
    """Return a view that takes webhook calls by POST; a signature takes the place of Django's token against forgery."""

    def codegen_webhook(request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        body = request.read(handler.max_body_bytes + 1)
        status, content = answer(handler, body, request.headers)
        return JsonResponse(content, status=status)

    codegen_webhook.csrf_exempt = True  # type: ignore[attr-defined]
    return codegen_webhook


def _config() -> ClientConfig:
    return ClientConfig.from_settings(getattr(settings, "CODEGEN_CONFIG", {}))
