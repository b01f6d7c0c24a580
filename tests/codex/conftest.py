"""The real CLI against a service on loopback; starting it takes half a second, so most tests share a server."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from codegen_ext import AsyncCodexClient, CodexClient
from codegen_ext.codex.streams import AsyncStream

from ..support.blocking import Blocking
from ..support.codex_cli import require_codex
from .responses import Chooser, Responses, say

KEY = "sk-SECRET-codex-0123456789-SECRET"


class BlockingStream:
    """An async stream as a sync one."""

    def __init__(self, stream: AsyncStream[Any, Any], runner: asyncio.Runner) -> None:
        self._stream = stream
        self._runner = runner

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            return self._runner.run(self._stream.__anext__())
        except StopAsyncIteration:
            raise StopIteration from None

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def result(self) -> Any:
        return self._runner.run(self._stream.result())

    def close(self) -> None:
        self._runner.run(self._stream.close())


class BlockingCodex(Blocking):
    """The async client as if it were the sync one."""

    def _settle(self, value: Any) -> Any:
        return BlockingStream(value, self._runner) if isinstance(value, AsyncStream) else super()._settle(value)


@pytest.fixture(autouse=True)
def no_outside_settings(environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("CODEX_", "OPENAI_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def codex() -> str:
    return require_codex()


@pytest.fixture(scope="session")
def lasting_service() -> Iterator[Responses]:
    with Responses() as service:
        yield service


@pytest.fixture
def service(lasting_service: Responses) -> Responses:
    """The service, which says hello until it is told what else to answer."""
    lasting_service.reset(say("Hello", " there", "."))
    return lasting_service


@pytest.fixture
def answer(service: Responses) -> Callable[..., None]:
    """Set the answers; the last one repeats."""

    def change(*answers: Chooser) -> None:
        service.reset(*answers)

    return change


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture
def build(service: Responses, codex: str, folder: Path) -> Iterator[Callable[..., Any]]:
    """Build sync clients of the service, closed after the test; `kind` takes the place of CodexClient."""
    with ExitStack() as stack:

        def make(kind: Any = CodexClient, **settings: Any) -> Any:
            plain = {"codex_path": codex, "base_url": service.base_url, "working_dir": folder, "model": "gpt-5"}
            client = kind(**{"api_key": KEY, "max_retries": 1, **plain, **settings})
            stack.callback(client._core.supervisor.close)
            return client

        yield make


@pytest.fixture(scope="session")
def lasting_clients(lasting_service: Responses, codex: str, folder: Path) -> Iterator[dict[str, Any]]:
    plain = {"codex_path": codex, "base_url": lasting_service.base_url, "working_dir": folder, "model": "gpt-5"}
    settings = {"api_key": KEY, "max_retries": 1, "sandbox_mode": "danger-full-access", **plain}
    with asyncio.Runner() as runner, CodexClient(**settings) as client:
        asynchronous = AsyncCodexClient(**settings)
        yield {"sync": client, "async": BlockingCodex(asynchronous, runner)}
        runner.run(asynchronous.close())


@pytest.fixture(params=["sync", "async"])
def client(request: pytest.FixtureRequest, lasting_clients: dict[str, Any], service: Responses) -> Any:
    """A client of each kind whose server is running already."""
    return lasting_clients[request.param]


@pytest.fixture
def sync_client(lasting_clients: dict[str, Any], service: Responses) -> CodexClient:
    """For long tables of what both kinds share to the letter."""
    return lasting_clients["sync"]


@pytest.fixture
def ask(client: Any) -> Callable[..., Any]:
    """Ask the client of each kind for a completion."""
    return lambda content="hi", **options: client.chat.completions.create(
        messages=[{"role": "user", "content": content}], **options
    )
