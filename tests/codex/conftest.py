"""The real CLI against a service on loopback; starting it takes half a second, so most tests share a server."""

import asyncio
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from codegen_ext import AsyncCodexClient, CodexClient

from ..support.blocking import Blocking
from ..support.codex_cli import require_codex
from .responses import Responses, say

KEY = "sk-SECRET-codex-0123456789-SECRET"
HI: Any = [{"role": "user", "content": "hi"}]


def text(completion: Any) -> str:
    content: str = completion.choices[0].message.content
    return content


def content(chunks: Any) -> str:
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


def wait_for(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def in_background(function: Callable[..., Any], **arguments: Any) -> "Future[Any]":
    """Call a function in a thread that holds up nothing when the test fails."""
    future: Future[Any] = Future()

    def work() -> None:
        try:
            future.set_result(function(**arguments))
        except BaseException as error:  # noqa: BLE001 - raised where the result is taken
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future


def status_of(pid: int) -> tuple[str, int, int]:
    """Return the state of a process, its parent and its group; it is a zombie, or none, in state Z."""
    try:
        state, parent, group = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:3]
    except OSError:
        return "Z", 0, 0
    return state, int(parent), int(group)


def is_running(pid: int) -> bool:
    return status_of(pid)[0] != "Z"


def processes(*, parent: int | None = None, group: int | None = None) -> list[int]:
    """Return the running processes with this parent, or of this process group."""
    found = {int(entry.name): status_of(int(entry.name)) for entry in Path("/proc").glob("[0-9]*")}
    return sorted(pid for pid, (state, *of) in found.items() if state != "Z" and (of[0] == parent or of[1] == group))


def pid_of(client: Any) -> int:
    """Return the process id of the server, which has to run."""
    assert client.server_pid is not None
    return int(client.server_pid)


def environment_of(pid: int | None) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def script(path: Path, code: str) -> str:
    """Write a shell script that takes the place of the CLI; it says the version that the tests use."""
    version = 'if [ "$1" = --version ]; then echo codex-cli 0.169.0; exit; fi\n'
    path.write_text(f"#!/bin/sh\n{version}{code}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture(scope="session")
def codex() -> str:
    return require_codex()


@pytest.fixture(params=["flat", "global", "shim"])
def installation(request: pytest.FixtureRequest, codex: str, tmp_path: Path) -> str:
    """The CLI as npm installs it in a folder, as `npm install -g` does, and behind a script that stays between."""
    if request.param == "flat":
        return codex
    if request.param == "shim":
        return script(tmp_path / "codex", f'"{codex}" "$@"; exit $?')
    scope = Path(codex).resolve().parents[2]
    package = tmp_path / "lib/node_modules/@openai/codex"
    shutil.copytree(scope / "codex", package, ignore=shutil.ignore_patterns("node_modules"))
    (package / "node_modules/@openai").mkdir(parents=True)
    for native in scope.glob("codex-*"):
        (package / "node_modules/@openai" / native.name).symlink_to(native)
    launcher = tmp_path / "bin/codex"
    launcher.parent.mkdir()
    launcher.symlink_to("../lib/node_modules/@openai/codex/bin/codex.js")
    return str(launcher)


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
    return service.reset


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture
def build(service: Responses, codex: str, folder: Path) -> Iterator[Callable[..., Any]]:
    """Build clients of the service, closed after the test; `kind` replaces CodexClient."""
    with ExitStack() as stack:

        def make(kind: Any = CodexClient, **settings: Any) -> Any:
            plain = {"codex_path": codex, "base_url": service.base_url, "working_dir": folder, "model": "gpt-5"}
            client = kind(**{"api_key": KEY, "max_retries": 1, **plain, **settings})
            stack.callback(client.close if isinstance(client, CodexClient) else lambda: asyncio.run(client.close()))
            return client

        yield make


@pytest.fixture(scope="session")
def lasting_clients(lasting_service: Responses, codex: str, folder: Path) -> Iterator[dict[str, Any]]:
    plain = {"codex_path": codex, "base_url": lasting_service.base_url, "working_dir": folder, "model": "gpt-5"}
    settings = {"api_key": KEY, "max_retries": 1, "sandbox_mode": "danger-full-access", **plain}
    with asyncio.Runner() as runner, CodexClient(**settings) as client:
        asynchronous = AsyncCodexClient(**settings)
        yield {"sync": client, "async": Blocking(asynchronous, runner)}
        runner.run(asynchronous.close())


@pytest.fixture
def client(lasting_clients: dict[str, Any], service: Responses) -> CodexClient:
    """A client whose server is running already."""
    found: CodexClient = lasting_clients["sync"]
    return found


@pytest.fixture(params=["sync", "async"])
def each_client(request: pytest.FixtureRequest, lasting_clients: dict[str, Any], service: Responses) -> Any:
    """A client of each kind, for what suspends, is cancelled, or ends early."""
    return lasting_clients[request.param]


def asking(client: Any) -> Callable[..., Any]:
    return lambda content="hi", **options: client.chat.completions.create(
        messages=[{"role": "user", "content": content}], **options
    )


@pytest.fixture
def ask(client: CodexClient) -> Callable[..., Any]:
    """Ask for a completion."""
    return asking(client)


@pytest.fixture
def ask_each(each_client: Any) -> Callable[..., Any]:
    """Ask the client of each kind for a completion."""
    return asking(each_client)
