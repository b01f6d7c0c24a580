"""A Django application, in one file, that starts agent runs and hears when they end.

CODEGEN_API_TOKEN, CODEGEN_ORG_ID and CODEGEN_WEBHOOK_SECRET must be set; then
`python examples/django_app.py runserver --noreload`.
"""

import os
import sys
from collections.abc import Mapping
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from codegen_ext import WebhookHandler
from codegen_ext.webhooks import AnyRun

urlpatterns: list[Any] = []


def configure(webhook_secret: str | None, codegen: Mapping[str, Any] | None = None) -> None:
    """Configure Django; a project has these lines in settings.py and urls.py."""
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1", "localhost"],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=["codegen_ext.integrations.django.CodegenApp"],
        CODEGEN_CONFIG={"timeout": 30, **(codegen or {})},
    )
    django.setup()
    urlpatterns.extend(routes(webhook_secret))


def routes(webhook_secret: str | None) -> list[Any]:
    """Return the views with their paths."""
    # Importable only once the settings are there.
    from codegen_ext.integrations.django import get_codegen_client, webhook_view

    handler = WebhookHandler(webhook_secret)
    finished: dict[int, str] = {}

    @handler.on("agent_run.*")
    def note(payload: AnyRun) -> None:
        if payload["status"].is_terminal:
            finished[payload["id"]] = payload["error"] or payload["result"] or ""

    @csrf_exempt
    def agent_runs(request: HttpRequest, org_id: int) -> JsonResponse:
        client = get_codegen_client()
        if request.method == "POST":
            metadata = {"webhook_url": request.POST.get("webhook_url")}
            return JsonResponse(client.create_agent_run(org_id, request.POST["prompt"], metadata=metadata).dict())
        return JsonResponse({"runs": [run.dict() for run in client.list_agent_runs(org_id).items]})

    def get_finished(_: HttpRequest) -> JsonResponse:
        return JsonResponse(finished)

    return [
        path("agent-runs/<int:org_id>", agent_runs),
        path("finished", get_finished),
        path("webhooks/codegen", webhook_view(handler)),
    ]


def create_app(webhook_secret: str | None, codegen: Mapping[str, Any] | None = None) -> WSGIHandler:
    """Return the application for a WSGI server."""
    configure(webhook_secret, codegen)
    return get_wsgi_application()


if __name__ == "__main__":
    configure(os.environ.get("CODEGEN_WEBHOOK_SECRET"))
    execute_from_command_line(sys.argv)
