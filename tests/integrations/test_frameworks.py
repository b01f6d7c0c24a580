"""FastAPI, Flask and Django: the example applications over HTTP, whose client a request gets, and when it is closed."""

import asyncio
import gc
import importlib
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext
from typing import Annotated

import pytest
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.test import RequestFactory, override_settings
from fastapi import Depends, FastAPI
from flask import Flask
from starlette.requests import HTTPConnection

import codegen_ext
from codegen_ext import (
    AsyncCodegenClient,
    ClientConfig,
    CodegenClient,
    ConfigurationError,
    MissingExtraError,
    WebhookHandler,
    get_async_codegen_client,
    get_codegen_client,
)
from codegen_ext.integrations import django, fastapi, flask
from codegen_ext.testing import Sandbox, webhook_call
from examples import django_app, fastapi_app, flask_app

from ..support import serving
from ..support.calls import attempts, fill
from ..support.serving import ask
from ..support.waiting import until

SECRET = "a-secret-of-the-examples"
DATA = {"id": 1, "organization_id": 323, "status": "COMPLETE", "result": "told"}


@pytest.fixture
def sandbox(monkeypatch):
    """The sandbox that the environment names, on the machine's clock."""
    with Sandbox(rate_limits=False, run_seconds=0, webhook_secret=SECRET) as running:
        monkeypatch.setenv("CODEGEN_API_TOKEN", running.token)
        monkeypatch.setenv("CODEGEN_ORG_ID", str(running.org_id))
        monkeypatch.setenv("CODEGEN_BASE_URL", running.base_url)
        yield running


def django_application():
    """The example; a process configures Django once, perhaps in another test."""
    if not settings.configured:
        django_app.configure(SECRET)
    django_app.urlpatterns[:] = django_app.routes(SECRET)
    return get_wsgi_application()


EXAMPLES = {
    "fastapi": lambda: serving.asgi(fastapi_app.create_app(SECRET)),
    "flask": lambda: serving.wsgi(flask_app.create_app(SECRET)),
    "django": lambda: serving.wsgi(django_application()),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_creates_runs_and_hears_how_they_ended(name, sandbox):
    with EXAMPLES[name]() as address:
        url = f"{address}/webhooks/codegen"
        assert ask("GET", f"{address}/agent-runs/323").json() == {"runs": []}
        created = []
        for prompt in ("Fix the bug", "Upgrade [[outcome=failed result='No such version']]"):
            fields = {"prompt": prompt, "webhook_url": url}
            created.append(ask("POST", f"{address}/agent-runs/323", params=fields, data=fields).json()["id"])
        runs = ask("GET", f"{address}/agent-runs/323").json()["runs"]
        assert [run["id"] for run in runs] == created[::-1]
        finished = dict(zip(map(str, created), ("Done: Fix the bug", "No such version"), strict=True))
        until(lambda: ask("GET", f"{address}/finished").json() == finished)
        until(lambda: {delivery.status for delivery in sandbox.deliveries} == {200})
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
    django.close_codegen_client()


def fastapi_of(use, **options):
    """Return an application that answers what a call with its client of a kind returns."""
    app = FastAPI(**options)

    @app.get("/sync")
    def sync(client: Annotated[CodegenClient, Depends(get_codegen_client)]):
        return use(client).dict()

    @app.get("/async")
    async def not_sync(client: Annotated[AsyncCodegenClient, Depends(get_async_codegen_client)]):
        return (await use(client)).dict()

    return app


def test_fastapi_has_one_client_of_each_kind_for_a_lifespan(sandbox, monkeypatch):
    clients = []

    def use(client):
        clients.append(client)
        return client.get_current_user()

    inner = fastapi_of(use)

    @asynccontextmanager
    async def lifespan(app):
        async with fastapi.codegen_clients(app), fastapi.codegen_clients(inner):
            yield

    outer = fastapi_of(use, lifespan=lifespan)
    outer.mount("/inner", inner)
    plain = fastapi_of(use)
    configured = fastapi_of(use, lifespan=fastapi.codegen_lifespan(ClientConfig(api_token=sandbox.token)))
    for app, paths in ((plain, ("/sync", "/async") * 2), (plain, ("/sync",)), (outer, ("/inner/sync", "/async"))):
        with serving.asgi(app) as address:
            assert {ask("GET", address + path).json()["github_username"] for path in paths} == {"octocat"}
            assert not any(client.session.is_closed for client in clients[-len(paths) :])
        assert all(client.session.is_closed for client in clients)
    assert len(set(map(id, clients))) == 2 + 1 + 2
    monkeypatch.delenv("CODEGEN_API_TOKEN")
    with serving.asgi(configured) as address:
        assert ask("GET", address + "/sync").status_code == 200


def test_what_a_fastapi_application_lacks_is_found_when_it_is_built_or_started():
    with pytest.raises(ConfigurationError, match="CODEGEN_API_TOKEN"):
        fastapi.codegen_lifespan()
    with pytest.raises(ConfigurationError, match="timeout"):
        fastapi.codegen_lifespan(ClientConfig(api_token="x", timeout=-1))
    with pytest.raises(ConfigurationError, match="CODEGEN_API_TOKEN"):
        asyncio.run(fastapi.codegen_clients(FastAPI()).__aenter__())
    for app, problem in ((FastAPI(lifespan=nullcontext), r"enter codegen_clients\(app\)"), (FastAPI(), "API_TOKEN")):
        with pytest.raises(ConfigurationError, match=problem):
            asyncio.run(get_async_codegen_client(HTTPConnection({"type": "http", "app": app})))


def test_fastapis_route_wakes_waits(sandbox):
    app = fastapi_of(lambda client: client.wait_for_completion(323, 1, poll_interval=3_600))
    fastapi.add_webhook_route(app, "/hooks", WebhookHandler(SECRET))
    with serving.asgi(app) as address, ThreadPoolExecutor(2) as pool:
        fill(sandbox, 1, "[[outcome=never]]")
        waits = [pool.submit(ask, "GET", f"{address}/{kind}") for kind in ("sync", "async")]
        until(lambda: attempts(sandbox, "get_agent_run") == 2)
        body, headers = webhook_call(SECRET, "agent_run.completed", DATA)
        assert ask("POST", f"{address}/hooks", content=body, headers=headers).status_code == 200
        assert [wait.result(30).json()["result"] for wait in waits] == ["told"] * 2


@pytest.fixture
def told(monkeypatch):
    """What webhooks told the clients."""
    told = []
    monkeypatch.setattr(CodegenClient, "notify_run", lambda client, run: told.append(run))
    return told


def test_flask_has_one_client_for_an_application_and_its_route_notifies_it(sandbox, told):
    app, other, handler = Flask("one"), Flask("other"), WebhookHandler(SECRET)
    app.config["CODEGEN_CONFIG"] = {"timeout": 7}
    extension = flask.Codegen(app)
    with pytest.raises(ConfigurationError, match=r"call Codegen\(app\)"):
        extension.add_webhook_route(other, "/hooks", handler)
    extension.init_app(other)
    with app.app_context():
        client = extension.client
        extension.add_webhook_route(app, "/hooks", handler)
        assert extension.client is client
        assert client.config.timeout == 7
        body, headers = webhook_call(SECRET, "agent_run.completed", DATA)
        assert app.test_client().post("/hooks", data=body, headers=headers).status_code == 200
        assert told == [DATA]
        extension.close()
        assert client.session.is_closed
        handler.handle_request(*webhook_call(SECRET, "agent_run.completed", DATA))
        assert told == [DATA], "a closed client is forgotten"
        assert extension.client is not client
        kept = extension.client
    with other.app_context():
        assert extension.client is not kept
        extension.close()
    del app
    gc.collect()
    assert kept.session.is_closed, "it ends with its application"
    other.config["CODEGEN_CONFIG"] = {"time_out": 7}
    with pytest.raises(ConfigurationError, match="did you mean timeout"):
        flask.Codegen(other)
    with Flask("bare").app_context(), pytest.raises(ConfigurationError, match=r"call Codegen\(app\)"):
        _ = extension.client


def test_django_has_one_client_for_the_process_and_its_view_notifies_it(sandbox, told):
    django_application()
    app = django.CodegenApp("codegen_ext.integrations.django", django)
    view = django.webhook_view(WebhookHandler(SECRET))
    assert view.csrf_exempt
    body, headers = webhook_call(SECRET, "agent_run.completed", DATA)
    with override_settings(ALLOWED_HOSTS=["testserver"], CODEGEN_CONFIG={"timeout": 7, "org_id": 323}):
        app.ready()
        client = django.get_codegen_client()
        assert (client.config.timeout, client.config.org_id) == (7, "323")
        assert django.get_codegen_client() is client
        assert view(RequestFactory().post("/", body, "application/json", headers=headers)).status_code == 200
        assert told == [DATA]
        django.close_codegen_client()
        assert client.session.is_closed
        assert django.get_codegen_client() is not client
        django.close_codegen_client()
    with override_settings(CODEGEN_CONFIG={"tokne": "x"}), pytest.raises(ConfigurationError, match="tokne"):
        app.ready()


def test_a_framework_that_is_missing_is_named(monkeypatch):
    assert not {"get_codegen_client", "get_async_codegen_client"} & set(codegen_ext.__all__)
    for name in ("FastAPI", "Flask", "Django", "Celery"):
        for loaded in [name.lower(), *sys.modules]:
            if loaded.partition(".")[0] == name.lower():
                monkeypatch.setitem(sys.modules, loaded, None)
        monkeypatch.delitem(sys.modules, f"codegen_ext.integrations.{name.lower()}", raising=False)
        with pytest.raises(MissingExtraError, match=rf"{name} needs an extra: .*'codegen-sdk\[{name.lower()}\]'"):
            importlib.import_module(f"codegen_ext.integrations.{name.lower()}")
