"""Each example application is started and called over HTTP, and hears from the sandbox how a run ended."""

from contextlib import contextmanager

import pytest
from django.conf import settings as django_settings
from django.test import override_settings

from codegen_ext.testing import webhook_call

from ..support import serving
from ..support.serving import ask
from ..support.waiting import until
from .conftest import SECRET, load


@contextmanager
def fastapi_app():
    with serving.asgi(load("fastapi_app").create_app(SECRET)) as address:
        yield address


@contextmanager
def flask_app():
    example = load("flask_app")
    app = example.create_app(SECRET)
    with serving.wsgi(app) as address:
        yield address
    with app.app_context():
        example.codegen.close()


@contextmanager
def django_app():
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
def address(request, sandbox):
    with request.param() as address:
        yield address


def create(address, prompt):
    """Start a run whose end is reported to the same application."""
    fields = {"prompt": prompt, "webhook_url": f"{address}/webhooks/codegen"}
    answer = ask("POST", f"{address}/agent-runs/323", params=fields, data=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_application(address, sandbox):
    assert ask("GET", f"{address}/agent-runs/323").json() == {"runs": []}
    first = create(address, "Fix the bug")
    second = create(address, "Upgrade [[outcome=failed result='No such version']]")
    runs = ask("GET", f"{address}/agent-runs/323").json()["runs"]
    assert [run["id"] for run in runs] == [second["id"], first["id"]]
    finished = {str(first["id"]): "Done: Fix the bug", str(second["id"]): "No such version"}
    until(lambda: ask("GET", f"{address}/finished").json() == finished)
    until(lambda: {delivery.status for delivery in sandbox.deliveries} == {200})
    url = f"{address}/webhooks/codegen"
    body, headers = webhook_call(SECRET, "agent_run.completed", {"id": 9, "result": "ok"})
    assert ask("GET", url).status_code == 405
    for content, status, said in (
        (body[:-1], 401, {"error": "signature"}),
        (b"x" * 1_048_577, 413, {"error": "oversized"}),
        (body, 200, {"status": "accepted"}),
        (body, 200, {"status": "duplicate"}),
    ):
        answer = ask("POST", url, content=content, headers=headers)
        assert answer.status_code == status
        assert said.items() <= answer.json().items()
    assert ask("GET", f"{address}/finished").json() == {**finished, "9": "ok"}
