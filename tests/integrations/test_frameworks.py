"""The helpers themselves: whose client it is, and when it is closed."""

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from django.conf import settings
from django.test import RequestFactory, override_settings
from fastapi import Depends, FastAPI
from flask import Flask

import codegen_ext
from codegen_ext import (
    AsyncCodegenClient,
    ClientConfig,
    CodegenClient,
    ConfigurationError,
    WebhookHandler,
    get_async_codegen_client,
    get_codegen_client,
)
from codegen_ext.integrations import django, fastapi, flask
from codegen_ext.testing import Sandbox, webhook_call

from ..support import serving
from ..support.waiting import until
from .conftest import SECRET, load


def fastapi_app(clients: list[Any], **options: Any) -> FastAPI:
    app = FastAPI(**options)

    @app.get("/sync")
    def sync(client: Annotated[CodegenClient, Depends(get_codegen_client)]) -> str | None:
        clients.append(client)
        return client.get_current_user().github_username

    @app.get("/async")
    async def not_sync(client: Annotated[AsyncCodegenClient, Depends(get_async_codegen_client)]) -> str | None:
        clients.append(client)
        return (await client.get_current_user()).github_username

    return app


def test_fastapi_has_one_client_of_each_kind_for_a_lifespan(sandbox: Sandbox) -> None:
    clients: list[Any] = []
    app = fastapi_app(clients)
    for _ in range(2):
        with serving.asgi(app) as address:
            for path in ("/sync", "/async", "/sync", "/async"):
                assert httpx.get(address + path).json() == "octocat"
            assert not any(client.session.is_closed for client in clients[-4:])
        assert all(client.session.is_closed for client in clients)
    assert len(set(map(id, clients))) == 4


def test_fastapi_with_a_configuration(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CODEGEN_API_TOKEN")
    clients: list[Any] = []
    config = ClientConfig(api_token=sandbox.token)
    with serving.asgi(fastapi_app(clients, lifespan=fastapi.codegen_lifespan(config))) as address:
        assert {httpx.get(address + path).json() for path in ("/sync", "/async")} == {"octocat"}
    assert all(client.session.is_closed for client in clients)


def test_fastapi_with_a_lifespan_of_its_own(sandbox: Sandbox) -> None:
    clients: list[Any] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with fastapi.codegen_clients(app):
            yield

    with serving.asgi(fastapi_app(clients, lifespan=lifespan)) as address:
        assert httpx.get(address + "/sync").json() == "octocat"
    assert clients[0].session.is_closed

    @asynccontextmanager
    async def bare(app: FastAPI) -> AsyncIterator[None]:
        yield

    app = fastapi_app([], lifespan=bare)
    with pytest.raises(ConfigurationError, match=r"enter codegen_clients\(app\)"):
        asyncio.run(get_codegen_client(httpx_connection(app)))


def test_fastapi_with_a_mounted_application(sandbox: Sandbox) -> None:
    clients: list[Any] = []
    inner = fastapi_app(clients)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with fastapi.codegen_clients(app), fastapi.codegen_clients(inner):
            yield

    app = fastapi_app(clients, lifespan=lifespan)
    app.mount("/inner", inner)
    with serving.asgi(app) as address:
        assert {httpx.get(address + path).json() for path in ("/sync", "/inner/sync")} == {"octocat"}
    assert [client.session.is_closed for client in clients] == [True, True]


def httpx_connection(app: FastAPI) -> Any:
    from starlette.requests import HTTPConnection

    return HTTPConnection({"type": "http", "app": app})


def test_fastapi_without_a_token() -> None:
    with pytest.raises(ConfigurationError, match="CODEGEN_API_TOKEN"):
        asyncio.run(get_async_codegen_client(httpx_connection(FastAPI())))


def test_flask_shares_a_client_and_closes_it(sandbox: Sandbox) -> None:
    app, other = Flask("one"), Flask("other")
    extension = flask.Codegen(app)
    extension.init_app(other)
    with app.app_context():
        client = extension.client
        assert extension.client is client
        found: list[CodegenClient] = []

        def look(app: Flask) -> None:
            with app.app_context():
                found.append(extension.client)

        thread = threading.Thread(target=look, args=(app,))
        thread.start()
        thread.join()
        del thread
        assert found == [client]
        extension.close()
        assert client.session.is_closed
        extension.close()
        assert extension.client is not client
        kept = extension.client
    with other.app_context():
        assert extension.client is not kept
        extension.close()
    del app
    gc.collect()
    assert kept.session.is_closed, "it ends with its application"


def test_flask_settings(sandbox: Sandbox) -> None:
    app = Flask("one")
    app.config["CODEGEN_CONFIG"] = {"timeout": 7}
    extension = flask.Codegen(app)
    with app.app_context():
        assert extension.client.config.timeout == 7
        extension.close()
    app.config["CODEGEN_CONFIG"] = {"time_out": 7}
    with pytest.raises(ConfigurationError, match="did you mean timeout"):
        flask.Codegen(app)
    with Flask("bare").app_context(), pytest.raises(ConfigurationError, match=r"call Codegen\(app\)"):
        _ = extension.client


@pytest.fixture
def django_settings() -> Any:
    if not settings.configured:
        load("django_app").configure(SECRET)
    with override_settings(ALLOWED_HOSTS=["testserver"]):
        yield settings
    django.close_codegen_client()


def test_django_has_one_client_for_the_process(django_settings: Any, sandbox: Sandbox) -> None:
    with override_settings(CODEGEN_CONFIG={"timeout": 7, "org_id": 323}):
        client = django.get_codegen_client()
        assert (client.config.timeout, client.config.org_id) == (7, "323")
        assert django.get_codegen_client() is client
        django.close_codegen_client()
        assert client.session.is_closed
        assert django.get_codegen_client() is not client


def test_django_checks_its_settings_at_start(django_settings: Any) -> None:
    app = django.CodegenApp("codegen_ext.integrations.django", django)
    with override_settings(CODEGEN_CONFIG={"tokne": "x"}), pytest.raises(ConfigurationError, match="tokne"):
        app.ready()
    with override_settings(CODEGEN_CONFIG={"api_token": "x"}):
        app.ready()


def test_a_client_of_djangos_settings(django_settings: Any, sandbox: Sandbox) -> None:
    with (
        override_settings(CODEGEN_CONFIG={"api_token": sandbox.token, "org_id": 323, "timeout": 30}),
        CodegenClient.from_settings(settings.CODEGEN_CONFIG) as client,
    ):
        assert client.create_agent_run(settings.CODEGEN_CONFIG["org_id"], "Hello").id == 1


def test_djangos_view_needs_no_token_against_forgery(django_settings: Any) -> None:
    view = django.webhook_view(WebhookHandler(SECRET))
    assert view.csrf_exempt  # type: ignore[attr-defined]
    assert view(RequestFactory().get("/")).status_code == 405
    assert view(RequestFactory().post("/", b"{}", "application/json")).status_code == 400


def ended(number: int) -> dict[str, Any]:
    """Return the arguments of a request that reports that a run has ended."""
    data = {"id": number, "organization_id": 323, "status": "COMPLETE", "result": "told"}
    body, headers = webhook_call(SECRET, "agent_run.completed", data)
    return {"content": body, "headers": headers}


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_fastapis_route_wakes_waits(kind: str, sandbox: Sandbox) -> None:
    app, waiting = FastAPI(), threading.Event()
    fastapi.add_webhook_route(app, "/hooks", WebhookHandler(SECRET))

    @app.get("/sync")
    def sync(client: Annotated[CodegenClient, Depends(get_codegen_client)]) -> str | None:
        waiting.set()
        return client.wait_for_completion(323, 1, poll_interval=3_600).result

    @app.get("/async")
    async def not_sync(client: Annotated[AsyncCodegenClient, Depends(get_async_codegen_client)]) -> str | None:
        waiting.set()
        return (await client.wait_for_completion(323, 1, poll_interval=3_600)).result

    told: list[str] = []
    with CodegenClient() as client, serving.asgi(app) as address:
        client.create_agent_run(323, "Hello [[outcome=never]]")
        thread = threading.Thread(target=lambda: told.append(httpx.get(f"{address}/{kind}", timeout=60).json()))
        thread.start()
        waiting.wait(30)
        until(lambda: any(request.operation == "get_agent_run" for request in sandbox.requests))
        assert httpx.post(f"{address}/hooks", **ended(1)).status_code == 200
        thread.join(30)
    assert told == ["told"]


def test_flasks_and_djangos_routes_wake_waits(sandbox: Sandbox, django_settings: Any) -> None:
    app, handler = Flask("one"), WebhookHandler(SECRET)
    extension = flask.Codegen(app)
    extension.add_webhook_route(app, "/hooks", handler)
    view = django.webhook_view(handler)
    with app.app_context(), override_settings(CODEGEN_CONFIG={}):
        clients = [extension.client, django.get_codegen_client()]
        runs = [client.create_agent_run(323, "Hello [[outcome=never]]").id for client in clients]
        told: list[str | None] = []

        def wait(client: CodegenClient, number: int) -> None:
            told.append(client.wait_for_completion(323, number, poll_interval=3_600).result)

        threads = [threading.Thread(target=wait, args=pair) for pair in zip(clients, runs, strict=True)]
        for thread in threads:
            thread.start()
        until(lambda: sum(request.method == "GET" for request in sandbox.requests) >= 2)
        for number in runs:
            call = ended(number)
            headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in call["headers"].items()}
            assert view(RequestFactory().post("/", call["content"], "application/json", **headers)).status_code == 200
        for thread in threads:
            thread.join(30)
        assert told == ["told", "told"]
        extension.close()
    with Flask("bare").app_context(), pytest.raises(ConfigurationError, match=r"call Codegen\(app\)"):
        extension.add_webhook_route(Flask("bare"), "/hooks", handler)


@pytest.mark.parametrize("name", ["fastapi", "flask", "django"])
def test_a_missing_framework_is_named(name: str) -> None:
    code = (
        f"import sys; sys.modules[{name!r}] = None\n"
        "from codegen_ext import *\n"
        f"from codegen_ext.errors import ConfigurationError\n"
        "try:\n"
        f"    import codegen_ext.integrations.{name}\n"
        "except ConfigurationError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"codegen-sdk[{name}]" in done.stdout


def test_the_frameworks_are_not_imported_unasked() -> None:
    code = (
        "import sys, codegen_ext\n"
        "from codegen_ext import *\n"
        "from codegen_ext.webhooks import WebhookHandler\n"
        "WebhookHandler('x').asgi_app(), WebhookHandler('x').wsgi_app()\n"
        "print({'fastapi', 'flask', 'django', 'starlette', 'redis'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    assert not {"get_codegen_client", "get_async_codegen_client"} & set(codegen_ext.__all__)
