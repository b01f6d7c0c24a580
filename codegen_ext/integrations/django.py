"""Django: an app that checks `CODEGEN_CONFIG`, one client for the process, and a view that takes webhook calls.

INSTALLED_APPS = ["codegen_ext.integrations.django.CodegenApp"]
"""

from __future__ import annotations

import atexit
from collections.abc import Callable
from typing import TYPE_CHECKING

from .._sync.client import CodegenClient
from ..config import ClientConfig
from ..errors import needs_extra
from ..webhooks.apps import answer
from .shared import SharedClients

with needs_extra("django", "Django"):
    from django.apps import AppConfig
    from django.conf import settings
    from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse

if TYPE_CHECKING:
    from ..webhooks import WebhookHandler


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
    return _shared.get(CodegenClient)


def close_codegen_client() -> None:
    """Close the client of this process; the next use makes another."""
    _shared.close()


def webhook_view(handler: WebhookHandler) -> Callable[[HttpRequest], HttpResponse]:
    """Return a view that takes webhook calls by POST; an event ends the waits of this process's client for its run.

    It needs no CSRF token, because the signature proves where a call comes from.
    """
    _shared.notified_by(handler)

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


_shared = SharedClients(lambda kind: kind(_config()))
atexit.register(_shared.close)
