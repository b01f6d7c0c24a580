"""Codex as a provider: the real CLI against a service on loopback that speaks the Responses API."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from codegen_ext import AsyncCodexClient, CodexClient
from codegen_ext.providers import (
    AIProviderError,
    ProviderAuthenticationError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from codegen_ext.testing import FakeClock

from ..codex.responses import WAIT, Answer, Responses, created, message, refuse, say
from ..conftest import Flavour
from ..support.codex_cli import require_codex
from .conftest import KEY, Build

Client = CodexClient | AsyncCodexClient
NEXT, RAISED, EFFECT = "the next one answers", "the error is raised", "the error is raised, and there may be an effect"


class Row(NamedTuple):
    """What the service answers the CLI, and what comes of it."""

    name: str
    outcome: str
    error: type[AIProviderError]
    answer: Answer
    settings: dict[str, Any] = {}  # noqa: RUF012
    had: str | None = None
    """What a stream had yielded; None without one."""


CUT, HANGS = Answer([created(), *[*message("Par", "tial")][:-1]]), Answer([created(), *message("Par", WAIT)])
SHORT, WRITES = {"timeout": 0.5}, {"sandbox_mode": "workspace-write"}
ROWS = [
    Row("refused", NEXT, ProviderAuthenticationError, refuse(401)),
    Row("down", NEXT, ProviderUnavailableError, refuse(500)),
    Row("cut", NEXT, ProviderUnavailableError, CUT),
    Row("hangs", NEXT, ProviderTimeoutError, HANGS, SHORT),
    Row("bad request", RAISED, AIProviderError, refuse(400)),
    Row("unknown model", NEXT, AIProviderError, refuse(404, "model_not_found")),
    Row("stream refused", NEXT, ProviderAuthenticationError, refuse(401), {}, ""),
    Row("stream cut", RAISED, ProviderUnavailableError, CUT, {}, "Partial"),
    Row("stream hangs", RAISED, ProviderTimeoutError, HANGS, SHORT, "Par"),
    Row("writes and is refused", EFFECT, ProviderAuthenticationError, refuse(401), WRITES),
    Row("writes and is cut", EFFECT, ProviderUnavailableError, CUT, WRITES),
]


@pytest.fixture(scope="module")
def codex() -> str:
    return require_codex()


@pytest.fixture(scope="module")
def responses() -> Iterator[Responses]:
    with Responses() as service:
        yield service


@pytest.fixture(scope="module")
def lasting_clients(
    codex: str, responses: Responses, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[CodexClient, AsyncCodexClient]]:
    folder = tmp_path_factory.mktemp("work")
    settings = {"codex_path": codex, "base_url": responses.base_url, "working_dir": folder, "model": "gpt-5"}
    plain = CodexClient(api_key=KEY, max_retries=0, **settings)  # type: ignore[arg-type]
    awaited = AsyncCodexClient(api_key=KEY, max_retries=0, **settings)  # type: ignore[arg-type]
    with plain:
        yield plain, awaited
        asyncio.run(awaited.close())


@pytest.fixture
def lasting_client(lasting_clients: tuple[CodexClient, AsyncCodexClient], flavour: Flavour) -> Client:
    """The CLI lasts for all tests, each client has one."""
    return lasting_clients[flavour.is_async]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_hand_over(
    row: Row, chain: Build, options: dict[str, Any], responses: Responses, lasting_client: Client
) -> None:
    responses.reset(row.answer)
    options["codex"] = {"client": lasting_client, "timeout": 60, **row.settings}
    client = chain("codex", "chatserver")

    def ask() -> Any:
        if row.had is None:
            return client.generate_response("Hi")
        stream = client.stream_response("Hi")
        list(stream)
        return stream.response

    if row.outcome == NEXT:
        response = ask()
        assert (response.provider_name, response.content) == ("chatserver", "Echo: Hi")
        assert [entry["outcome"] for entry in response.metadata["tried"]] == [row.error.__name__]
        return
    with pytest.raises(AIProviderError) as caught:
        ask()
    error = caught.value
    assert (type(error), error.may_have_effect, error.partial) == (row.error, row.outcome == EFFECT, row.had or "")


def test_a_missing_cli_hands_over(make: Build, options: dict[str, Any], tmp_path: Path) -> None:
    chosen = {"clock": options["clock"], "chatserver": options["chatserver"]}
    codex = {"api_key": KEY, "codex_path": str(tmp_path / "codex"), "sandbox_mode": "workspace-write"}
    response = make(codex=codex, **chosen).generate_response("Hi")
    assert response.provider_name == "chatserver"
    problem = "needs the Codex CLI: npm install -g @openai/codex"
    assert response.metadata["tried"][-1] == {"provider": "codex", "outcome": "skipped", "reason": problem}


def test_a_validation_takes_no_longer_than_it_may(make: Build, lasting_client: Client, clock: FakeClock) -> None:
    """The CLI has stopped, and its client would wait for ten minutes."""
    assert make("codex", clock=clock, client=lasting_client).get_available_models()
    provider = make("codex", clock=clock, client=lasting_client, timeout=0.2)
    cli = lasting_client.server_pid
    assert cli is not None
    os.kill(cli, signal.SIGSTOP)
    try:
        assert "no answer in time" in provider.validation_error()
    finally:
        os.kill(cli, signal.SIGCONT)


def test_answers_and_streams(make: Build, codex: str, responses: Responses, tmp_path: Path, clock: FakeClock) -> None:
    responses.reset(say("Hello", " there"))
    settings = {"codex_path": codex, "base_url": responses.base_url, "working_dir": tmp_path, "model": "gpt-5"}
    provider = make("codex", clock=clock, api_key=KEY, max_retries=0, **settings)
    assert responses.asked == []
    response = provider.generate_response("Hi", "Be brief", priority="high")
    assert (response.content, response.provider_name) == ("Hello there", "codex")
    assert response.usage["total_tokens"] > 0
    assert response.metadata["ignored"] == ["priority"]
    assert responses.asked[0].prompt == "Hi"
    stream = provider.stream_response("Hi")
    assert "".join(stream) == stream.response.content == "Hello there"
    assert KEY not in repr(provider)
    with pytest.raises(AIProviderError, match="cannot call the caller's tools"):
        provider.generate_response("Hi", tools=[{}])
