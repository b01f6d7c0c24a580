"""Whatever fails is an error of the `openai` package, sync, async, streamed or not."""

import asyncio
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from codegen_ext import AsyncCodexClient, CodexClient
from codegen_ext.codex import CodexConfigurationError, CodexError, CodexNotFoundError

from .conftest import KEY, content, create, text
from .responses import WAIT, Answer, Responses, completed, created, failed, message, refuse, say

Ask = Callable[..., Any]
BROKEN = Answer([created(), *[*message("Par", "tial")][:-1]])
CASES: dict[str, tuple[Answer, type[openai.OpenAIError], int | None, str | None, int]] = {
    # what the service answers, the error, its status and code, and how many requests the CLI makes
    "400": (refuse(400, "invalid_value", "bad field"), openai.BadRequestError, 400, "invalid_value", 1),
    "401": (refuse(401, "invalid_api_key"), openai.AuthenticationError, 401, None, 1),
    "403": (refuse(403), openai.PermissionDeniedError, 403, None, 1),
    "404": (refuse(404), openai.NotFoundError, 404, None, 1),
    "model": (refuse(404, "model_not_found"), openai.NotFoundError, 404, "model_not_found", 1),
    "429": (refuse(429, "rate_limit_exceeded"), openai.RateLimitError, 429, None, 1),
    "quota": (refuse(429, "insufficient_quota"), openai.RateLimitError, 429, "insufficient_quota", 1),
    "500": (refuse(500), openai.InternalServerError, 500, None, 2),
    "502": (refuse(502), openai.InternalServerError, 502, None, 2),
    "503": (refuse(503, "server_is_overloaded"), openai.InternalServerError, 503, "server_is_overloaded", 1),
    "context": (refuse(400, "context_length_exceeded"), openai.BadRequestError, 400, "context_length_exceeded", 1),
    "failed quota": (Answer([created(), failed("insufficient_quota", "x")]), openai.RateLimitError, 429, None, 1),
    "failed rate": (Answer([created(), failed("rate_limit_exceeded", "x")]), openai.RateLimitError, 429, None, 2),
    "unknown": (Answer([created(), failed("invalid_prompt", "not that")]), openai.APIError, None, None, 1),
    "cut": (BROKEN, openai.APIConnectionError, None, None, 2),
}


@pytest.mark.parametrize("name", CASES)
def test_what_the_service_refuses(ask: Ask, answer: Ask, service: Responses, name: str) -> None:
    given, kind, status, code, requests = CASES[name]
    answer(given)
    with pytest.raises(openai.APIError) as caught:
        ask()
    assert type(caught.value) is kind
    assert getattr(caught.value, "status_code", None) == status
    assert code in (None, caught.value.code)
    assert len(service.asked) == requests


def test_a_refusal_before_the_answer_is_raised_by_create_itself(ask_each: Ask, answer: Ask) -> None:
    answer(refuse(401))
    with pytest.raises(openai.AuthenticationError, match=r"^unexpected status 401 Unauthorized: the service says no"):
        ask_each(stream=True)
    answer(CASES["400"][0])
    with pytest.raises(openai.BadRequestError, match=r"^bad field$"):
        ask_each()
    answer(BROKEN)
    with pytest.raises(openai.APIConnectionError):
        list(ask_each(stream=True))


def test_what_the_cli_refuses(ask: Ask, service: Responses) -> None:
    with pytest.raises(openai.BadRequestError, match=r"^turn/start: "):
        ask(reasoning_effort="")
    assert service.asked == []


def test_text_before_a_repetition_is_void(ask: Ask, answer: Ask) -> None:
    for limit in ({}, {"stop": "tialW"}):
        answer(BROKEN, say("Whole", "."))
        assert text(ask(**limit)) == "Whole."
    answer(BROKEN, say("Whole", "."))
    stream = ask(stream=True)
    assert [next(stream).choices[0].delta.content for _ in range(3)] == ["", "Par", "tial"]
    with pytest.raises(openai.APIConnectionError, match="void"):
        next(stream)
    assert list(stream) == []
    answer(Answer([created()]), say("Whole", "."))  # without text there is nothing to take back
    assert content(ask(stream=True)) == "Whole."


def test_one_choice_that_fails_fails_the_call(ask: Ask, answer: Ask) -> None:
    answer(Answer([created(), *message("slow", WAIT), completed()]), refuse(429))
    with pytest.raises(openai.RateLimitError):
        ask(n=2)


def test_a_refused_connection_fails(build: Ask) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = build(base_url=f"http://127.0.0.1:{unused.getsockname()[1]}/v1")
        with pytest.raises(openai.APIConnectionError, match="Connection failed"):
            create(client)


def test_a_missing_cli_is_an_error_of_the_first_call(tmp_path: Path) -> None:
    program = tmp_path / "codex"
    program.write_text("nothing")
    program.chmod(0o755)
    for path, problem in (("/no/such/codex", "is not at /no/such/codex"), (program, "cannot be started")):
        for kind in (CodexClient, AsyncCodexClient):
            client = kind(None if path == "/no/such/codex" else KEY, str(path))  # named before a missing key
            with pytest.raises(CodexNotFoundError, match=f"{problem}.*npm install -g @openai/codex") as caught:
                create(client) if kind is CodexClient else asyncio.run(create(client, stream=True))
            assert isinstance(caught.value, openai.OpenAIError)


OLD_REPLY = '{"id":1,"result":{"userAgent":"codegen_sdk/0.98.0 (x)"}}'
STARTS: dict[str, tuple[str, type[openai.OpenAIError], str]] = {
    "no app-server": (
        "if [ $1 = --version ]; then exit 2; fi; echo \"error: unrecognized subcommand 'app-server'\" >&2; exit 2",
        CodexNotFoundError,
        r"too old: an older version was found, 0\.160\.0 or newer",
    ),
    "old, and ends": (
        "if [ $1 = --version ]; then echo codex-cli 0.98.0; exit; fi; echo 'Unknown feature flag: x' >&2; exit 1",
        CodexNotFoundError,
        r"too old: 0\.98\.0 was found, 0\.160\.0 or newer is needed; install it with: npm",
    ),
    "old, and answers": (
        f"read line; echo '{OLD_REPLY}'; while read line; do :; done",
        CodexNotFoundError,
        r"too old: 0\.98\.0 was found, 0\.160\.0 or newer",
    ),
    "ends at once": (
        "if [ $1 = --version ]; then echo codex-cli 0.169.0; exit; fi; echo oh dear >&2; exit 3",
        openai.APIConnectionError,
        r"exit code 3\) before it answered; .*npm install -g @openai/codex oh dear",
    ),
    "never answers": ("exec sleep 100", openai.APITimeoutError, r"did not answer within 0\.3 s of its start"),
    "writes what is no message": (
        "if [ $1 = --version ]; then exec sleep 100; fi; echo hello; echo '[1]'; exit 1",
        openai.APIConnectionError,
        "exit code 1",
    ),
}


@pytest.mark.parametrize("name", STARTS)
def test_a_cli_that_does_not_start(tmp_path: Path, name: str) -> None:
    code, kind, words = STARTS[name]
    program = tmp_path / "codex"
    program.write_text(f"#!/bin/sh\n{code}\n")
    program.chmod(0o755)
    started = time.monotonic()
    with CodexClient(KEY, str(program), start_timeout=0.3 if "never" in name else 30) as client:
        with pytest.raises(kind, match=words) as caught:
            client.models.list()
        assert type(caught.value) is kind
    assert time.monotonic() - started < 20


def test_a_missing_working_dir_is_an_error_of_the_first_call(build: Ask, tmp_path: Path) -> None:
    client = build(working_dir=tmp_path / "missing")
    with pytest.raises(CodexConfigurationError, match=r"working_dir is no directory: .*missing"):
        create(client)
    (tmp_path / "missing").mkdir()
    assert text(create(client)) == "Hello there."


WRONG: list[dict[str, Any]] = [
    {"sandbox_mode": "none"},
    {"timeout": 0},
    {"start_timeout": 0},
    {"max_retries": -1},
    {"approval_policy": "always"},
    {"base_url": "127.0.0.1"},
    {"base_url": "http://user:secret@127.0.0.1/v1"},
    {"base_url": "http://127.0.0.1/v1?key=secret"},
    {"api_key": "sk-secret\nsk-other"},
    {"api_key": "sk-secret\0"},
    {"api_key": 5},
]


@pytest.mark.parametrize("settings", WRONG, ids=repr)
def test_a_wrong_setting_is_named(settings: dict[str, Any]) -> None:
    with pytest.raises(CodexConfigurationError, match=next(iter(settings))) as caught:
        CodexClient(**{"api_key": KEY, **settings})
    assert "secret" not in str(caught.value)


def test_a_closed_client_says_so(build: Ask) -> None:
    client = build()
    client.close()
    client.close()
    with pytest.raises(CodexError, match="closed"):
        client.models.list()
