"""Whatever fails is an error of the `openai` package, sync, async, streamed or not."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import openai
import pytest

from codegen_ext import AsyncCodexClient, CodexClient
from codegen_ext.codex import CodexConfigurationError, CodexError, CodexNotFoundError

from .conftest import KEY
from .responses import WAIT, Answer, Responses, completed, created, failed, message, refuse, say

Ask = Callable[..., Any]

CASES: dict[str, tuple[Answer, type[openai.OpenAIError], str | None]] = {
    "400": (refuse(400, "invalid_value", "bad field"), openai.BadRequestError, "invalid_value"),
    "401": (refuse(401, "invalid_api_key"), openai.AuthenticationError, None),
    "403": (refuse(403), openai.PermissionDeniedError, None),
    "404 model": (refuse(404, "model_not_found"), openai.NotFoundError, "model_not_found"),
    "404": (refuse(404), openai.NotFoundError, None),
    "429": (refuse(429, "rate_limit_exceeded"), openai.RateLimitError, None),
    "quota": (refuse(429, "insufficient_quota"), openai.RateLimitError, "insufficient_quota"),
    "500": (refuse(500), openai.InternalServerError, None),
    "502": (refuse(502), openai.InternalServerError, None),
    "503": (refuse(503, "server_is_overloaded"), openai.InternalServerError, "server_is_overloaded"),
    "context": (refuse(400, "context_length_exceeded"), openai.BadRequestError, "context_length_exceeded"),
    "failed quota": (Answer([created(), failed("insufficient_quota", "x")]), openai.RateLimitError, None),
    "failed rate": (Answer([created(), failed("rate_limit_exceeded", "x")]), openai.RateLimitError, None),
    "cut": (Answer([created(), *[*message("Par", "tial")][:-1]]), openai.APIConnectionError, None),
}
STATUS = {"400": 400, "401": 401, "403": 403, "404": 404, "429": 429, "500": 500, "502": 502, "503": 503}


@pytest.mark.parametrize("name", CASES)
def test_what_the_service_refuses(ask: Ask, answer: Ask, name: str) -> None:
    given, kind, code = CASES[name]
    answer(given)
    with pytest.raises(openai.APIError) as caught:
        ask()
    assert type(caught.value) is kind
    if code:
        assert caught.value.code == code
    if name[:3] in STATUS:
        assert isinstance(caught.value, openai.APIStatusError)
        assert caught.value.status_code == STATUS[name[:3]]


@pytest.mark.parametrize("name", ["400", "401", "404 model", "429", "500", "cut"])
def test_what_the_service_refuses_in_a_stream(ask: Ask, answer: Ask, name: str) -> None:
    given, kind, _ = CASES[name]
    answer(given)
    with pytest.raises(kind):
        list(ask(stream=True))


def test_an_early_refusal_is_raised_by_create_itself(ask: Ask, answer: Ask) -> None:
    answer(refuse(401))
    with pytest.raises(openai.AuthenticationError, match=r"^unexpected status 401 Unauthorized: the service says no"):
        ask(stream=True)


def test_the_message_of_a_400_is_the_services(ask: Ask, answer: Ask) -> None:
    answer(CASES["400"][0])
    with pytest.raises(openai.BadRequestError, match=r"^bad field$"):
        ask()


@pytest.mark.parametrize(("name", "requests"), [("401", 1), ("403", 1), ("404", 1), ("502", 2), ("cut", 2)])
def test_only_what_may_mend_is_repeated(ask: Ask, answer: Ask, service: Responses, name: str, requests: int) -> None:
    answer(CASES[name][0])
    with pytest.raises(openai.APIError):
        ask()
    assert len(service.asked) == requests


def test_text_before_a_repetition_is_void(ask: Ask, answer: Ask) -> None:
    answer(CASES["cut"][0], say("Whole", "."))
    assert ask().choices[0].message.content == "Whole."
    answer(CASES["cut"][0], say("Whole", "."))
    assert ask(stop="tialW").choices[0].message.content == "Whole."


def test_a_stream_whose_text_turns_out_void_says_so(ask: Ask, answer: Ask) -> None:
    answer(CASES["cut"][0], say("Whole", "."))
    stream = ask(stream=True)
    assert [next(stream).choices[0].delta.content for _ in range(3)] == ["", "Par", "tial"]
    with pytest.raises(openai.APIConnectionError, match="void"):
        next(stream)


def test_a_stream_that_had_no_text_yet_goes_on_after_a_repetition(ask: Ask, answer: Ask) -> None:
    answer(Answer([created()]), say("Whole", "."))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in ask(stream=True)) == "Whole."


def test_one_choice_that_fails_fails_the_call(ask: Ask, answer: Ask) -> None:
    answer(Answer([created(), *message("slow", WAIT), completed()]), refuse(429))
    with pytest.raises(openai.RateLimitError):
        ask(n=2)


def test_a_refused_connection_fails(build: Ask) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = build(base_url=f"http://127.0.0.1:{unused.getsockname()[1]}/v1")
        with pytest.raises(openai.APIConnectionError, match="Connection failed"):
            client.chat.completions.create(messages=[{"role": "user", "content": "hi"}])


def test_an_unknown_reason_is_still_an_openai_error(ask: Ask, answer: Ask) -> None:
    answer(Answer([created(), failed("invalid_prompt", "not that")]))
    with pytest.raises(openai.APIError, match="not that"):
        ask()


def test_a_missing_cli_is_an_error_of_the_first_call() -> None:
    client = CodexClient(KEY, "/no/such/codex")
    with pytest.raises(CodexNotFoundError, match="npm install -g @openai/codex") as caught:
        client.chat.completions.create(messages=[{"role": "user", "content": "hi"}])
    assert isinstance(caught.value, openai.OpenAIError)


def test_a_missing_cli_is_named_before_a_missing_key() -> None:
    with pytest.raises(CodexNotFoundError, match="npm install -g @openai/codex"):
        CodexClient(codex_path="/no/such/codex").chat.completions.create(messages=[{"role": "user", "content": "hi"}])


def test_a_missing_cli_is_an_error_of_the_async_clients_first_call() -> None:
    client = AsyncCodexClient(KEY, "/no/such/codex")
    with pytest.raises(CodexNotFoundError, match="npm install -g @openai/codex"):
        asyncio.run(client.chat.completions.create(messages=[{"role": "user", "content": "hi"}], stream=True))


OLD = {
    "no app-server": "echo \"error: unrecognized subcommand 'app-server'\" >&2; exit 2",
    "old version": (
        'read line; echo \'{"id":1,"result":{"userAgent":"codegen_sdk/0.98.0 (x)"}}\'; while read line; do :; done'
    ),
    "unknown switch": "echo \"error: unexpected argument '--disable' found\" >&2; exit 2",
}


@pytest.mark.parametrize("name", OLD)
def test_a_cli_that_is_too_old_is_named(tmp_path: Any, name: str) -> None:
    program = tmp_path / "codex"
    program.write_text(f"#!/bin/sh\n{OLD[name]}\n")
    program.chmod(0o755)
    with CodexClient(KEY, str(program), timeout=60) as client, pytest.raises(CodexNotFoundError, match="too old"):
        client.models.list()


def test_a_cli_that_ends_at_once_is_told_with_the_command_that_installs_it(tmp_path: Any) -> None:
    program = tmp_path / "codex"
    program.write_text("#!/bin/sh\necho codex-cli 0.1.0\n")
    program.chmod(0o755)
    with (
        CodexClient(KEY, str(program), timeout=60) as client,
        pytest.raises(openai.OpenAIError, match="npm install -g @openai/codex"),
    ):
        client.models.list()


def test_a_file_that_is_no_program_is_named(tmp_path: Any) -> None:
    program = tmp_path / "codex"
    program.write_text("nothing")
    program.chmod(0o755)
    with pytest.raises(CodexNotFoundError, match="cannot be started"):
        CodexClient(KEY, str(program)).models.list()


def test_without_any_credential_the_first_call_says_so(codex: str) -> None:
    with pytest.raises(CodexConfigurationError, match="OPENAI_API_KEY"):
        CodexClient(codex_path=codex).models.list()


@pytest.mark.parametrize(
    "settings",
    [
        {"sandbox_mode": "none"},
        {"timeout": 0},
        {"max_retries": -1},
        {"approval_policy": "always"},
        {"base_url": "127.0.0.1"},
        {"base_url": "http://user:secret@127.0.0.1/v1"},
        {"base_url": "http://127.0.0.1/v1?key=secret"},
    ],
    ids=str,
)
def test_a_wrong_setting_is_named(settings: dict[str, Any]) -> None:
    with pytest.raises(CodexConfigurationError, match=next(iter(settings))) as caught:
        CodexClient(KEY, **settings)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("key", ["sk-secret\nsk-other", "sk-secret\0", 5], ids=repr)
def test_a_key_that_no_header_can_hold_is_refused(key: Any) -> None:
    with pytest.raises(CodexConfigurationError, match="api_key") as caught:
        CodexClient(key)
    assert "secret" not in str(caught.value)


def test_a_closed_client_says_so(build: Ask) -> None:
    client = build()
    client.close()
    client.close()
    with pytest.raises(CodexError, match="closed"):
        client.models.list()
