"""Codex as a provider: the real CLI against a service on loopback that speaks the Responses API."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from codegen_ext import AsyncCodexClient, CodexClient
from codegen_ext.providers import (
    AIProviderError,
    ProviderAuthenticationError,
    ProviderRateLimitError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from codegen_ext.testing import FakeClock, Sandbox

from ..codex.responses import WAIT, Answer, Responses, created, message, refuse, say
from ..conftest import Flavour
from ..support.codex_cli import require_codex
from .conftest import KEY

Client = CodexClient | AsyncCodexClient
CUT = Answer([created(), *[*message("Par", "tial")][:-1]])
TABLE: dict[str, tuple[Answer, type[AIProviderError], bool]] = {
    "refused": (refuse(401), ProviderAuthenticationError, True),
    "no access": (refuse(403), ProviderAuthenticationError, True),
    "too many": (refuse(429), ProviderRateLimitError, True),
    "down": (refuse(500), ProviderUnavailableError, True),
    "cut": (CUT, ProviderUnavailableError, True),
    "hangs": (Answer([created(), *message("Par", WAIT)]), ProviderTimeoutError, True),
    "bad request": (refuse(400), AIProviderError, False),
    "unknown model": (refuse(404, "model_not_found"), AIProviderError, True),
}
MID_STREAM = {"cut", "hangs"}


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


@pytest.fixture
def service(responses: Responses) -> Responses:
    responses.reset(say("Hello", " there"))
    return responses


@pytest.fixture
def ask_codex(chain: Callable[..., Any], options: dict[str, Any], lasting_client: Client) -> Callable[..., Any]:
    """Build a client that asks codex and then chatserver."""

    def build(timeout: float = 60, **settings: Any) -> Any:
        options["codex"] = {"client": lasting_client, "timeout": timeout, **settings}
        return chain("codex", "chatserver")

    return build


@pytest.mark.parametrize("name", TABLE)
def test_hand_over(name: str, ask_codex: Callable[..., Any], service: Responses) -> None:
    answer, kind, hands_over = TABLE[name]
    service.reset(answer)
    client = ask_codex(timeout=0.3 if name == "hangs" else 60)
    if hands_over:
        response = client.generate_response("Hi")
        assert response.provider_name == "chatserver"
        assert [entry["outcome"] for entry in response.metadata["tried"]] == [kind.__name__]
        return
    with pytest.raises(AIProviderError) as caught:
        client.generate_response("Hi")
    assert type(caught.value) is kind


@pytest.mark.parametrize("name", ["refused", *sorted(MID_STREAM)])
def test_hand_over_mid_stream(name: str, ask_codex: Callable[..., Any], service: Responses) -> None:
    answer, kind, hands_over = TABLE[name]
    service.reset(answer)
    stream = ask_codex(timeout=0.5 if name == "hangs" else 60).stream_response("Hi")
    if hands_over and name not in MID_STREAM:
        assert "".join(stream) == "Echo: Hi"
        assert [entry["outcome"] for entry in stream.response.metadata["tried"]] == [kind.__name__]
        return
    with pytest.raises(AIProviderError) as caught:
        list(stream)
    assert type(caught.value) is kind
    assert caught.value.partial == {"cut": "Partial", "hangs": "Par"}.get(name, "")


@pytest.mark.parametrize("name", ["refused", "down", "cut"])
def test_an_agent_that_may_write_may_have_written(
    name: str, ask_codex: Callable[..., Any], service: Responses, sandbox: Sandbox
) -> None:
    answer, kind, _ = TABLE[name]
    service.reset(answer)
    with pytest.raises(kind) as caught:
        ask_codex(sandbox_mode="workspace-write").generate_response("Hi")
    assert caught.value.may_have_effect is True
    assert sandbox.requests == []


def test_a_missing_cli_hands_over(make: Callable[..., Any], options: dict[str, Any], tmp_path: Path) -> None:
    chosen = {"clock": options["clock"], "chatserver": options["chatserver"]}
    codex = {"api_key": KEY, "codex_path": str(tmp_path / "codex"), "sandbox_mode": "workspace-write"}
    response = make(validate_on_creation=False, codex=codex, **chosen).generate_response("Hi")
    assert response.provider_name == "chatserver"
    assert response.metadata["tried"][-1] == {
        "provider": "codex",
        "outcome": "skipped",
        "reason": "needs the Codex CLI: npm install -g @openai/codex",
    }


def test_a_validation_takes_no_longer_than_it_may(
    make: Callable[..., Any], lasting_client: Client, clock: FakeClock
) -> None:
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


def test_answers_and_streams(
    make: Callable[..., Any], codex: str, service: Responses, tmp_path: Path, clock: FakeClock, flavour: Flavour
) -> None:
    settings = {"codex_path": codex, "base_url": service.base_url, "working_dir": tmp_path, "model": "gpt-5"}
    provider = make("codex", clock=clock, api_key=KEY, max_retries=0, **settings)  # validated: the CLI starts
    assert service.asked == []
    response = provider.generate_response("Hi", "Be brief", priority="high")
    assert (response.content, response.provider_name) == ("Hello there", "codex")
    assert response.usage["total_tokens"] > 0
    assert response.metadata["ignored"] == ["priority"]
    assert service.asked[0].prompt == "Hi"
    stream = provider.stream_response("Hi")
    assert "".join(stream) == "Hello there"
    assert stream.response.content == "Hello there"
    assert provider.get_available_models()
    assert KEY not in repr(provider)
    with pytest.raises(AIProviderError, match="cannot call the caller's tools"):
        provider.generate_response("Hi", tools=[{}])
