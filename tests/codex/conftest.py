"""The real CLI against a service on loopback; starting it takes half a second, so most tests share a server."""

import asyncio
from contextlib import ExitStack
from pathlib import Path

import pytest

from codegen_ext import AsyncCodexClient, CodexClient

from ..support.blocking import Blocking
from ..support.programs import require_codex
from .responses import Responses, say

KEY = "sk-SECRET-codex-0123456789-SECRET"
HI = [{"role": "user", "content": "hi"}]


def text(completion):
    return completion.choices[0].message.content


def content(chunks):
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


def stat_of(pid):
    """Return state, parent, group and so on of a process; nothing where it has ended or is a zombie."""
    try:
        found = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
    return found if found[0] != "Z" else []


def is_running(pid):
    return stat_of(pid) != []


def environment_of(pid):
    pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def script(path, code):
    """Write a shell script that takes the place of the CLI."""
    path.write_text(f"#!/bin/sh\n{code}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture(scope="session")
def codex():
    return require_codex()


@pytest.fixture(scope="session")
def lasting_service():
    with Responses() as service:
        yield service


@pytest.fixture
def service(lasting_service):
    """The service, which says hello until it is told what else to answer."""
    lasting_service.reset(say("Hello", " there", "."))
    return lasting_service


@pytest.fixture(scope="session")
def plain(lasting_service, codex, tmp_path_factory):
    """The settings of a client of the service."""
    where = {"codex_path": codex, "base_url": lasting_service.base_url, "working_dir": tmp_path_factory.mktemp("work")}
    return {"api_key": KEY, "model": "gpt-5", "max_retries": 1, "sandbox_mode": "danger-full-access", **where}


@pytest.fixture
def build(service, plain):
    """Build clients of the service, closed after the test; `kind` replaces CodexClient, None a default."""
    with ExitStack() as stack:

        def make(kind=CodexClient, **settings):
            client = kind(**{name: value for name, value in {**plain, **settings}.items() if value is not None})
            stack.callback(client.close if isinstance(client, CodexClient) else lambda: asyncio.run(client.close()))
            return client

        yield make


@pytest.fixture(scope="session")
def lasting_clients(plain):
    with asyncio.Runner() as runner, CodexClient(**plain) as client:
        clients = {"sync": client, "async": Blocking(AsyncCodexClient(**plain), runner)}
        for one in clients.values():
            assert one.models.list().data  # which starts the server
        yield clients
        clients["async"].close()


@pytest.fixture(params=["sync", "async"])
def each_client(request, lasting_clients, service):
    """A client of each kind whose server is running already, for what suspends, is cancelled, or ends early."""
    return lasting_clients[request.param]


@pytest.fixture
def client(lasting_clients, service):
    """The sync one alone."""
    return lasting_clients["sync"]


def create(client, content="hi", **options):
    """Ask a client of either kind for a completion."""
    return client.chat.completions.create(**{"messages": [{"role": "user", "content": content}], **options})


def user(*parts):
    return {"role": "user", "content": [*parts]}


def image(url, **more):
    return {"type": "image_url", "image_url": {"url": url, **more}}
