"""Each example application is started and called over HTTP, and hears from the sandbox how a run ended."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from django.conf import settings as django_settings
from django.test import override_settings
from standardwebhooks.webhooks import Webhook

from codegen_ext.testing import Sandbox

from ..support import serving
from ..support.waiting import until
from .conftest import SECRET, load


@contextmanager
def fastapi_app() -> Iterator[str]:
    with serving.asgi(load("fastapi_app").create_app(SECRET)) as address:
        yield address


@contextmanager
def flask_app() -> Iterator[str]:
    example = load("flask_app")
    app = example.create_app(SECRET)
    with serving.wsgi(app) as address:
        yield address
    with app.app_context():
        example.codegen.close()


@contextmanager
def django_app() -> Iterator[str]:
    from django.core.wsgi import get_wsgi_application

    example = load("django_app")
    if django_settings.configured:
        example.urlpatterns[:] = example.routes(SECRET)
        app = get_wsgi_application()
    else:
        app = example.create_app(SECRET)
    from codegen_ext.integrations.django import close_codegen_client

    with override_settings(CODEGEN_CONFIG={"timeout": 30}):
        try:
            with serving.wsgi(app) as address:
                yield address
        finally:
            close_codegen_client()


@pytest.fixture(params=[fastapi_app, flask_app, django_app])
def address(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[str]:
    with request.param() as address:
        yield address


def create(address: str, prompt: str) -> dict[str, Any]:
    """Start a run whose end is reported to the same application."""
    fields = {"prompt": prompt, "webhook_url": f"{address}/webhooks/codegen"}
    answer = httpx.post(f"{address}/agent-runs/323", params=fields, data=fields)
    assert answer.status_code == 200, answer.text
    created: dict[str, Any] = answer.json()
    return created


def test_an_application(address: str, sandbox: Sandbox) -> None:
    assert httpx.get(f"{address}/agent-runs/323").json() == {"runs": []}
    first, second = (
        create(address, "Fix the bug"),
        create(address, "Upgrade [[outcome=failed result='No such version']]"),
    )
    runs = httpx.get(f"{address}/agent-runs/323").json()["runs"]
    assert [run["id"] for run in runs] == [second["id"], first["id"]]
    expected = {str(first["id"]): "Done: Fix the bug", str(second["id"]): "No such version"}
    until(lambda: httpx.get(f"{address}/finished").json() == expected)
    until(lambda: {delivery.status for delivery in sandbox.deliveries} == {200})


def test_the_route_of_the_webhooks(address: str) -> None:
    url = f"{address}/webhooks/codegen"
    assert httpx.get(url).status_code == 405
    assert httpx.post(url, content=b"{}").json()["error"] == "headers"
    body = json.dumps({"type": "agent_run.completed", "data": {"id": 9, "result": "ok"}}).encode()
    now = datetime.now(UTC)
    headers = {
        "webhook-id": "msg_9",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET.encode()).sign("msg_9", now, body.decode()),
        "content-type": "application/json",
    }
    forged = httpx.post(url, content=body[:-1], headers=headers)
    assert (forged.status_code, forged.json()["error"]) == (401, "signature")
    assert httpx.post(url, content=b"x" * 1_048_577, headers=headers).status_code == 413
    answer = httpx.post(url, content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"status": "accepted"})
    again = httpx.post(url, content=body, headers=headers)
    assert (again.status_code, again.json()) == (200, {"status": "duplicate"})
    assert httpx.get(f"{address}/finished").json() == {"9": "ok"}
